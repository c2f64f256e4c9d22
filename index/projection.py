"""The projection: keeps a vector index in step with the store.

    start     snapshot -> index, or all embeddings -> index
    catch_up  change log after the index's last sequence number -> index

Whoever wrote the log, this process or another, is all the same to it.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from index import changes
from index.binding import Binding
from index.database import Database
from index.snapshot import BadSnapshot, Origin, load_snapshot, write_snapshot
from index.vector_index import VectorIndex


class Projection:
    """A vector index that follows the change log. Thread-safe."""

    def __init__(
        self,
        database: Database,
        binding: Binding,
        make_index: Callable[[int], VectorIndex],
        snapshot: Path,
    ) -> None:
        """Load the snapshot if it is of use, else read all embeddings; then catch up.

        Args:
            database: the store.
            binding: which embeddings of it to follow.
            make_index: dimension -> an empty index.
            snapshot: file of the snapshot, which may be missing.
        """
        self._database = database
        self._binding = binding
        self._make_index = make_index
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self.removals = 0
        self.saved_seq: int | None = None
        self.index = self._restored()

    def catch_up(self) -> None:
        """Apply what the store has that the index has not; cheap when there is nothing."""
        with self._database.read() as connection:
            newest = changes.last_seq(connection)
        if newest > self.index.last_seq:
            with self._lock:
                self._apply_changes(self.index)

    def save(self) -> None:
        """Write the snapshot.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        with self._lock:  # searches go on meanwhile; changes wait
            write_snapshot(self._snapshot, self._origin(self.index), self.index)
            self.saved_seq = self.index.last_seq

    def _restored(self) -> VectorIndex:
        index = self._make_index(self._binding.dimension)
        try:
            load_snapshot(self._snapshot, self._origin(index), index)
        except BadSnapshot:
            return self._rebuilt()
        self.saved_seq = index.last_seq
        self._apply_changes(index)
        return index if self._agrees(index) else self._rebuilt()

    def _rebuilt(self) -> VectorIndex:
        """A new index from all embeddings of the store."""
        self.saved_seq = None
        index = self._make_index(self._binding.dimension)
        with self._database.read() as connection:
            start = changes.last_seq(connection)
            self.removals = changes.count_removals(connection)
        for keys, vectors in changes.all_embeddings(
            self._database,
            encoder_key=self._binding.encoder_key,
            dimension=self._binding.dimension,
        ):
            index.add(np.array(keys, np.int64), vectors)
        index.follow(start)
        self._apply_changes(index)  # what was committed while the embeddings were read
        return index

    def _apply_changes(self, index: VectorIndex) -> None:
        while True:
            with self._database.read() as connection:
                stretch = changes.changes_since(
                    connection,
                    index.last_seq,
                    encoder_key=self._binding.encoder_key,
                    dimension=self._binding.dimension,
                )
            if stretch is None:
                return
            index.remove(np.array(stretch.removed, np.int64))
            index.add(np.array(stretch.added, np.int64), stretch.vectors)
            index.follow(stretch.seq)
            self.removals += len(stretch.removed)

    def _agrees(self, index: VectorIndex) -> bool:
        """Whether the index can be this store's: a backup put in place may be older than it."""
        with self._database.read() as connection:
            newest = changes.last_seq(connection)
            count = changes.count_embeddings(connection, self._binding.encoder_key)
        return index.last_seq < newest or (index.last_seq == newest and index.size == count)

    def _origin(self, index: VectorIndex) -> Origin:
        return Origin(
            gallery=self._binding.gallery_id,
            contract_hash=self._binding.contract_hash,
            kind=index.kind,
            dimension=self._binding.dimension,
        )
