"""Upkeep: what keeps the files of a gallery small, fresh and free of what was erased.

erase what has expired -> catch up -> overwrite what is left of rows, empty the log
    -> write a stale snapshot anew
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from index import changes
from index.database import Database
from index.errors import CleaningFailed
from index.files import explained

SNAPSHOT_EVERY = 10_000
"""Changes after which a snapshot is written again; to read as many at a start is quick."""

CLEAN_EVERY_S = 20.0
"""What follows each other is dealt with together, well within the 60 s that we promise."""

LOG_MAX_BYTES = 64 * 2**20
"""From this size on, the write-ahead log is emptied at once: reading through it gets slower."""


class Followed(Protocol):
    """What a projection is to its upkeep; see `index.projection`."""

    last_seq: int
    removals: int

    @property
    def saved_seq(self) -> int | None:
        """How far the snapshot is."""
        ...

    def catch_up(self) -> None:
        """Follow the change log."""
        ...

    def save(self) -> None:
        """Write the snapshot."""
        ...

    def clean_files(self) -> None:
        """Rid the snapshot of what was erased."""
        ...


class Upkeep:
    """Called now and then by whoever keeps a gallery open, and once when it closes."""

    def __init__(self, database: Database, projection: Followed, *, serve: bool) -> None:
        """Watch over one gallery.

        Args:
            database: the store.
            projection: its vector indexes.
            serve: this process serves the folder, so it writes snapshots, and cleans up after
                every process; otherwise only after itself.
        """
        self._database = database
        self._projection = projection
        self._serve = serve
        self._lock = threading.Lock()
        self._retired = False
        self._erased_here = False
        self._snapshot_removals = 0
        self._cleaned_at_s = self._erasures_cleaned_at_s = float("-inf")
        self._erasure_pending = False
        self._log_bytes = 0
        with database.read() as connection:  # whoever erased last may have been killed
            self._suspicious = changes.uncleaned(connection)

    def note_erasure(self) -> None:
        """This process has erased something."""
        self._erased_here = True

    def retire(self) -> None:
        """Leave everything to the upkeep that has begun in this one's place."""
        with self._lock:
            self._retired = True

    def relieve(self) -> None:
        """Empty the log if it has grown large, as it does in a long build."""
        if self._database.log_bytes > LOG_MAX_BYTES and self._lock.acquire(blocking=False):
            try:
                self._clean()
            finally:
                self._lock.release()

    def run(
        self, *, closing: bool = False, erase_expired: Callable[[], object] | None = None
    ) -> None:
        """Do what is due; `closing` says that there will be no later time.

        Raises:
            CleaningFailed: what was erased could not be overwritten yet.
            StorageFull: no room for a snapshot.
            StoreUnavailable: the snapshot cannot be written.
            StoreError: from the database.
        """
        if self._serve and erase_expired is not None:
            with self._database.exclusively("keeping") as alone:
                if alone:  # else another process that serves the same store does it
                    erase_expired()
        with self._lock:
            if self._retired:
                return
            self._projection.catch_up()
            removals = self._projection.removals
            snapshot_is_clean = removals == self._snapshot_removals
            self._erasure_pending |= self._erased_here or not snapshot_is_clean
            if self._is_dirty() and (self._is_late() or (closing and not self._database.rests_s)):
                self._clean()
            if self._serve:
                self._write_snapshot(now=closing or not snapshot_is_clean)
                self._snapshot_removals = removals
            elif self._erased_here:
                with explained("the snapshot of the index"):
                    self._projection.clean_files()
                self._erased_here = False

    def _is_dirty(self) -> bool:
        """Whether files hold what nobody has looked at: of this process, or when serving of any."""
        if self._database.wrote or (
            self._serve and self._database.rests_s and self._erasure_pending
        ):
            return True
        return self._serve and (self._suspicious or self._database.log_bytes != self._log_bytes)

    def _is_late(self) -> bool:
        """Whether it is time: at once for a first erasure, later for those that follow it."""
        since_s = self._erasures_cleaned_at_s if self._erasure_pending else self._cleaned_at_s
        return time.monotonic() - since_s >= max(CLEAN_EVERY_S, self._database.rests_s)

    def _clean(self) -> None:
        """Rid the files of the database of what was erased; a reader in the way puts it off."""
        try:
            if not self._database.clean(everything=self._suspicious):
                return
        except CleaningFailed:  # tried again as late as after a success, not every second
            self._erasures_cleaned_at_s = self._cleaned_at_s = time.monotonic()
            raise
        self._suspicious = False
        self._log_bytes = self._database.log_bytes
        self._cleaned_at_s = time.monotonic()
        if self._erasure_pending:
            self._erasures_cleaned_at_s = self._cleaned_at_s
            self._erasure_pending = False

    def _write_snapshot(self, *, now: bool) -> None:
        """Write it if it is stale: by much, or `now` at all."""
        saved, seq = self._projection.saved_seq, self._projection.last_seq
        behind = seq if saved is None else seq - saved
        if behind == 0 or not (now or behind >= SNAPSHOT_EVERY):
            return
        with explained("the snapshot of the index"):
            self._projection.save()
