"""The shipped encoders: one folder each, with `encoder.onnx`, `card.json` and `MODEL_CARD.md`."""

from importlib.resources import files
from pathlib import Path

DEFAULT = "simclr-resnet18-tuned"


def shipped(name: str = DEFAULT) -> Path:
    """The folder of the shipped encoder `name`.

    Raises:
        FileNotFoundError: no encoder of that name is shipped.
    """
    folder = Path(str(files("encoders"))) / name
    if not (folder / "card.json").is_file():
        raise FileNotFoundError(f"no encoder named {name!r} is shipped: {folder} has no card.json")
    return folder
