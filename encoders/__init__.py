"""The shipped encoders: one folder each, with `encoder.onnx`, `card.json` and `MODEL_CARD.md`.

Beside them `landmarks/`: the landmark network that goes with encoders of aligned crops.
"""

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


def landmark_network() -> Path:
    """The shipped landmark network, for encoders to be made."""
    return Path(str(files("encoders"))) / "landmarks" / "landmarks.onnx"
