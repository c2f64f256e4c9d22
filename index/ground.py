"""The ground that an open gallery stands on: its folder, its store, and what its index is made of.

One opening of a data folder has one ground. A gallery that is switched to another encoder while it
is open stands on the same one, with another index.
"""

from contextlib import ExitStack
from pathlib import Path

from index.binding import Binding
from index.database import Database, make_folder, sqlite_path
from index.folder_lock import FolderLock
from index.kinds import choose_kind
from index.projection import Projection
from index.upkeep import Upkeep

STORE_FILE = "gallery.sqlite"
INDEX_FOLDER = "index"


def store_file(data: Path, store_url: str | None) -> Path:
    """The file of the database of a data folder, or at `store_url`; it need not exist.

    Raises:
        StoreUnavailable: `store_url` is no URL of a SQLite file.
    """
    return data / STORE_FILE if store_url is None else sqlite_path(store_url)


def open_store(data: Path, store_url: str | None) -> Database:
    """The database of a data folder, or at `store_url`.

    Raises:
        StorageFull: no room to make it.
        StoreUnavailable: the store is damaged, unreadable or of a newer version.
    """
    return Database(store_url or f"sqlite:///{data.absolute() / STORE_FILE}")


class Ground:
    """What one opening of a data folder holds on to until it is closed."""

    def __init__(self, data: Path, *, store_url: str | None, index_kind: str, serve: bool) -> None:
        """Make the folder if need be, lock it if it is to be served, and open the store.

        Raises:
            DataFolderLocked: `serve`, and another process serves the folder.
            UnknownIndexKind: there is no such vector index, or not on this machine.
            StorageFull: no room.
            StoreUnavailable: the store is damaged, unreadable or of a newer version.
        """
        self._kind, self._accelerate = choose_kind(index_kind, serve=serve)
        self._folder = data / INDEX_FOLDER
        self._serve = serve
        make_folder(data)
        make_folder(self._folder)
        with ExitStack() as opened:
            if serve:
                opened.callback(FolderLock(data).release)
            self.database = open_store(data, store_url)
            opened.callback(self.database.close)
            self._opened = opened.pop_all()

    def attend(self, binding: Binding) -> tuple[Projection, Upkeep]:
        """The index of an encoder's embeddings, and what looks after it.

        Raises:
            StorageFull: no room for the index.
            StoreUnavailable: the store is damaged or cannot be read.
        """
        projection = Projection(
            self.database,
            binding,
            kind=self._kind,
            folder=self._folder,
            serve=self._serve,
            accelerate=self._accelerate,
        )
        upkeep = Upkeep(self.database, projection, serve=self._serve)
        # Closing goes from the last to the first. To close a projection ends its merges only: its
        # indexes still follow, and the upkeep's last snapshot has what the upkeep itself changed.
        self._opened.callback(upkeep.run, closing=True)
        self._opened.callback(projection.close)
        return projection, upkeep

    def close(self) -> None:
        """Finish the upkeep and let go of the files; closing twice does no harm.

        Raises:
            StorageFull: no room for the upkeep; the files are let go of all the same.
            StoreUnavailable: the store or the snapshot cannot be written.
        """
        self._opened.close()
