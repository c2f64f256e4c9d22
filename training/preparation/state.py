"""The state of a preparation: whose outcome a folder is, and whether it is finished."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.errors import BadConfig
from training.preparation.report import REPORT_FILE

SETTINGS_FILE = "prepare.json"


def begin(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Take the folder for an outcome of these settings; whether it is finished already.

    Raises:
        BadConfig: it holds an outcome of other settings, or something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS_FILE
    if not path.is_file():
        if any(folder.iterdir()):
            raise BadConfig(f"{folder} is not empty, and not of an earlier preparation")
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
        return False
    before = json.loads(path.read_text(encoding="utf-8"))
    for key in sorted({*before, *settings}):
        if before.get(key) != settings.get(key):
            raise BadConfig(
                f"{folder} was prepared with {key} = {before.get(key)!r}, "
                f"not {settings.get(key)!r}; choose another folder"
            )
    return (folder / REPORT_FILE).is_file()
