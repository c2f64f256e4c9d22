"""The key ring: the keys that open a running service, as its store has them.

Keys are made and revoked by commands beside the service. The ring is read again when it is older
than half a second and somebody asks, so a revoked key stops working within a second, and a service
that nobody uses reads nothing.
"""

import asyncio
import time

from index.keys import ApiKeys, KnownKeys

FRESH_S = 0.5


class KeyRing:
    """For one event loop."""

    def __init__(self, keys: ApiKeys) -> None:
        """Read the keys of a store.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        self._keys = keys
        self._lock = asyncio.Lock()
        self._read_at_s = time.monotonic()
        self.last = keys.known()

    async def known(self) -> KnownKeys:
        """The keys of half a second ago at most.

        Raises:
            StoreUnavailable: they cannot be read; what was known is not relied upon.
        """
        if self._is_fresh():
            return self.last
        async with self._lock:
            if not self._is_fresh():
                began_s = time.monotonic()
                # not in the work pool, which may be full: to refuse must not have to wait
                self.last = await asyncio.to_thread(self._keys.known)
                self._read_at_s = began_s
        return self.last

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._read_at_s < FRESH_S
