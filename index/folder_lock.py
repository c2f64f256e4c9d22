"""The lock of a data folder: one service at a time serves it and writes its snapshots."""

import fcntl
import os
from pathlib import Path

from index.errors import DataFolderLocked, StoreUnavailable

LOCK_FILE = "lock"


class FolderLock:
    """Held from construction to `release`, or until the process ends however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            DataFolderLocked: another service has it.
            StoreUnavailable: the lock file cannot be opened.
        """
        path = folder / LOCK_FILE
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"the data folder cannot be locked: {error}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode(errors="replace") or "unknown"
            os.close(self._descriptor)
            raise DataFolderLocked(
                f"{folder} is served by another lookalike (process {holder}): "
                "stop that one, or use another data folder"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let the next service in. The file stays: removing it could let two in."""
        os.close(self._descriptor)
