"""The audit of lookups: noted at once, written together, so that no search waits for a disk.

    route -> note -> in memory -> flush, each second and in the end -> audit log

What was noted in the last second is lost when the process is killed. Changes of the gallery are
not noted here: they are logged in their own transaction.
"""

import logging
import time
from collections import deque
from datetime import UTC, datetime

from index.errors import GalleryError
from index.lookups import AuditLog, Lookup, LookupKind

MAX_PENDING = 100_000
"""Lookups kept while the store cannot be written; the oldest are dropped first."""

FORGET_EVERY_S = 600.0

logger = logging.getLogger("lookalike")


class Audit:
    """Takes notes in any thread; the keeper flushes them."""

    def __init__(self, log: AuditLog, *, keep_days: int) -> None:
        """Write to `log`, and forget lookups after so many days; 0 keeps all."""
        self._log = log
        self._keep_days = keep_days
        self._pending: deque[Lookup] = deque(maxlen=MAX_PENDING)
        self._used_keys: set[str] = set()
        self._forget_at_s = float("-inf")

    def note(self, actor: str, kind: LookupKind, *, faces: int) -> None:
        """Somebody looked at so many faces just now."""
        self._pending.append(Lookup(datetime.now(UTC), actor, kind, faces))

    def note_use(self, key_id: str) -> None:
        """A key was used, for the first time today as far as the store knows."""
        self._used_keys.add(key_id)

    def flush(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time.

        Raises:
            GalleryError: the store cannot be written.
        """
        lookups = [self._pending.popleft() for _ in range(len(self._pending))]
        used, self._used_keys = self._used_keys, set()
        if lookups or used:
            try:
                self._log.append(lookups, used_keys=used)
            except GalleryError:
                self._pending.extendleft(reversed(lookups[-MAX_PENDING:]))
                self._used_keys |= used
                raise
        if self._keep_days and time.monotonic() >= self._forget_at_s:
            self._log.forget_lookups(days=self._keep_days)
            self._forget_at_s = time.monotonic() + FORGET_EVERY_S

    def close(self) -> None:
        """Flush for the last time."""
        try:
            self.flush()
        except GalleryError as error:
            fields = {"lost": len(self._pending), "reason": str(error)}
            logger.warning("lookups could not be logged", extra={"fields": fields})
