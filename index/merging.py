"""Merges in the background: one at a time, at low priority, with rests between them."""

import logging
import os
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

REST = 3.0
"""After a merge, rest for this many times as long as it took: a large index is written whole, and a
bulk of new faces should not make the disk do little else."""

RETRY_S = 60.0
"""After a merge that failed, for instance because the disk was full, from its beginning."""

LOW_PRIORITY = 10
"""Added to the nice value of the merging thread, so that searches come first."""

CLOSE_S = 5.0
"""How long closing waits. A merge that does not stop so soon ends with the process."""


class Stopped(Exception):
    """The merge was asked to end."""


class Merger:
    """Runs merges in a thread of its own. Thread-safe."""

    def __init__(self, merge: Callable[[Callable[[], None]], None]) -> None:
        """Take what merges: it is given a function to call often, whose `Stopped` it lets pass."""
        self._merge = merge
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._rest_until_s = float("-inf")

    def start(self) -> None:
        """Begin a merge, unless one is on its way, it is time to rest, or this is closed."""
        with self._lock:
            if self._stop.is_set() or time.monotonic() < self._rest_until_s:
                return
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="merge", daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for a merge that is on its way."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def close(self) -> None:
        """End a merge that is on its way, and begin none any more."""
        self._stop.set()
        self.wait(CLOSE_S)

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _nicer())
        began_s = time.monotonic()
        self._rest_until_s = began_s + RETRY_S
        try:
            self._merge(self._pause)
            self._rest_until_s = time.monotonic() + REST * (time.monotonic() - began_s)
        except Stopped:
            pass
        except OSError as error:
            log.warning("merge_failed error=%s retry_s=%.0f", error, RETRY_S)

    def _pause(self) -> None:
        if self._stop.is_set():
            raise Stopped


def _nicer() -> int:
    return min(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) + LOW_PRIORITY, 19)
