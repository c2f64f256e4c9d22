"""Both clients against the real app, without a network."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client import AsyncLookalike, Lookalike
from tests.service.conftest import (  # noqa: F401 - fixtures of the service
    client,
    enrol,
    make_settings,
    person_jpeg,
    start,
)


class Waiting:
    """An AsyncLookalike whose methods are waited for, so that one test asks both clients."""

    def __init__(self, lookalike: AsyncLookalike) -> None:
        self._lookalike = lookalike

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._lookalike, name)

        def wait(*args: object, **kwargs: object) -> object:
            answer = method(*args, **kwargs)
            return asyncio.run(answer if inspect.isawaitable(answer) else _listed(answer))

        return wait


async def _listed(items: Any) -> list[Any]:
    return [item async for item in items]


@pytest.fixture(params=["sync", "async"])
def lookalike(request: pytest.FixtureRequest, client: Any) -> Any:  # noqa: F811
    """A client of an empty gallery; of the asynchronous one every method is waited for."""
    if request.param == "sync":
        return Lookalike("http://localhost", transport=client._transport)
    transport = httpx.ASGITransport(client.app)
    return Waiting(AsyncLookalike("http://localhost/", transport=transport))


@pytest.fixture(params=["sync", "async"])
def answering(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes clients of a service that is played: `answering(handler, retries=...)`."""

    def make(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> Any:
        transport = httpx.MockTransport(handler)
        if request.param == "sync":
            return Lookalike("http://localhost/faces", transport=transport, **options)
        return Waiting(AsyncLookalike("http://localhost/faces", transport=transport, **options))

    return make
