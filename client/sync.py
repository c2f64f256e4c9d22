"""The client that waits. Its methods are the functions of calls.py, sent."""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

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


def sent(build: Callable[P, Call[T]]) -> Callable[Concatenate["Lookalike", P], T]:
    """The method that sends what `build` makes of the same arguments."""

    @wraps(build)
    def method(self: "Lookalike", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return method


class Lookalike:
    """A service at a URL. Close it, or use it in a `with` block; threads may share one."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: Retries = DEFAULT_RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: of the service, with its prefix if it has one.
            key: an API key, where the service asks for one.
            timeout_s: seconds for connecting, sending and each part of the answer.
            retries: how often it is asked again where it is busy.
            transport: of httpx, in place of the network.
        """
        self._client = httpx.Client(**connection(url, key, timeout_s), transport=transport)
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
    ) -> Iterator[Face]:
        """Every enrolled face, in the order of enrolment, page by page as they are needed."""
        return self._all(
            lambda cursor: calls.list_faces(
                person=person, collection=collection, cursor=cursor, limit=PAGE
            )
        )

    def all_people(
        self, *, q: str | None = None, collection: str | None = None
    ) -> Iterator[Person]:
        """Every person by name, page by page as they are needed."""
        return self._all(
            lambda cursor: calls.list_people(q=q, collection=collection, cursor=cursor, limit=PAGE)
        )

    def send(self, call: Call[T]) -> T:
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
                response = self._client.send(request_of(self._client, call))
                return answer_of(call, response)
            except httpx.TransportError as error:
                raise unreachable(error) from error
            except Problem as problem:
                wait_s = self._retries.wait_s(attempt, problem, repeatable=call.repeatable)
                if wait_s is None:
                    raise
            time.sleep(wait_s)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _all(self, page_at: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
        cursor = None
        while True:
            page = self.send(page_at(cursor))
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
