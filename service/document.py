"""Writes the API reference to a file: `python -m service.document docs/openapi.json`."""

import json
import sys
from pathlib import Path
from typing import Any

from service.app import create_app
from service.settings import read_settings


def document() -> dict[str, Any]:
    """OpenAPI of the service with its default settings."""
    app = create_app(read_settings(host="127.0.0.1", root_path=""))
    return app.openapi()


def as_text(api: dict[str, Any]) -> str:
    """The document as it is kept: one value a line, so that differences are read easily."""
    return json.dumps(api, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_text(document()), "utf-8")
