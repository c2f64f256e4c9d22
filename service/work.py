"""Work: one bounded pool of threads for everything that would block the event loop.

Decoding, detection, encoding and SQL release the GIL, so as many threads as cores use all cores.
What finds all threads busy waits in a queue; what finds the queue full is refused at once, because
a queue that grows without bound only turns overload into timeouts.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from service.errors import Overloaded

P = ParamSpec("P")
T = TypeVar("T")


class WorkPool:
    """Runs functions in threads. To be used from one event loop."""

    def __init__(self, workers: int, queue: int) -> None:
        """Make the pool.

        Args:
            workers: threads.
            queue: functions that may wait for a thread.
        """
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._workers = workers
        self._bound = workers + queue
        self._taken = 0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in a thread and give its result.

        A cancelled caller leaves its place at once if its function still waits, and else when the
        function, which cannot be stopped, has ended.

        Raises:
            Overloaded: every thread is busy and the queue is full.
        """
        if self._taken >= self._bound:
            raise Overloaded("all workers are busy and the queue is full; try again shortly")
        loop = asyncio.get_running_loop()
        self._taken += 1

        def give_back(_: Future[T]) -> None:
            loop.call_soon_threadsafe(self._give_back)

        future = self._executor.submit(function, *args, **kwargs)
        future.add_done_callback(give_back)
        return await asyncio.wrap_future(future)

    def in_each_thread(
        self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run `function` once in every thread of the pool, and wait. For warming up."""
        all_there = threading.Barrier(self._workers)

        def run_beside_the_others() -> None:
            all_there.wait()
            function(*args, **kwargs)

        runs = [self._executor.submit(run_beside_the_others) for _ in range(self._workers)]
        for run in runs:
            run.result()

    def close(self) -> None:
        """Let what runs end, drop what waits."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _give_back(self) -> None:
        self._taken -= 1
