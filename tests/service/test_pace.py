"""Bodies that come slowly, and connections that dawdle."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from service.budget import UploadBudget
from service.connections import protocol
from service.errors import Overloaded, TooSlow
from service.pace import LEAST_BYTES_PER_S, Pace

PATIENCE_S = 0.3


def receive_all(pauses_s, size=100):
    """Send a body with a pause before each piece through a Pace; gives the pieces received."""
    taken = []

    async def reads(scope, receive, send):
        while True:
            message = await receive()
            taken.append(message["body"])
            if not message["more_body"]:
                return

    pieces = list(pauses_s)

    async def receive():
        await asyncio.sleep(pieces.pop(0))
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(pieces)}

    asyncio.run(Pace(reads, PATIENCE_S)({"type": "http"}, receive, None))
    return taken


def test_a_body_that_comes_is_read():
    assert receive_all([0, 0, 0.01]) == [b"x" * 100] * 3


def test_a_body_that_stops_is_too_slow():
    with pytest.raises(TooSlow, match="after 100 bytes"):
        receive_all([0, 60])


def test_a_body_that_comes_drop_by_drop_is_too_slow_in_sum():
    with pytest.raises(TooSlow):
        receive_all([PATIENCE_S / 4] * 40)


def test_what_has_come_earns_more_time():
    assert len(receive_all([PATIENCE_S / 2] * 4, size=LEAST_BYTES_PER_S)) == 4


def test_our_own_slowness_is_not_counted():
    async def works_long(scope, receive, send):
        await receive()
        await asyncio.sleep(2 * PATIENCE_S)
        await receive()

    pieces = [True, False]

    async def receive():
        return {"type": "http.request", "body": b"x", "more_body": pieces.pop(0)}

    asyncio.run(Pace(works_long, PATIENCE_S)({"type": "http"}, receive, None))


@pytest.fixture
def connect():
    """Connections to a server that answers 200 at once, whatever comes; at length below /long."""

    async def app(scope, receive, send):
        if scope["path"] == "/long":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(1000):
                await send(
                    {"type": "http.response.body", "body": b"x" * 100_000, "more_body": True}
                )
            return
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        )
        await send({"type": "http.response.body"})

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=protocol(PATIENCE_S), lifespan="off", log_config=None, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    opened = []

    def open_one():
        opened.append(socket.create_connection(listener.getsockname(), timeout=30))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()
    server.should_exit = True
    thread.join()


def is_closed(connection):
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_a_connection_that_says_nothing_is_closed(connect):
    assert is_closed(connect())


def test_a_head_that_does_not_end_is_cut_off_however_it_drips(connect):
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\n")
    closed = threading.Event()

    def drip():
        while not closed.is_set():
            try:
                connection.sendall(b"X: y\r\n")
            except OSError:
                return
            closed.wait(PATIENCE_S / 5)

    dripping = threading.Thread(target=drip)
    dripping.start()
    assert is_closed(connection)
    closed.set()
    dripping.join()


def test_a_second_request_has_the_same_time_and_a_pause_between_is_no_matter(connect):
    connection = connect()
    for _ in range(2):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        time.sleep(2 * PATIENCE_S)
    connection.sendall(b"GET / HT")
    assert is_closed(connection)


def test_who_does_not_read_the_answer_is_cut_off(connect):
    connection = connect()
    connection.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(3 * PATIENCE_S)
    received = 0
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(2**20):
            received += len(piece)
    assert received < 50_000_000


def test_who_goes_on_sending_after_the_answer_is_cut_off(connect, monkeypatch):
    monkeypatch.setattr("service.connections.LINGER_S", 0.2)
    connection = connect()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    def send_on():
        for _ in range(10**6):
            connection.sendall(b"x" * 10_000)
            time.sleep(0.001)

    with pytest.raises(ConnectionError):
        send_on()


def test_an_upload_that_ends_after_its_answer_keeps_the_connection(connect):
    connection = connect()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.sendall(b"x" * 10)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_all_bodies_together_stay_within_a_budget():
    reading, may_end = asyncio.Event(), asyncio.Event()

    async def reads(scope, receive, send):
        await receive()
        reading.set()
        await may_end.wait()

    async def receive():
        return {"type": "http.request", "body": b"x" * 60, "more_body": False}

    async def two_at_once_and_one_later():
        budget = UploadBudget(reads, most_bytes=100)
        first = asyncio.create_task(budget({}, receive, None))
        await reading.wait()
        with pytest.raises(Overloaded):
            await budget({}, receive, None)
        may_end.set()
        await first
        await budget({}, receive, None)

    asyncio.run(two_at_once_and_one_later())
