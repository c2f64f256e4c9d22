"""Hostile clients against a real server process: what they do is refused, and others are served."""

import http.client
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from index.ground import open_store
from index.keys import ApiKeys
from tests.service.serving import REPOSITORY, Served

pytestmark = pytest.mark.slow

PATIENCE_S = 2
GIGABYTE = 10**9


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """The data folder of a service, and an admin key to it."""
    data = tmp_path_factory.mktemp("hostile") / "data"
    made = subprocess.run(
        [sys.executable, "-m", "cli.main", "keys", "create", "--role", "admin", "--data", data],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return data, made.stdout.strip()


@pytest.fixture(scope="module")
def served(key, tiny_encoder):
    """One service for all of these tests, listening on every address since it has a key."""
    data, secret = key
    service = Served(
        *("--data", data, "--encoder", tiny_encoder, "--host", "0.0.0.0"),
        LOOKALIKE_CLIENT_TIMEOUT_S=str(PATIENCE_S),
        LOOKALIKE_WORKERS="2",
    )
    service.client.headers["Authorization"] = f"Bearer {secret}"
    yield service
    assert service.stop() == 0
    assert "Traceback" not in "".join(service.errors)


@pytest.fixture
def connect(served):
    """Opens raw connections to the service."""
    opened = []
    host, port = re.search(r"//([\d.]+):(\d+)", served.url).groups()

    def open_one():
        opened.append(socket.create_connection((host, int(port)), timeout=60))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


def head(served, path="/search", **headers):
    """The head of a POST with the right key, as bytes."""
    lines = {
        "Host": "x",
        "Authorization": served.client.headers["Authorization"],
        "Content-Type": "image/jpeg",
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"POST {path} HTTP/1.1\r\n{text}\r\n".encode("latin-1")


def answer_of(connection):
    """Status, headers and body of the next answer."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, dict(answer.getheaders()), answer.read()


def private_bytes(served):
    """Memory of the process that is no file's."""
    text = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", text).group(1)) * 1024


def is_well(served):
    return served.client.get("/info").status_code == 200


def test_clients_that_never_end_their_head_hold_up_nobody(served, connect):
    slow = [connect() for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n")
    began_s = time.monotonic()
    assert is_well(served)
    for connection in slow:
        connection.settimeout(60)
        try:
            while connection.recv(100):
                pass
        except ConnectionError:
            pass
    assert time.monotonic() - began_s >= PATIENCE_S - 0.5


def test_a_body_that_drips_is_answered_408_and_the_connection_ends(served, connect):
    connection = connect()
    connection.sendall(head(served, **{"Content-Length": "100000"}) + b"\xff\xd8")
    status, headers, body = answer_of(connection)
    assert (status, headers["content-type"]) == (408, "application/problem+json")
    assert b"/problems/too-slow" in body
    assert connection.recv(10) == b""
    assert is_well(served)


@pytest.mark.parametrize("path", ["/search", "/gallery", "/people/x"])
def test_ten_gigabytes_are_refused_by_their_announcement(served, connect, path):
    connection = connect()
    began_s = time.monotonic()
    method = b"PATCH" if path.startswith("/people") else b"POST"
    sent = head(served, path, **{"Content-Length": str(10 * GIGABYTE)})
    if path == "/gallery":
        sent = sent.replace(b"image/jpeg", b"multipart/form-data; boundary=b")
    connection.sendall(sent.replace(b"POST", method, 1))
    if path == "/people/x":  # small bodies are counted as they come
        connection.sendall(b"x" * 200_000)
    status, _, body = answer_of(connection)
    assert (status, b"/problems/too-large" in body) == (413, True)
    assert time.monotonic() - began_s < 30


@pytest.mark.parametrize("with_key", [True, False])
def test_ten_gigabytes_that_are_not_announced_are_cut_off_and_memory_stays_flat(
    served, connect, with_key
):
    connection = connect()
    before = private_bytes(served)
    given = {"Transfer-Encoding": "chunked", **({} if with_key else {"Authorization": ""})}
    connection.sendall(head(served, **given))
    chunk = b"100000\r\n" + b"\xff" * 0x100000 + b"\r\n"
    sent = peak = 0
    try:
        while sent < 10 * GIGABYTE:
            connection.sendall(chunk)
            sent += 0x100000
            if sent % (64 * 0x100000) == 0:
                peak = max(peak, private_bytes(served))
    except ConnectionError:
        pass
    assert sent < 10 * GIGABYTE, "it took everything"
    assert max(peak, private_bytes(served)) - before < 150 * 2**20
    assert is_well(served)


def test_a_thousand_wrong_keys_are_cut_short_and_a_right_one_goes_on(served):
    guesser = httpx.Client(base_url=served.url, timeout=60)

    def guess(number):
        wrong = {"Authorization": f"Bearer lookalike_{number}"}
        return guesser.get("/info", headers=wrong).status_code

    with guesser, ThreadPoolExecutor(8) as clients:
        guesses = [clients.submit(guess, number) for number in range(1000)]
        assert is_well(served)
        statuses = [guessed.result() for guessed in guesses]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 20  # ten a minute, and a minute may end meanwhile


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/..%2f..%2fapp.py",
        "/assets/%2e%2e/%2e%2e/app.py",
        "/assets/....//app.py",
        "/assets/..%5c..%5capp.py",
        "/assets//etc/passwd",
        "/assets/%00",
        "/assets/app.js%00.png",
        "/gallery/../../etc/passwd",
        "/gallery/..%2f..%2fetc%2fpasswd/crop",
        "/gallery/%00",
        "/gallery/x%0d%0aSet-Cookie:%20a=b",
        "/people/%ff%fe",
        "/%0d%0aX-Evil:%20yes",
        "//evil.example/x",
    ],
)
def test_no_path_leads_out_or_into_the_headers(served, connect, path):
    connection = connect()
    sent = head(served, path).replace(b"POST", b"GET", 1)
    connection.sendall(sent)
    status, headers, body = answer_of(connection)
    assert status in {404, 405}, body
    assert b"def " not in body
    assert b"root:" not in body
    assert not {name.lower() for name in headers} & {"x-evil", "set-cookie", "location"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Request-ID", "x\x00y"),
        ("X-Request-ID", "x\ny"),
        ("X-Evil", "y" * 20_000),
        ("Content-Length", "ten"),
        ("Content-Length", "-1"),
        ("Host", "a b\x01"),
        ("Transfer-Encoding", "chunked, gzip"),
        ("Bad Name", "x"),
    ],
)
def test_a_broken_head_is_refused(served, connect, name, value):
    connection = connect()
    connection.sendall(head(served, **{"Content-Type": "image/jpeg", name: value}))
    status, headers, _ = answer_of(connection)
    assert 400 <= status < 600
    assert status != 500
    assert "\x00" not in str(headers)
    assert is_well(served)


