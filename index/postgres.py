"""The store's database on a PostgreSQL server: what PostgreSQL does in its own way.

    read()         REPEATABLE READ, read only
    write()        READ COMMITTED under an advisory lock: one writer among all processes, so that
                   the change log's sequence numbers are in the order of the commits
    exclusively()  an advisory lock, which ends with the transaction or the process that has it
    clean()        VACUUM: dead rows leave their pages; nothing is overwritten with zeros

A connection that broke is found out before it is used, so a server that was away is used again by
itself. Copies of the whole are PostgreSQL's own business (`pg_dump`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, Select, create_engine, event, func, select, text, update
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from index.database import Database, Duty
from index.errors import (
    CleaningFailed,
    StorageFull,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
    Unsupported,
)
from index.tables import ChangeRow, GalleryRow, Table

OLDEST_VERSION = 14
"""PostgreSQL's own support for 13 has ended."""

CONNECT_TIMEOUT_S = 5
WRITER_TIMEOUT_S = 10
"""How long a writer waits for the writer of another process."""

POOL_CONNECTIONS = 5
POOL_OVERFLOW = 20

VACUUM_EVERY_S = 600.0
"""At most so often; a gallery of millions is not to be gone through for each erasure."""

_LOCK_CLASS = 0x6C6F6F6B
"""Of our advisory locks within a database: "look"."""

_LOCKS = MappingProxyType({"writing": 1, "keeping": 2, "feeding": 3})

_NO_CHARACTER = "\U0010ffff"
"""Stands for NUL, which PostgreSQL has in no text, where something is looked up by it in vain."""

_CONNECT_ARGS = MappingProxyType(
    {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "lookalike",
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,  # ms; a server that is cut off is not waited for longer
    }
)

_ADVICE = (
    ("password authentication failed", "check the user and the password in store_url"),
    (
        "no password supplied",
        "store_url needs a password: postgresql://USER:PASSWORD@HOST/DATABASE",
    ),
    ("no pg_hba.conf entry", "let this machine in, in the server's pg_hba.conf"),
    ("does not exist", "make it there first (createdb, createuser), or correct store_url"),
    ("starting up", "wait a moment"),
    ("shutting down", "start it again"),
    ("too many clients", "raise the server's max_connections, or run fewer processes"),
    ("too many connections", "raise the server's max_connections, or run fewer processes"),
)
"""What the server says when it lets nobody in, and what to do about it."""


