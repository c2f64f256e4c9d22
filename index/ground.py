"""The ground that an open gallery stands on: its folder, its store, and what its index is made of.

One opening of a data folder has one ground. A gallery that is switched to another encoder while it
is open stands on the same one, with another index.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from index.binding import Binding
from index.database import Database, make_folder
from index.errors import ExtraMissing, Unsupported
from index.folder_lock import FolderLock
from index.kinds import choose_kind
from index.milvus_options import MilvusOptions
from index.projection import Projection
from index.sqlite import SqliteDatabase, sqlite_path
from index.upkeep import Upkeep

if TYPE_CHECKING:
    from index.shared_projection import SharedProjection

AnyProjection: TypeAlias = "Projection | SharedProjection"

STORE_FILE = "gallery.sqlite"
INDEX_FOLDER = "index"

POSTGRES = ("postgresql", "postgres")
"""What URLs of PostgreSQL begin with."""


def store_place(data: Path, store_url: str | None) -> Path | URL:
    """Where the database of a data folder is, or the one at `store_url`; it need not exist.

    Raises:
        StoreUnavailable: `store_url` is no URL of SQLite or of PostgreSQL.
    """
    if store_url is None:
        return data / STORE_FILE
    return postgres_url(store_url) or sqlite_path(store_url)


def refuse_server(store_url: str | None, told: str) -> None:
    """Refuse what is done with files, where the store is on a server.

    Raises:
        Unsupported: it is; the error says `told`.
    """
    if store_url is not None and (url := postgres_url(store_url)) is not None:
        raise Unsupported(f"the database {url.database!r} {told}")


def postgres_url(store_url: str) -> URL | None:
    """The URL of a PostgreSQL database; None if it means something else."""
    try:
        url = make_url(store_url)
    except ArgumentError:
        return None
    return url if url.get_backend_name() in POSTGRES else None


def open_store(data: Path, store_url: str | None) -> Database:
    """The database of a data folder, or at `store_url`.

    Raises:
        StorageFull: no room to make it.
        StoreUnavailable: the store is away, damaged, unreadable or of a newer version.
        ExtraMissing: what speaks to PostgreSQL is not installed.
    """
    url = None if store_url is None else postgres_url(store_url)
    if url is None:
        return SqliteDatabase(store_url or f"sqlite:///{data.absolute() / STORE_FILE}")
    try:
        from index.postgres import PostgresDatabase  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ExtraMissing("a PostgreSQL store", package="psycopg", extra="postgres") from error
    return PostgresDatabase(url)


class Ground:
    """What one opening of a data folder holds on to until it is closed."""

    def __init__(
        self,
        data: Path,
        *,
        store_url: str | None,
        index_kind: str | MilvusOptions,
        serve: bool,
    ) -> None:
        """Make the folder if need be, lock it if it is to be served, and open the store.

        Nothing is in the folder, and it is not locked, where store and index are both on servers.

        Raises:
            DataFolderLocked: `serve`, and another process serves the folder.
            UnknownIndexKind: there is no such vector index, or not on this machine.
            StorageFull: no room.
            StoreUnavailable: the store is damaged, unreadable or of a newer version.
        """
        self._milvus = index_kind if isinstance(index_kind, MilvusOptions) else None
        if not isinstance(index_kind, MilvusOptions):
            self._kind, self._accelerate = choose_kind(index_kind, serve=serve)
        self._folder = data / INDEX_FOLDER
        self._serve = serve
        on_server = store_url is not None and postgres_url(store_url) is not None
        has_folder = not (on_server and self._milvus is not None)
        if has_folder:
            make_folder(data)
            make_folder(self._folder)
        with ExitStack() as opened:
            if serve and has_folder:
                opened.callback(FolderLock(data).release)
            self.database = open_store(data, store_url)
            opened.callback(self.database.close)
            self._opened = opened.pop_all()

    def attend(self, binding: Binding) -> tuple["AnyProjection", Upkeep]:
        """The index of an encoder's embeddings, and what looks after it.

        Raises:
            StorageFull: no room for the index.
            StoreUnavailable: the store is damaged or cannot be read.
        """
        projection = self._projection(binding)
        upkeep = Upkeep(self.database, projection, serve=self._serve)
        # Closing goes from the last to the first. To close a projection ends its merges only: its
        # indexes still follow, and the upkeep's last snapshot has what the upkeep itself changed.
        self._opened.callback(upkeep.run, closing=True)
        self._opened.callback(projection.close)
        return projection, upkeep

    def _projection(self, binding: Binding) -> "AnyProjection":
        if self._milvus is None:
            return Projection(
                self.database,
                binding,
                kind=self._kind,
                folder=self._folder,
                serve=self._serve,
                accelerate=self._accelerate,
            )
        try:
            from index.shared_projection import SharedProjection  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ExtraMissing("an index on Milvus", package="pymilvus", extra="milvus") from error
        return SharedProjection(self.database, binding, options=self._milvus, serve=self._serve)

    def close(self) -> None:
        """Finish the upkeep and let go of the files; closing twice does no harm.

        Raises:
            StorageFull: no room for the upkeep; the files are let go of all the same.
            StoreUnavailable: the store or the snapshot cannot be written.
        """
        self._opened.close()
