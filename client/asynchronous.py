"""The client for asyncio and trio. Its methods are the functions of calls.py, awaited and sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial, wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

import anyio
import anyio.to_thread
import httpx

from client import calls
from client.answers import answer_of, request_of, unreachable
from client.calls import Call
from client.connecting import DEFAULT_TIMEOUT_S, PAGE, connection
from client.problems import Problem
from client.records import Face, Page, Person
from client.retries import DEFAULT_RETRIES, Retries

P = ParamSpec("P")
T = TypeVar("T")


def sent(build: Callable[P, Call[T]]) -> Callable[Concatenate["AsyncLookalike", P], Awaitable[T]]:
    """The method that sends what `build` makes of the same arguments."""

    @wraps(build)
    async def method(self: "AsyncLookalike", /, *args: P.args, **kwargs: P.kwargs) -> T:
        # photos may be files, which are read here
        call = await anyio.to_thread.run_sync(partial(build, *args, **kwargs))
        return await self.send(call)

    return method


class AsyncLookalike:
    """A service at a URL. Close it, or use it in an `async with` block; tasks may share one."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: Retries = DEFAULT_RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: of the service, with its prefix if it has one.
            key: an API key, where the service asks for one.
            timeout_s: seconds for connecting, sending and each part of the answer.
            retries: how often it is asked again where it is busy.
            transport: of httpx, in place of the network.
        """
        self._client = httpx.AsyncClient(**connection(url, key, timeout_s), transport=transport)
        self._retries = retries

    search = sent(calls.search)
    detect = sent(calls.detect)
    embed = sent(calls.embed)
    verify = sent(calls.verify)
    explain = sent(calls.explain)
    enrol = sent(calls.enrol)
    list_faces = sent(calls.list_faces)
    show_face = sent(calls.show_face)
    show_crop = sent(calls.show_crop)
    similar = sent(calls.similar)
    change_face = sent(calls.change_face)
    erase_face = sent(calls.erase_face)
    list_people = sent(calls.list_people)
    show_map = sent(calls.show_map)
    rename_person = sent(calls.rename_person)
    erase_person = sent(calls.erase_person)
    list_collections = sent(calls.list_collections)
    make_collection = sent(calls.make_collection)
    erase_collection = sent(calls.erase_collection)
    info = sent(calls.info)
    metrics = sent(calls.metrics)
    live = sent(calls.live)
    ready = sent(calls.ready)

    def all_faces(
        self, *, person: str | None = None, collection: str | None = None
    ) -> AsyncIterator[Face]:
        """Every enrolled face, in the order of enrolment, page by page as they are needed."""
        return self._all(
            lambda cursor: calls.list_faces(
                person=person, collection=collection, cursor=cursor, limit=PAGE
            )
        )

    def all_people(
        self, *, q: str | None = None, collection: str | None = None
    ) -> AsyncIterator[Person]:
        """Every person by name, page by page as they are needed."""
        return self._all(
            lambda cursor: calls.list_people(q=q, collection=collection, cursor=cursor, limit=PAGE)
        )

    async def send(self, call: Call[T]) -> T:
        """Send a call, again where the service says when and that does no harm.

        Raises:
            Problem: the service refused.
            Unreachable: no answer came.
            UnexpectedAnswer: something else answered.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._client.send(request_of(self._client, call))
                return answer_of(call, response)
            except httpx.TransportError as error:
                raise unreachable(error) from error
            except Problem as problem:
                wait_s = self._retries.wait_s(attempt, problem, repeatable=call.repeatable)
                if wait_s is None:
                    raise
            await anyio.sleep(wait_s)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def _all(self, page_at: Callable[[str | None], Call[Page[T]]]) -> AsyncIterator[T]:
        cursor = None
        while True:
            page = await self.send(page_at(cursor))
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return
