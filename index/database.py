"""The database of the store: connections, transactions and what their errors mean.

    read()         a short transaction that sees one state and never waits for a writer
    write()        the one writer, committed and synced when the block ends
    exclusively()  what one process at a time does, whoever comes first

What each engine does in its own way is in `index.sqlite` and `index.postgres`.
"""

import errno
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from index.errors import StorageFull, StoreUnavailable

Duty: TypeAlias = Literal["keeping", "feeding"]
"""What one process at a time does: the gallery's upkeep, and feeding an index that is shared."""


class Database(ABC):
    """One database, migrated to the newest schema. Thread-safe.

    Attributes:
        name: what it is called in errors; no password.
        wrote: this process has written since the last time that files were cleaned.
        rests_s: seconds from one `clean` to the next, at least; 0 leaves that to the caller.
    """

    rests_s: float = 0.0

    def __init__(self, name: str, engine: Engine, *, reader: Engine, writer: Engine) -> None:
        """Migrate the database behind an engine, and use it.

        Args:
            name: what it is called in errors.
            engine: it is disposed of in the end.
            reader: the engine, with what reading transactions need.
            writer: the engine, with what the writing one needs.

        Raises:
            StorageFull: no room to make it.
            StoreUnavailable: out of reach, unreadable, damaged, or of a newer version.
        """
        self.name = name
        self.wrote = False
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._write_lock = threading.Lock()
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store; short, since it holds up the cleaning."""
        with self._explained(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that alone may write; all of it is stored, or after an error nothing."""
        with (
            self._write_lock,
            self._explained(),
            self._writer.begin() as connection,
            self._writing(connection),
        ):
            yield connection

    @abstractmethod
    def exclusively(self, duty: Duty, *, wait_s: float = 0) -> AbstractContextManager[bool]:
        """Whether this process alone has a duty while the block runs; waits for so many seconds."""

    @abstractmethod
    def clean(self, *, everything: bool = False) -> bool:
        """Rid the files of what is left of erased rows, as far as the engine can.

        Args:
            everything: look at everything, not only at what was written since the last time.

        Returns:
            False if readers prevent it now.

        Raises:
            CleaningFailed: it cannot be done; the store can still be read.
        """

    @abstractmethod
    def copy_into(self, path: Path) -> None:
        """Write one state of the database into an empty file; nothing erased is in it.

        Raises:
            StorageFull: no room.
            Unsupported: this engine has other means.
        """

    @property
    def log_bytes(self) -> int:
        """Size of the write-ahead log, where it is ours to empty; else 0."""
        return 0

    def faults(self) -> list[str]:
        """What the engine finds wrong with its own structures."""
        return []

    @abstractmethod
    def rebuild_indexes(self) -> None:
        """Build the engine's own indexes anew, where it has found faults."""

    def orphans(self) -> Sequence[tuple[str, int]]:
        """Table and row of whatever refers to something that is not there."""
        return []

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @abstractmethod
    def _writing(self, connection: Connection) -> AbstractContextManager[None]:
        """Runs around each write transaction, within it."""

    @abstractmethod
    def _explained(self) -> AbstractContextManager[None]:
        """Turn the errors of the engine into the store's own."""

    @abstractmethod
    def _check(self, connection: Connection) -> None:
        """Refuse a database that cannot be used, before it is migrated."""

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", "index:migrations")
        with self.write() as connection:
            config.attributes["connection"] = connection
            self._check(connection)
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreUnavailable(
                    f"{self.name} has a schema that this version does not know: {error}"
                ) from error


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, unless it is there already.

    Raises:
        StorageFull: no room for it.
        StoreUnavailable: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(f"no room for {folder}: {error}") from error
        raise StoreUnavailable(f"the data folder {folder} cannot be made: {error}") from error
