"""The database of the store: connections, transactions and what their errors mean.

    read()   a short transaction that sees one state and never waits for a writer
    write()  the one writer: BEGIN IMMEDIATE, committed and synced when the block ends

SQLite only, for now: another database needs its own way to have one writer at a time.
"""

import errno
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from index import scrub
from index.errors import (
    CleaningFailed,
    StorageFull,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
)

BUSY_TIMEOUT_S = 10
"""How long a writer waits for the writer of another process."""

ALMOST_FULL_BYTES = 2**20
"""SQLite reports a full disk as a mere I/O error in some places; below this it is meant."""

_PRAGMAS = (
    "page_size = 8192",  # of a new file: a page holds 3 embeddings of 512 numbers, not 1
    "journal_mode = WAL",  # readers and the writer do not wait for each other
    "wal_autocheckpoint = 0",  # only `index.scrub` empties the log
    "journal_size_limit = 0",  # and what was in it is cut off then
    "temp_store = MEMORY",  # what is sorted never reaches a disk
    "synchronous = FULL",  # what was acknowledged survives a power failure
    "secure_delete = ON",  # what was erased is overwritten with zeros
    "foreign_keys = ON",
)


class Database:
    """One SQLite database, migrated to the newest schema. Thread-safe."""

    def __init__(self, url: str) -> None:
        """Open or make the database.

        Args:
            url: `sqlite:///path`.

        Raises:
            StorageFull: no room to make it.
            StoreUnavailable: not SQLite, unreadable, damaged, or of a newer version.
        """
        self.path = sqlite_path(url)
        self.wrote = False  # by this process, since the last time that the files were cleaned
        self._write_lock = threading.Lock()
        with self._explained():
            self._engine = _make_engine(url)
            self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store; short, since it holds up checkpoints."""
        with self._explained(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that alone may write; all of it is stored, or after an error nothing."""
        with self._write_lock, self._explained(), self._writer.begin() as connection:
            before = _changes(connection)
            yield connection
            self.wrote = self.wrote or _changes(connection) != before

    def clean(self, *, everything: bool = False) -> bool:
        """Overwrite what is left of erased rows, and empty the log; see `index.scrub`.

        Args:
            everything: look at every page, not only at those written since the last time.

        Returns:
            False if readers prevent it now.

        Raises:
            CleaningFailed: the file cannot be written; it can still be read.
        """
        self.wrote = False
        command = [sys.executable, "-m", "index.scrub", str(self.path.absolute())]
        done = subprocess.run(  # noqa: S603 - our own module, on our own file
            [*command, "--everything"] if everything else command,
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == scrub.DONE:
            return True
        self.wrote = True
        if done.returncode == scrub.IN_THE_WAY:
            return False
        raise CleaningFailed(
            f"what was erased is not yet overwritten in {self.path}: {done.stderr.strip()[-300:]}"
        )

    def copy_into(self, path: Path) -> None:
        """Write one state of the database into an empty file; nothing erased is in it.

        Raises:
            StorageFull: no room.
        """
        with self._explained(), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(path),))

    @property
    def log_bytes(self) -> int:
        """Size of the write-ahead log."""
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", "index:migrations")
        with self.write() as connection:
            config.attributes["connection"] = connection
            self._check_length(connection)
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreUnavailable(
                    f"{self.path} has a schema that this version does not know: {error}"
                ) from error

    def _check_length(self, connection: Connection) -> None:
        """Refuse a file that was cut off; SQLite would notice only where it reads the lost pages.

        With the write lock held and nothing in the log, all pages must be in the file.
        """
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
        page_bytes = connection.exec_driver_sql("PRAGMA page_size").scalar() or 0
        found = self.path.stat().st_size
        if not self.log_bytes and found < pages * page_bytes:
            raise StoreUnavailable(
                f"{self.path} is damaged (cut off: {found:,} of {pages * page_bytes:,} bytes): "
                "put a backup of it in its place"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the errors of the database into the store's own."""
        try:
            yield
        except DBAPIError as error:
            cause = error.orig
            if not isinstance(cause, sqlite3.Error) or isinstance(cause, sqlite3.IntegrityError):
                raise
            raise self._store_error(cause) from error
        except sqlite3.Error as error:
            raise self._store_error(error) from error

    def _store_error(self, error: sqlite3.Error) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and self._almost_full()):
            return StorageFull(f"no room for {self.path}: {error}; nothing was stored")
        if name.startswith("SQLITE_READONLY"):
            return StoreReadOnly(f"{self.path} cannot be written ({error}); nothing was stored")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return StoreUnavailable(
                f"{self.path} is locked: another process has been writing for {BUSY_TIMEOUT_S} s"
            )
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return StoreUnavailable(
                f"{self.path} is damaged ({error}): put a backup of it in its place"
            )
        return StoreUnavailable(f"{self.path} cannot be used: {error}")

    def _almost_full(self) -> bool:
        try:
            return shutil.disk_usage(self.path.parent).free < ALMOST_FULL_BYTES
        except OSError:
            return False


def _changes(connection: Connection) -> int:
    """Rows that were changed through this connection so far."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.total_changes


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


def sqlite_path(url: str) -> Path:
    """The file that a URL means.

    Raises:
        StoreUnavailable: it is no URL of a SQLite file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailable(f"store_url is not the URL of a database: {error}") from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        shown = parsed.render_as_string(hide_password=True)
        raise StoreUnavailable(f"store_url = {shown!r} is not supported: use sqlite:///PATH")
    return Path(str(parsed.database))


def _make_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S},
        hide_parameters=True,  # errors are logged, and parameters are names and embeddings
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # transactions begin as we say, not as sqlite3 guesses
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine
