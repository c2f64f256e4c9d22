"""Plain files of a data set."""

from pathlib import Path

from faces.errors import BadSource


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        BadSource: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}") from error


def read_lines(path: Path) -> list[str]:
    """The lines of a small text file that belongs to a data set.

    Raises:
        BadSource: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(f"{path} cannot be read: {error}") from error
