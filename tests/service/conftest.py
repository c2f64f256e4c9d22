"""Fixtures of the service: a real app over a real gallery in a fresh folder, and its clients."""

import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings, read_settings
from tests.service.serving import Served

with warnings.catch_warnings():
    # starlette prefers a fork of httpx, which is not needed for what is tested here
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture
def make_settings(tmp_path: Path, tiny_encoder: Path) -> Callable[..., Settings]:
    """Settings for a gallery in a fresh folder and the tiny encoder: `make_settings(queue=0)`."""

    def make(**overrides: object) -> Settings:
        return read_settings(
            **{
                "data": tmp_path / "data",
                "encoder": tiny_encoder,
                "workers": 2,
                "queue_wait_ms": 60_000,
                **overrides,
            }
        )

    return make


@pytest.fixture
def start(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., TestClient]]:
    """Starts apps and stops them after the test: `start(max_bytes=1000)` gives a client."""
    with ExitStack() as stack:

        def start_app(*, wait: bool = True, **overrides: object) -> TestClient:
            app = create_app(make_settings(**overrides))
            client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
            stack.enter_context(client)
            if wait:
                assert app.state.resources.readiness.prepared.wait(60)
            return client

        yield start_app


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    """A client of a ready app with an empty gallery."""
    return start()


@pytest.fixture
def enrol(client: TestClient, person_jpeg: Callable[[int], bytes]) -> Callable[..., dict[str, Any]]:
    """Enrols the sample person of a seed: `enrol("Ada", 1)` gives the enrolled face."""

    def enrol_person(name: str, seed: int, **fields: str) -> dict[str, Any]:
        answer = client.post(
            "/gallery",
            data={"person": name, **fields},
            files={"images": (f"{seed}.jpg", person_jpeg(seed))},
        )
        assert answer.status_code == 201, answer.text
        face: dict[str, Any] = answer.json()["enrolled"][0]
        return face

    return enrol_person


@pytest.fixture(scope="session")
def person_jpeg(make_face: Callable[..., Any]) -> Callable[[int], bytes]:
    """The JPEG of a sample person, made once: `person_jpeg(3)`."""
    from tests.conftest import jpeg

    made: dict[int, bytes] = {}

    def make(seed: int) -> bytes:
        if seed not in made:
            made[seed] = jpeg(make_face(seed, size_px=240))
        return made[seed]

    return make


@pytest.fixture(scope="session")
def assert_problem() -> Callable[[httpx.Response, str, int], dict[str, Any]]:
    """Asserts the shape of an error, and gives it: `assert_problem(answer, "no-face", 422)`."""

    def check(answer: httpx.Response, slug: str, status: int) -> dict[str, Any]:
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert problem["type"] == f"/problems/{slug}", problem
        assert problem["status"] == answer.status_code == status
        assert problem["title"]
        assert problem["detail"]
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert set(problem) <= {
            "type", "title", "status", "detail", "request_id", "errors", "rejected",
        }  # fmt: skip
        assert ("retry-after" in answer.headers) == (status in {429, 503})
        assert ("www-authenticate" in answer.headers) == (status == 401)
        return problem

    return check


def app_of(client: TestClient) -> FastAPI:
    """The app behind a client."""
    assert isinstance(client.app, FastAPI)
    return client.app


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that happens in another thread or process."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def serve(tmp_path: Path, tiny_encoder: Path) -> Iterator[Callable[..., Served]]:
    """Starts services on one data folder; stops those that still run after the test."""
    with ExitStack() as stack:

        def start(*options: object, **environment: str) -> Served:
            served = Served(
                "--data", tmp_path / "data", "--encoder", tiny_encoder, *options, **environment
            )
            stack.callback(served.stop, signal.SIGKILL)
            return served

        yield start
