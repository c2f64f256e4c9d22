"""The projection: keeps the vector indexes in step with the store, one for each collection.

    start     snapshot -> indexes, or all embeddings -> indexes
    catch_up  change log after the last sequence number -> indexes
    merge     when an index asks for it, in the background; then a snapshot

Whoever wrote the log, this process or another, is all the same to it. A process that does not serve
loads the indexes when it is first asked for one, so that a builder never does.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faces.types import Embeddings
from index import changes
from index.binding import Binding
from index.covered import Accelerate
from index.database import Database
from index.errors import DataFolderLocked, InvalidEmbedding, StoreUnavailable
from index.files import explained
from index.folder_lock import FolderLock
from index.layered_index import LayeredIndex, State
from index.manifest import Origin
from index.merge_rules import Rules
from index.merging import Merger
from index.rebuilding import fill_from_store
from index.snapshot import BadSnapshot, Snapshots, remove_others
from index.vector_index import Keys, Similarities, VectorIndex

log = logging.getLogger(__name__)


class Projection:
    """Vector indexes that follow the change log. Thread-safe."""

    def __init__(
        self,
        database: Database,
        binding: Binding,
        *,
        kind: str,
        folder: Path,
        serve: bool,
        rules: Rules | None = None,
        accelerate: Accelerate | None = None,
    ) -> None:
        """Load the indexes, if this process serves.

        Args:
            database: the store.
            binding: which embeddings of it to follow.
            kind: of the indexes: "auto" or the name of one.
            folder: of the snapshots, within the data folder.
            serve: this process writes snapshots and merges indexes.
            rules: when to merge.
            accelerate: what brings bases to a GPU.
        """
        self._database = database
        self._binding = binding
        self._kind = kind
        self._folder = folder
        self._serve = serve
        self._rules = rules or Rules()
        self._accelerate = accelerate
        self._snapshots = Snapshots(
            folder,
            Origin(binding.gallery_id, binding.contract_hash, kind, binding.dimension),
        )
        self._lock = threading.RLock()
        self._saving = threading.Lock()
        self._indexes: dict[int, LayeredIndex] = {}
        self._loaded = False
        self._merger = Merger(self._merge)
        self.removals = 0
        self.saved_seq: int | None = None
        self.last_seq = 0
        if serve:
            self._load()

    @property
    def kind(self) -> str:
        """Of the largest index."""
        self._load()
        return max(self._indexes.values(), key=lambda index: index.size, default=self._new()).kind

    @property
    def size(self) -> int:
        """How many faces all indexes hold."""
        self._load()
        return sum(index.size for index in list(self._indexes.values()))

    def index(self, collection_key: int) -> VectorIndex:
        """The index of one collection; an empty one if the collection has no faces."""
        self._load()
        return self._indexes.get(collection_key) or self._new()

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of all collections; see `Searchable.search`."""
        self._load()
        found = [index.search(queries, count) for index in list(self._indexes.values())]
        similarities = np.concatenate([f[0] for f in found], axis=1) if found else np.empty((0, 0))
        keys = np.concatenate([f[1] for f in found], axis=1) if found else np.empty((0, 0))
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
        best = np.take_along_axis(similarities, order, 1), np.take_along_axis(keys, order, 1)
        return best[0].astype(np.float32), best[1].astype(np.int64)

    def catch_up(self) -> None:
        """Apply what the store has that the indexes have not; cheap when there is nothing."""
        if not self._loaded:
            return
        with self._database.read() as connection:
            newest = changes.last_seq(connection)
        if newest > self.last_seq:
            with self._lock:
                self._apply_changes()
        if self._serve and self._due():
            self._merger.start()

    def save(self) -> None:
        """Write the snapshot, while searches and changes go on.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        with self._saving:
            self._save()

    def clean_files(self) -> None:
        """Rid the snapshot of what was erased, unless a service is there, which does so itself.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        try:
            lock = FolderLock(self._folder.parent)
        except DataFolderLocked:
            return
        try:
            if self._snapshots.path.exists():
                self._load()
                self.catch_up()
            if self.saved_seq is None:
                self._snapshots.discard()
            else:
                self.save()
        finally:
            lock.release()

    def wait_for_merges(self) -> None:
        """Merge now what is due, and wait until that is done."""
        while self._serve and self._due():
            self._merger.start()
            self._merger.wait()

    def close(self) -> None:
        """End what goes on in the background, so that it writes no snapshot any more.

        The indexes can still be searched, caught up and saved, as the closing upkeep does.
        """
        self._merger.close()
        with self._saving:  # a merge that has come so far writes to the end
            pass

    def _new(self) -> LayeredIndex:
        return LayeredIndex(self._binding.dimension, self._kind, self._rules, self._accelerate)

    def _due(self) -> bool:
        return any(index.merge_due() for index in list(self._indexes.values()))

    def _load(self) -> None:
        """Load the indexes, if that has not been done.

        Raises:
            StoreUnavailable: an embedding in the store is damaged.
        """
        if self._loaded:
            return
        try:
            with self._lock:
                self._load_once()
        except InvalidEmbedding as error:
            raise StoreUnavailable(
                f"{self._database.name} has a damaged embedding ({error}): "
                "`lookalike gallery check --repair` rebuilds it"
            ) from error

    def _load_once(self) -> None:
        if self._loaded:  # by another thread, meanwhile
            return
        with explained("the index"):
            try:
                self._restore()
                self._remove_others(keep=self._snapshots.files())
            except BadSnapshot as error:
                if self._snapshots.path.exists():
                    log.warning("snapshot_refused reason=%s", error)
                self._remove_others(keep=[])
                self._rebuild()
        self._loaded = True

    def _remove_others(self, keep: list[Path]) -> None:
        """Remove what earlier encoders and crashes left, if this process serves."""
        if self._serve:
            remove_others(self._folder, keep=keep)

    def _restore(self) -> None:
        """Take up the snapshot and what the store has had since.

        Raises:
            BadSnapshot: it is of no use.
        """
        self.last_seq, states = self._snapshots.load()
        for key, state in states.items():
            index = self._indexes[key] = self._new()
            index.restore(state)
            index.unsaved = False
        self.saved_seq = self.last_seq
        self._apply_changes()
        if not self._agrees():
            raise BadSnapshot("it is of another state of the store")
        if self._serve:
            self._snapshots.finish_wiping(states.values())

    def _rebuild(self) -> None:
        """New indexes from all embeddings of the store."""
        self._indexes, self.saved_seq = {}, None
        with self._database.read() as connection:
            self.last_seq = changes.last_seq(connection)
            self.removals = changes.count_removals(connection)
            counts = changes.faces_by_collection(connection)
        for key, count in counts.items():
            index = self._indexes[key] = self._new()
            large = self._serve and count > self._rules.exact_up_to
            path = self._snapshots.new_base(key) if large else None
            fill_from_store(
                index, self._database, self._binding, collection_key=key, count=count, base=path
            )
        self._apply_changes()  # what was committed while the embeddings were read

    def _apply_changes(self) -> None:
        while True:
            with self._database.read() as connection:
                stretch = changes.changes_since(
                    connection,
                    self.last_seq,
                    encoder_key=self._binding.encoder_key,
                    dimension=self._binding.dimension,
                )
            if stretch is None:
                return
            self._apply(stretch)
            self.last_seq = stretch.seq
            self.removals += len(stretch.removed)

    def _apply(self, stretch: changes.Changes) -> None:
        if stretch.removed:
            for index in self._indexes.values():
                index.remove(np.array(stretch.removed, np.int64))
        keys, collections = np.array(stretch.added, np.int64), np.array(stretch.collections)
        for collection in np.unique(collections).tolist():
            if collection not in self._indexes:
                self._indexes[collection] = self._new()
            mine = np.flatnonzero(collections == collection)
            self._indexes[collection].add(keys[mine], stretch.vectors[mine])

    def _agrees(self) -> bool:
        """Whether the indexes can be this store's: a backup put in place may be older than they."""
        with self._database.read() as connection:
            newest = changes.last_seq(connection)
            count = changes.count_embeddings(connection, self._binding.encoder_key)
        size = sum(index.size for index in self._indexes.values())
        return self.last_seq < newest or (self.last_seq == newest and size == count)

    def _merge(self, pause: Callable[[], None]) -> None:
        """Merge each index that asks for it, and keep the result."""
        for key, index in list(self._indexes.items()):
            if index.merge_due():
                before = index.base_path
                index.merge(self._snapshots.new_base(key), pause)
                with self._saving:
                    pause()  # once closed, the folder may be another process's
                    self._save()
                    if before is not None:  # it may be younger than the last snapshot
                        before.unlink(missing_ok=True)

    def _save(self) -> None:
        """See `save`; to be called by the one who is saving."""
        with self._lock:
            seq = self.last_seq
            dirty = {key: index.unsaved for key, index in self._indexes.items()}
            states: dict[int, State | None] = {}
            for key, index in self._indexes.items():
                states[key] = index.state() if dirty[key] else None
                index.unsaved = False
        try:
            self._snapshots.save(seq, states)
        except OSError:
            for key, index in self._indexes.items():
                index.unsaved |= dirty.get(key, False)
            raise
        self.saved_seq = seq
