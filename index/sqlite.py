"""The store's database as one SQLite file: what SQLite does in its own way.

    write()  BEGIN IMMEDIATE: SQLite has one writer at a time
    clean()  `index.scrub` overwrites what was erased, and empties the log

For one machine; several processes there may have the file open.
"""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from index import scrub
from index.database import Database, Duty
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

_LOOK_EVERY_S = 0.02

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


class SqliteDatabase(Database):
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
        engine = _make_engine(url)
        writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        super().__init__(str(self.path), engine, reader=engine, writer=writer)

    @contextmanager
    def exclusively(self, duty: Duty, *, wait_s: float = 0) -> Iterator[bool]:
        """Whether this process alone has a duty; the data folder's lock says who keeps."""
        if duty == "keeping":
            yield True
            return
        descriptor = os.open(
            self.path.with_name(f"{self.path.name}-{duty}"),
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
        try:
            yield _locked(descriptor, wait_s)
        finally:
            os.close(descriptor)

    def clean(self, *, everything: bool = False) -> bool:
        """Overwrite what is left of erased rows, and empty the log; see `index.scrub`."""
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
        """Write one state of the database into an empty file; nothing erased is in it."""
        with self._explained(), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(path),))

    @property
    def log_bytes(self) -> int:
        """Size of the write-ahead log."""
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def faults(self) -> list[str]:
        """What SQLite finds wrong with its pages, rows and indexes."""
        with self.read() as connection:
            lines = [line for (line,) in connection.exec_driver_sql("PRAGMA integrity_check").all()]
        return [] if lines == ["ok"] else lines

    def rebuild_indexes(self) -> None:
        """Build SQLite's own indexes anew."""
        with self.write() as connection:
            connection.exec_driver_sql("REINDEX")

    def orphans(self) -> Sequence[tuple[str, int]]:
        """Table and row of whatever refers to something that is not there."""
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [(table, row_id) for table, row_id, *_ in found]

    @contextmanager
    def _writing(self, connection: Connection) -> Iterator[None]:
        """Note whether anything was written."""
        before = _changes(connection)
        yield
        self.wrote = self.wrote or _changes(connection) != before

    def _check(self, connection: Connection) -> None:
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
        raise StoreUnavailable(
            f"store_url = {shown!r} is not supported: use sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    return Path(str(parsed.database))


def _locked(descriptor: int, wait_s: float) -> bool:
    """Take the lock of an open file; False if another has it all the time."""
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(_LOOK_EVERY_S)
        else:
            return True


def _changes(connection: Connection) -> int:
    """Rows that were changed through this connection so far."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.total_changes


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
