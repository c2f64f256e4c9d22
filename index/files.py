"""Writing files so that a crash leaves the old one or the new one, never half of one."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import StorageFull, StoreUnavailable


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; it replaces an old one at once.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what the system says of a disk into the store's own errors, which name `what`.

    Raises:
        StorageFull: no room.
        StoreUnavailable: it cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(f"no room for {what}: {error}") from error
        raise StoreUnavailable(f"{what} cannot be written: {error}") from error


def sync_file(path: Path) -> None:
    """Make what is written to a file outlast a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder outlast a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
