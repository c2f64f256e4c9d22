"""Photos as they are given: bytes, a path or an open file. Read whole, so they can be sent again.

photo -> (file name, bytes)
"""

import os
from pathlib import Path
from typing import BinaryIO, TypeAlias

Photo: TypeAlias = bytes | str | os.PathLike[str] | BinaryIO
"""An image file: its bytes, its path, or the file, open for reading bytes."""


def read_photo(photo: Photo) -> tuple[str, bytes]:
    """The name under which the service knows it, and its bytes.

    Raises:
        OSError: the file cannot be read.
    """
    if isinstance(photo, bytes):
        return "", photo
    if isinstance(photo, str | os.PathLike):
        path = Path(photo)
        return path.name, path.read_bytes()
    name = getattr(photo, "name", "")
    return Path(name).name if isinstance(name, str) else "", photo.read()
