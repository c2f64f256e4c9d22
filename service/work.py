"""Work: one bounded pool of threads for everything that would block the event loop.

    request -> admitted, or refused at once -> waits -> a thread runs it -> result
                                                 `-> its client leaves: it never runs

Decoding, detection, encoding and SQL release the GIL, so as many threads as cores use all cores.
What finds all threads busy waits in a queue. A queue that grows without bound only turns overload
into timeouts, so it is bounded twice: by a number, and by the time that the newest would wait, as
far as past work of the same kinds tells.
"""

import asyncio
import heapq
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, ParamSpec, Protocol, TypeVar

from starlette.requests import ClientDisconnect

from service.errors import Overloaded

P = ParamSpec("P")
T = TypeVar("T")

FIRST_GUESS_S = 0.25
"""How long work of a kind takes, until some has been seen."""

NEWEST_SHARE = 0.2
"""Of the newest duration in the mean of its kind."""


class WorkObserver(Protocol):
    """Is told what happens in a pool. All but `waited` is called in the event loop."""

    def waited(self, seconds: float) -> None:
        """Something began to run after so long in the queue."""
        ...

    def refused(self) -> None:
        """Something was not admitted."""
        ...

    def left(self) -> None:
        """A client left, and its work was dropped before it began."""
        ...


class _Job:
    """Something admitted: of what kind it is, and since when it runs, if it does."""

    __slots__ = ("kind", "started_s")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.started_s: float | None = None


class WorkPool:
    """Runs functions in threads. To be used from one event loop."""

    def __init__(
        self,
        workers: int,
        queue: int,
        *,
        longest_wait_s: float = float("inf"),
        observer: WorkObserver | None = None,
    ) -> None:
        """Make the pool.

        Args:
            workers: threads.
            queue: functions that may wait for a thread.
            longest_wait_s: what would wait longer is refused, as far as one can tell beforehand.
            observer: is told what happens.
        """
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._workers = workers
        self._bound = workers + queue
        self._longest_wait_s = longest_wait_s
        self._observer = observer
        self._jobs: dict[_Job, None] = {}
        self._mean_s: dict[str, float] = {}

    @property
    def running(self) -> int:
        """Functions that are in a thread or about to be."""
        return min(len(self._jobs), self._workers)

    @property
    def waiting(self) -> int:
        """Functions that wait for a thread."""
        return max(0, len(self._jobs) - self._workers)

    @property
    def expected_wait_s(self) -> float:
        """How long the next function would wait for a thread, in seconds."""
        now_s = time.monotonic()
        free_in_s = [0.0] * self._workers
        for job in self._jobs:
            left_s = self._mean_s.get(job.kind, FIRST_GUESS_S)
            if (started_s := job.started_s) is not None:
                left_s = max(0.0, started_s + left_s - now_s)
            heapq.heapreplace(free_in_s, free_in_s[0] + left_s)
        return free_in_s[0]

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in a thread and give its result.

        A cancelled caller leaves its place at once if its function still waits, and else when the
        function, which cannot be stopped, has ended.

        Raises:
            Overloaded: every thread is busy and the queue is full.
        """
        return await asyncio.wrap_future(self._submit(function, *args, **kwargs))

    async def run_while_wanted(
        self,
        gone: Callable[[], Awaitable[None]],
        function: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """As `run`, but a function whose client is `gone` before it begins is dropped.

        Raises:
            ClientDisconnect: it was dropped.
            Overloaded: every thread is busy and the queue is full.
        """
        waits = len(self._jobs) >= self._workers
        future = self._submit(function, *args, **kwargs)
        result = asyncio.wrap_future(future)
        if not waits:
            return await result
        watcher = asyncio.ensure_future(gone())
        either: tuple[asyncio.Future[Any], ...] = (result, watcher)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not result.done() and future.cancel():
                if self._observer is not None:
                    self._observer.left()
                raise ClientDisconnect
            return await result
        except asyncio.CancelledError:
            result.cancel()
            raise
        finally:
            watcher.cancel()

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

    def _submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self._admit()
        loop = asyncio.get_running_loop()
        job = _Job(getattr(function, "__qualname__", ""))
        submitted_s = time.monotonic()

        def run() -> T:
            job.started_s = time.monotonic()
            if self._observer is not None:
                self._observer.waited(job.started_s - submitted_s)
            return function(*args, **kwargs)

        def give_back(_: Future[T]) -> None:
            loop.call_soon_threadsafe(self._give_back, job, time.monotonic())

        # the context has the request's id, for the log
        future = self._executor.submit(copy_context().run, run)
        self._jobs[job] = None
        future.add_done_callback(give_back)
        return future

    def _admit(self) -> None:
        """Pass, or say that there is no place.

        Raises:
            Overloaded: every thread is busy, and the queue is full or would take too long.
        """
        if len(self._jobs) < self._workers:
            return
        if len(self._jobs) >= self._bound or self.expected_wait_s > self._longest_wait_s:
            if self._observer is not None:
                self._observer.refused()
            raise Overloaded("all workers are busy and the queue is full; try again shortly")

    def _give_back(self, job: _Job, ended_s: float) -> None:
        del self._jobs[job]
        if job.started_s is not None:  # it ran
            took_s = ended_s - job.started_s
            mean_s = self._mean_s.get(job.kind, took_s)
            self._mean_s[job.kind] = mean_s + NEWEST_SHARE * (took_s - mean_s)


class Work(Protocol):
    """Where a route's blocking work runs."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in a thread and give its result."""
        ...


class RequestWork:
    """The pool for one request: what waits there is dropped when the request's client leaves."""

    def __init__(self, pool: WorkPool, receive: Callable[[], Awaitable[Any]]) -> None:
        """Bind a pool to a request; `receive` is its ASGI channel."""
        self._pool = pool
        self._receive = receive

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `WorkPool.run`. To be called when the request's body has been read.

        Raises:
            ClientDisconnect: the client left before the function began.
            Overloaded: every thread is busy and the queue is full.
        """
        return await self._pool.run_while_wanted(self._gone, function, *args, **kwargs)

    async def _gone(self) -> None:
        """Wait until the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
