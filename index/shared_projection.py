"""The projection that processes share: one vector index on a server, fed by whoever comes first.

    start     what the server has -> how far it is; nothing, or more than the store -> fed anew
    catch_up  change log after that -> the server, by one process at a time -> how far it is now

The server itself keeps how far it is, so that what it loses and what it says of it go together.
Everything is applied by key: twice does no harm.
"""

import logging
import threading

import numpy as np
from sqlalchemy import select

from faces.types import Embeddings
from index import changes
from index.binding import Binding
from index.database import Database
from index.milvus import MilvusFaces, MilvusIndex, collection_name
from index.milvus_options import MILVUS, MilvusOptions
from index.tables import FaceRow
from index.vector_index import Keys, Similarities, VectorIndex

log = logging.getLogger(__name__)

WAIT_S = 5.0
"""For another process that feeds; then a search goes on with what is there."""


class SharedProjection:
    """The vector index of one encoder's embeddings on a Milvus server. Thread-safe."""

    kind = MILVUS

    def __init__(
        self, database: Database, binding: Binding, *, options: MilvusOptions, serve: bool
    ) -> None:
        """Reach the server, if this process serves; else when it is first asked for.

        Args:
            database: the store.
            binding: which embeddings of it to follow.
            options: where the server is.
            serve: this process is to answer at once.

        Raises:
            IndexUnavailable: the server is away, lets nobody in, or holds something else.
        """
        self._database = database
        self._binding = binding
        self._options = options
        self._lock = threading.Lock()
        self._faces: MilvusFaces | None = None
        self.last_seq = -1
        self.removals = 0
        if serve:
            self._load()

    @property
    def size(self) -> int:
        """How many faces it holds."""
        return self._load().count()

    @property
    def saved_seq(self) -> int:
        """There is no snapshot to be behind: the server keeps what it has."""
        return self.last_seq

    def index(self, collection_key: int) -> VectorIndex:
        """The index of one collection."""
        return MilvusIndex(self._load(), collection_key)

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of all collections; see `Searchable.search`."""
        return MilvusIndex(self._load(), None).search(queries, count)

    def catch_up(self) -> None:
        """Feed the server what the store has that it has not; cheap when there is nothing.

        Raises:
            IndexUnavailable: the server is away.
        """
        if self._faces is not None:
            self._catch_up(self._faces)

    def save(self) -> None:
        """Nothing: the server keeps what it has."""

    def wait_for_merges(self) -> None:
        """Nothing: the server merges by itself."""

    def clean_files(self) -> None:
        """Nothing: there are no files here."""

    def close(self) -> None:
        """Let go of the server."""
        with self._lock:
            if self._faces is not None:
                self._faces.close()
                self._faces = None

    def _load(self) -> MilvusFaces:
        with self._lock:
            if self._faces is None:
                name = collection_name(self._binding.gallery_id, self._binding.encoder_key)
                self._faces = MilvusFaces(self._options, name, self._binding.dimension)
            faces = self._faces
        self._catch_up(faces)
        return faces

    def _catch_up(self, faces: MilvusFaces) -> None:
        if self._newest() == self.last_seq:
            return
        with self._database.exclusively("feeding", wait_s=WAIT_S) as alone:
            if not alone:
                log.info("index_fed_elsewhere collection=%s", faces.name)
                return
            fed, newest = faces.fed_seq(), self._newest()
            if fed is None or fed > newest:
                fed = self._feed_anew(faces, newest)
            elif fed != self.last_seq:
                faces.behind = True  # others have written what this session knows nothing of
            first, self.last_seq = self.last_seq < 0, self._feed(faces, fed)
            if first and not self._agrees(faces):
                self.last_seq = self._feed(faces, self._feed_anew(faces, self._newest()))

    def _agrees(self, faces: MilvusFaces) -> bool:
        """Whether the server can have this store's faces: one may be older than the other."""
        with self._database.read() as connection:
            newest = changes.last_seq(connection)
            count = changes.count_embeddings(connection, self._binding.encoder_key)
        faces.behind = True
        return newest != self.last_seq or faces.count() == count

    def _newest(self) -> int:
        with self._database.read() as connection:
            return changes.last_seq(connection)

    def _feed(self, faces: MilvusFaces, fed: int) -> int:
        """Apply the log after `fed`; gives how far the server is now."""
        while True:
            with self._database.read() as connection:
                stretch = changes.changes_since(
                    connection,
                    fed,
                    encoder_key=self._binding.encoder_key,
                    dimension=self._binding.dimension,
                )
            if stretch is None:
                return fed
            if stretch.removed:
                faces.delete(np.array(stretch.removed, np.int64))
                self.removals += len(stretch.removed)
            if stretch.added:
                keys = np.array(stretch.added, np.int64)
                collections = np.array(stretch.collections, np.int64)
                self._upsert(faces, keys, stretch.vectors, collections)
            faces.note_fed(stretch.seq)
            fed = stretch.seq

    def _feed_anew(self, faces: MilvusFaces, newest: int) -> int:
        """All embeddings of the store, up to the change `newest`; gives that."""
        log.info("index_fed_anew collection=%s", faces.name)
        faces.empty()
        with self._database.read() as connection:
            counts = changes.faces_by_collection(connection)
        for collection_key in counts:
            for keys, vectors in changes.all_embeddings(
                self._database,
                encoder_key=self._binding.encoder_key,
                collection_key=collection_key,
                dimension=self._binding.dimension,
            ):
                self._upsert(faces, keys, vectors, np.full_like(keys, collection_key))
        faces.note_fed(newest)
        return newest

    def _upsert(
        self, faces: MilvusFaces, keys: Keys, vectors: Embeddings, collections: Keys
    ) -> None:
        query = select(FaceRow.key, FaceRow.person_key).where(FaceRow.key.in_(keys.tolist()))
        with self._database.read() as connection:
            person_of = {row.key: row.person_key for row in connection.execute(query)}
        people = np.array([person_of.get(key, 0) for key in keys.tolist()], np.int64)
        faces.upsert(keys, vectors, collections=collections, people=people)
