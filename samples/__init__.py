"""Made-up sample people: their shipped pictures, and the code that renders them."""

from importlib.resources import files
from pathlib import Path


def people_folder() -> Path:
    """The folder of shipped pictures: one sub-folder for each made-up person."""
    return Path(str(files("samples"))) / "people"
