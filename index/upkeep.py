"""Upkeep: what keeps the files of a gallery small, fresh and free of what was erased.

    catch up -> after erasures: rewrite the database, empty its log -> write a stale snapshot anew

`secure_delete` overwrites what is erased where it lies, but SQLite also leaves copies of rows in
pages that it rebuilt when they were full: in six trials with some 2,000 erased faces each, 3 of
109,000 pieces of them were still there. So a database of moderate size is also written anew.
"""

import errno
import threading
import time
from pathlib import Path

from index.database import Database
from index.errors import StorageFull, StoreUnavailable
from index.projection import Projection

SNAPSHOT_EVERY = 10_000
"""Changes after which a snapshot is written again; to read as many at a start is quick."""

REWRITE_MAX_BYTES = 128 * 2**20
"""Larger databases are not written anew, since writers would wait for too long: 321 MiB took 10 s
on 2 loaded cores. There the rare copies stay until their pages are used again."""

REWRITE_EVERY_S = 20.0
"""Erasures that follow each other are dealt with together, well within the 60 s that we promise."""


class Upkeep:
    """Called now and then by whoever keeps a gallery open, and once when it closes."""

    def __init__(
        self, database: Database, projection: Projection, snapshot: Path, *, serve: bool
    ) -> None:
        """Watch over one gallery.

        Args:
            database: the store.
            projection: its vector index.
            snapshot: file of the snapshot.
            serve: this process serves the folder, so it writes snapshots, and cleans up after
                every process; otherwise only after itself.
        """
        self._database = database
        self._projection = projection
        self._snapshot = snapshot
        self._serve = serve
        self._lock = threading.Lock()
        self._erased_here = False
        self._cleaned_removals = 0
        self._rewritten_at_s = float("-inf")

    def note_erasure(self) -> None:
        """This process has erased something."""
        self._erased_here = True

    def run(self, *, closing: bool = False) -> None:
        """Do what is due; `closing` says that there will be no later time.

        Raises:
            StorageFull: no room for a snapshot.
            StoreUnavailable: the snapshot cannot be written.
            StoreError: from the database.
        """
        with self._lock:
            self._projection.catch_up()
            removals = self._projection.removals
            clean = removals == self._cleaned_removals if self._serve else not self._erased_here
            if not clean:
                self._erased_here = False
                if not self._clean_database(closing=closing):
                    self._erased_here = True
                    return
                self._cleaned_removals = removals
            if self._serve:
                self._write_snapshot(now=closing or not clean)
            elif not clean:
                self._snapshot.unlink(missing_ok=True)  # a running service writes its own anew

    def _clean_database(self, *, closing: bool) -> bool:
        """Rid the files of the database of what was erased; False if it must be tried again."""
        if self._database.path.stat().st_size <= REWRITE_MAX_BYTES:
            if not closing and time.monotonic() - self._rewritten_at_s < REWRITE_EVERY_S:
                return False
            self._database.rewrite()
            self._rewritten_at_s = time.monotonic()
        return self._database.checkpoint()

    def _write_snapshot(self, *, now: bool) -> None:
        """Write it if it is stale: by much, or `now` at all."""
        saved, seq = self._projection.saved_seq, self._projection.index.last_seq
        behind = seq if saved is None else seq - saved
        if behind == 0 or not (now or behind >= SNAPSHOT_EVERY):
            return
        try:
            self._projection.save()
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFull(f"no room for the snapshot {self._snapshot}: {error}") from error
            raise StoreUnavailable(f"the snapshot cannot be written: {error}") from error