def test_many_headers_are_refused(served, connect):
    connection = connect()
    many = "".join(f"X-{number}: y\r\n" for number in range(100_000)).encode()
    try:
        connection.sendall(head(served)[:-2] + many)
        assert answer_of(connection)[0] == 400
    except ConnectionError:
        pass  # cut off before all of it was sent
    assert is_well(served)


def test_a_request_in_a_request_is_not_smuggled(served, connect):
    """Two lengths, or a length and chunks, could mean one request to a proxy and two to us."""
    inner = b"0\r\n\r\nGET /info HTTP/1.1\r\nHost: x\r\n\r\n"
    for lengths in (
        {"Content-Length": str(len(inner)), "Transfer-Encoding": "chunked"},
        {"Content-Length": "5, 6"},
    ):
        connection = connect()
        connection.sendall(head(served, "/gallery", **lengths) + inner)
        received = b""
        connection.settimeout(3)
        try:
            while piece := connection.recv(65536):
                received += piece
        except (ConnectionError, TimeoutError):
            pass
        assert received.count(b"HTTP/1.1 ") <= 2
        assert b'"versions"' not in received


def test_a_key_that_is_revoked_by_another_process_stops_working_within_a_second(served, key):
    data, _ = key
    database = open_store(data, None)
    try:
        keys = ApiKeys(database, actor="tests")
        made, secret = keys.create("search")
        time.sleep(1)
        assert served.client.get("/info", headers={"X-API-Key": secret}).status_code == 200
        keys.revoke(made.key_id)
        time.sleep(1)
        refused = served.client.get("/info", headers={"X-API-Key": secret}).status_code
        assert refused in {401, 429}  # wrong keys were tried from this address before
    finally:
        database.close()