class PostgresDatabase(Database):
    """One PostgreSQL database, migrated to the newest schema. Thread-safe."""

    rests_s = VACUUM_EVERY_S

    def __init__(self, url: URL) -> None:
        """Open the database, and make the schema in it if it is empty.

        Args:
            url: `postgresql://user:password@host:port/database`.

        Raises:
            StorageFull: no room.
            StoreUnavailable: out of reach, no such user or database, too old, or of a newer schema.
        """
        engine = _make_engine(url)
        super().__init__(
            _name(url),
            engine,
            reader=engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ),
            writer=engine.execution_options(isolation_level="READ COMMITTED"),
        )

    @contextmanager
    def exclusively(self, duty: Duty, *, wait_s: float = 0) -> Iterator[bool]:
        """Whether this process alone has a duty while the block runs."""
        with self._explained(), self._writer.begin() as connection:
            if wait_s > 0:
                with connection.begin_nested() as attempt:
                    taken = _take_in_time(connection, duty, wait_s)
                    if not taken:
                        attempt.rollback()
            else:
                query = select(func.pg_try_advisory_xact_lock(_LOCK_CLASS, _LOCKS[duty]))
                taken = bool(connection.scalar(query))
            yield taken

    def clean(self, *, everything: bool = False) -> bool:  # noqa: ARG002 - the seam's signature
        """Vacuum all tables, and note up to which change."""
        with self.read() as connection:
            newest = connection.scalar(select(func.max(ChangeRow.seq))) or 0
        try:
            self._vacuum()
        except StoreError as error:
            raise CleaningFailed(f"{self.name} could not be vacuumed: {error}") from error
        cleaned = func.greatest(GalleryRow.cleaned_seq, newest)
        with self.write() as connection:
            connection.execute(
                update(GalleryRow).values(cleaned_seq=cleaned, cleanings=GalleryRow.cleanings + 1)
            )
        return True

    def copy_into(self, path: Path) -> None:
        """Refuse: PostgreSQL has tools of its own for that."""
        raise Unsupported(
            f"{self.name} is backed up by PostgreSQL's own tools, which hold nobody up: "
            f"pg_dump --format=custom --file={path.name.removesuffix('.partial')} DATABASE, and "
            "pg_restore for the way back"
        )

    def rebuild_indexes(self) -> None:
        """Nothing: no faults are looked for here, that is for `pg_amcheck`."""

    def _vacuum(self) -> None:
        tables = ", ".join(f'"{table.name}"' for table in Table.metadata.sorted_tables)
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with self._explained(), engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM (INDEX_CLEANUP ON) {tables}")

    @contextmanager
    def _writing(self, connection: Connection) -> Iterator[None]:
        """Wait until nobody else writes. The lock is let go of after the commit can be seen."""
        _limit_waiting(connection, WRITER_TIMEOUT_S)
        connection.execute(_lock("writing"))
        yield

    def _check(self, connection: Connection) -> None:
        version = int(connection.exec_driver_sql("SHOW server_version_num").scalar() or 0)
        if version < OLDEST_VERSION * 10_000:
            raise StoreUnavailable(
                f"{self.name} runs PostgreSQL {version // 10_000}; {OLDEST_VERSION} or newer is "
                "needed: upgrade the server"
            )
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise StoreUnavailable(
                f"{self.name} is encoded in {encoding}, which cannot hold every name: make one "
                "with createdb --encoding=UTF8 --template=template0"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            # what the server says in detail quotes the row, and errors are logged
            told = psycopg.IntegrityError(_words(error.orig))
            raise IntegrityError(error.statement, None, told, hide_parameters=True) from None
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.Error) or isinstance(
                error.orig, psycopg.DataError
            ):
                raise
            raise self._store_error(error.orig) from error
        except PoolTimeout as error:
            raise StoreUnavailable(
                f"{self.name}: all {POOL_CONNECTIONS + POOL_OVERFLOW} connections of this process "
                "are in use"
            ) from error

    def _store_error(self, error: psycopg.Error) -> StoreError:
        words = _words(error)
        if isinstance(error, psycopg.errors.DiskFull):
            return StorageFull(f"no room for {self.name}: {words}; nothing was stored")
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return StoreReadOnly(f"{self.name} cannot be written ({words}); nothing was stored")
        if isinstance(error, psycopg.errors.LockNotAvailable):
            return StoreUnavailable(
                f"{self.name} is locked: another process has been writing for {WRITER_TIMEOUT_S} s"
            )
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            return StoreUnavailable(
                f"{self.name} does not let its user do that ({words}): "
                "make that user the owner of the database"
            )
        if error.sqlstate is not None and not isinstance(error, psycopg.OperationalError):
            return StoreUnavailable(f"{self.name} cannot be used: {words}")
        advice = next(
            (advice for sign, advice in _ADVICE if sign in words),
            "is PostgreSQL running there, and is store_url right?",
        )
        return StoreUnavailable(f"{self.name} cannot be reached ({words}): {advice}")


def peek(url: URL, *queries: str) -> list[list[tuple[object, ...]]] | None:
    """The rows of some queries, before anything is opened; None if they cannot be had."""
    try:
        engine = _make_engine(url)
        try:
            with engine.connect() as connection:
                return [
                    [tuple(row) for row in connection.execute(text(query))] for query in queries
                ]
        finally:
            engine.dispose()
    except DBAPIError:  # told in full by whoever opens it for good
        return None


class _WithoutNul(StrDumper):
    """Text without NUL: no name and no id has one, but a question may."""

    def dump(self, obj: str) -> bytes | bytearray | memoryview | None:
        """The text as PostgreSQL takes it."""
        return super().dump(obj.replace("\0", _NO_CHARACTER))


def _make_engine(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=dict(_CONNECT_ARGS),
        pool_size=POOL_CONNECTIONS,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=WRITER_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, and parameters are names and embeddings
    )

    @event.listens_for(engine, "connect")
    def configure(
        connection: "psycopg.Connection[tuple[object, ...]]", _record: ConnectionPoolEntry
    ) -> None:
        connection.adapters.register_dumper(str, _WithoutNul)

    return engine


def _name(url: URL) -> str:
    """What the database is called in errors; a password may be anywhere in the URL."""
    host = url.host or url.query.get("host") or "this machine"
    port = f":{url.port}" if url.port else ""
    return f"the database {url.database or url.username!r} at {host}{port}"


def _words(error: BaseException | None) -> str:
    """What the server says, in one line; its details quote rows, so they are left out."""
    diagnosis = getattr(error, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error)
    return " ".join(said.split())[:300]


def _lock(what: str) -> Select[Any]:
    return select(func.pg_advisory_xact_lock(_LOCK_CLASS, _LOCKS[what]))


def _limit_waiting(connection: Connection, seconds: float) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(seconds * 1000)}")


def _take_in_time(connection: Connection, duty: Duty, wait_s: float) -> bool:
    _limit_waiting(connection, wait_s)
    try:
        connection.execute(_lock(duty))
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True
