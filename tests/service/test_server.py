"""The real process: started as a user starts it, spoken to over a socket, stopped by a signal."""

import json
import logging
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from service.errors import SettingsError
from service.server import _bind, _url
from service.server import serve as run
from tests.service.conftest import wait_until
from tests.service.serving import run_serve


@pytest.fixture
def own_handlers():
    """Puts back what `serve` changes in its process: the handlers of signals and of the log."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    root, ours = logging.getLogger(), logging.getLogger("lookalike")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def value(served, name):
    """A metric without labels of a service."""
    text = served.client.get("/metrics").text
    return float(re.search(rf"^lookalike_{name} (\S+)", text, re.MULTILINE).group(1))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_serving_says_where_and_ends_with_status_0_at_sigterm(make_settings, own_handlers, host):
    said = []

    def answer_and_stop(url):
        said.append((url, httpx.get(f"{url}/health/ready").json()))
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as end:
        run(make_settings(host=host, port=0), on_ready=answer_and_stop)
    assert end.value.code == 0
    [(url, health)] = said
    assert url.startswith("http://[::1]:" if host == "::1" else "http://127.0.0.1:")
    assert health == {"status": "ready"}


def test_a_taken_port_is_a_setting_to_change(make_settings, own_handlers):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1 port {port}"):
            run(make_settings(port=port), on_ready=print)


def test_small_answers_are_sent_at_once(make_settings):
    with _bind(make_settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio's TCP_NODELAY depends on


def test_an_open_address_is_shown_as_one_that_can_be_clicked(make_settings):
    with _bind(make_settings(host="0.0.0.0", port=0)) as listener:
        assert _url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
def test_a_service_is_started_used_stopped_and_started_again(serve, person_jpeg, tiny_encoder):
    first = serve()
    enrolled = first.client.post(
        "/gallery", data={"person": "Ada"}, files={"images": person_jpeg(1)}
    )
    assert enrolled.status_code == 201
    assert "server" not in enrolled.headers
    found = first.client.post("/search", files={"image": person_jpeg(1)}).json()
    assert first.stop() == 0
    assert f"curl -F image=@photo.jpg {first.url}/search" in first.banner
    log = "".join(first.errors)
    assert re.search(r"INFO request request_id=\S+ method=POST path=/search status=200 ms=", log)
    assert "Traceback" not in log
    assert "Ada" not in log

    second = serve()
    again = second.client.post("/search", files={"image": person_jpeg(1)}).json()
    assert again["faces"] == found["faces"]
    assert second.stop(signal.SIGINT) == 0


@pytest.mark.slow
def test_accepted_requests_are_answered_after_sigterm_and_no_new_ones_are_taken(
    serve, faces_picture
):
    served = serve(LOOKALIKE_WORKERS="1")
    picture = faces_picture(4)

    def search():
        return httpx.post(
            f"{served.url}/search?faces=all",
            content=picture,
            headers={"Content-Type": "image/jpeg"},
            timeout=60,
        )

    with ThreadPoolExecutor(3) as clients:
        answers = [clients.submit(search) for _ in range(3)]
        wait_until(lambda: value(served, "in_flight") + value(served, "queue_depth") == 3)
        assert served.stop() == 0
        assert [answer.result().status_code for answer in answers] == [200] * 3
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


@pytest.mark.slow
def test_a_large_upload_is_refused_while_it_is_sent(serve, assert_problem):
    served = serve(LOOKALIKE_MAX_REQUEST_BYTES="1000000")

    def endless():
        for _ in range(500):
            yield b"\xff" * 100_000

    answer = served.client.post(
        "/search", content=b"\xff" * 50_000_000, headers={"Content-Type": "image/jpeg"}
    )
    assert_problem(answer, "too-large", 413)
    answer = served.client.post(
        "/search", content=endless(), headers={"Content-Type": "image/jpeg"}
    )
    assert_problem(answer, "too-large", 413)


@pytest.mark.slow
def test_behind_a_proxy_that_strips_a_prefix_links_have_it(serve, person_jpeg):
    served = serve(LOOKALIKE_ROOT_PATH="/faces")
    served.client.post("/gallery", data={"person": "Ada"}, files={"images": person_jpeg(1)})
    [face] = served.client.post("/search", files={"image": person_jpeg(1)}).json()["faces"]
    assert face["matches"][0]["crop"].startswith("/faces/gallery/")
    assert served.client.get("/openapi.json").json()["servers"][0]["url"] == "/faces"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ([], {"LOOKALIKE_PORT": "many"}, "LOOKALIKE_PORT='many' is not allowed"),
        (["--host", "0.0.0.0"], {}, "LOOKALIKE_ALLOW_ANONYMOUS=true"),
        (["--encoder", "nowhere"], {}, "nowhere is not an encoder folder"),
        (["--device", "cuda"], {}, "cuda"),
        ([], {"LOOKALIKE_INDEX": "magic"}, "index = 'magic' is unknown"),
    ],
)
def test_what_cannot_start_says_so_in_one_line(tmp_path, tiny_encoder, options, environment, said):
    given = ["--port", 0, "--data", tmp_path / "data", "--encoder", tiny_encoder, *options]
    if "LOOKALIKE_PORT" in environment:
        given = given[2:]
    ended = run_serve(*given, **environment)
    assert ended.returncode == 1
    assert ended.stderr.startswith("lookalike: ")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_taken_port_and_a_served_folder_are_told_in_one_line(serve, tmp_path, tiny_encoder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_serve("--port", port, "--data", tmp_path / "x", "--encoder", tiny_encoder)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.stderr

    serve()
    ended = run_serve("--port", 0, "--data", tmp_path / "data", "--encoder", tiny_encoder)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "data" in ended.stderr


@pytest.mark.slow
def test_a_misspelt_variable_is_warned_of(serve):
    served = serve(LOOKALIKE_PROT="1")
    served.stop()
    assert "LOOKALIKE_PROT is no setting" in served.errors[0]


@pytest.mark.slow
def test_after_kill_9_amid_enrolments_every_acknowledged_face_is_found_and_none_twice(
    serve, person_jpeg
):
    served = serve()
    photos = {f"Person {seed}": person_jpeg(seed) for seed in range(1, 25)}
    acknowledged = {}

    def enrol(item):
        name, photo = item
        try:
            answer = httpx.post(
                f"{served.url}/gallery", data={"person": name}, files={"images": photo}, timeout=60
            )
        except httpx.TransportError:
            return
        if answer.status_code == 201:
            acknowledged[name] = answer.json()["enrolled"][0]["face_id"]

    with ThreadPoolExecutor(4) as clients:
        done = [clients.submit(enrol, item) for item in photos.items()]
        while len(acknowledged) < 8:
            time.sleep(0.005)
        served.stop(signal.SIGKILL)
        for each in done:
            each.result()
    assert 8 <= len(acknowledged) < len(photos)

    restarted = serve()
    listed = restarted.client.get("/gallery?limit=500").json()["items"]
    stored = {face["person"]: face for face in listed}
    assert len(stored) == len(listed), "a face is there twice"
    assert acknowledged.items() <= {(name, face["face_id"]) for name, face in stored.items()}
    assert restarted.client.get("/info").json()["gallery"]["index"]["size"] == len(listed)
    for name, face_id in acknowledged.items():
        answer = restarted.client.post("/search?k=1", files={"image": photos[name]}).json()
        assert answer["faces"][0]["matches"][0]["face_id"] == face_id
    for name, photo in photos.items():  # the clients try again what was not acknowledged
        again = restarted.client.post("/gallery", data={"person": name}, files={"images": photo})
        if name in stored:
            assert again.json()["enrolled"] == [{**stored[name], "duplicate": True}]
    people = restarted.client.get("/people?limit=500").json()["items"]
    assert all(person["faces"] == 1 for person in people)


@pytest.mark.slow
def test_under_load_sigterm_breaks_no_accepted_request_and_refuses_new_ones_in_order(
    serve, person_jpeg
):
    served = serve(LOOKALIKE_WORKERS="2", LOOKALIKE_QUEUE_WAIT_MS="3000")
    photo, stopping, began = person_jpeg(1), threading.Event(), threading.Semaphore(0)
    outcomes = []

    def fire():
        with httpx.Client(base_url=served.url, timeout=30) as client:
            while True:
                told_to_stop = stopping.is_set()
                try:
                    answer = client.post("/search", files={"image": photo})
                except httpx.ConnectError:
                    outcomes.append("refused")
                    return
                began.release()
                slug = "" if answer.is_success else answer.json()["type"]
                outcomes.append((answer.status_code, slug, told_to_stop))
                if slug == "/problems/not-ready":
                    assert answer.headers["connection"] == "close"
                    return

    with ThreadPoolExecutor(16) as clients:
        firing = [clients.submit(fire) for _ in range(16)]
        for _ in range(32):
            assert began.acquire(timeout=60)
        stopping.set()
        signalled_s = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - signalled_s < 10
        for each in firing:
            each.result()  # an error of a connection would be raised here
    answers = {outcome[:2] for outcome in outcomes if outcome != "refused"}
    assert answers <= {(200, ""), (503, "/problems/not-ready"), (503, "/problems/overloaded")}
    assert (200, "") in answers
    assert "Traceback" not in "".join(served.errors)


@pytest.mark.slow
def test_while_it_stops_the_service_is_not_ready_but_lives(serve):
    served = serve()
    with httpx.Client(base_url=served.url) as client:
        assert client.get("/health/ready").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{served.url}/health/ready").status_code == 503)
        assert client.get("/health/live").status_code == 200
    assert served.stop() == 0


@pytest.mark.slow
def test_a_client_that_leaves_the_queue_is_counted_and_its_photo_not_looked_at(
    serve, faces_picture
):
    served = serve(LOOKALIKE_WORKERS="1", LOOKALIKE_LOG_FORMAT="json")
    picture = faces_picture(9)

    def search(timeout):
        with suppress(httpx.ReadTimeout):
            httpx.post(
                f"{served.url}/search?faces=all",
                content=picture,
                headers={"Content-Type": "image/jpeg"},
                timeout=timeout,
            )

    with ThreadPoolExecutor(4) as clients:
        first = [clients.submit(search, 60) for _ in range(2)]
        wait_until(lambda: value(served, "queue_depth") >= 1)
        second = [clients.submit(search, 0.05) for _ in range(2)]
        for each in (*first, *second):
            each.result()
    wait_until(lambda: value(served, "in_flight") == 0)
    assert value(served, "disconnected_total") + value(served, "photos_total") == 4
    assert served.stop() == 0
    assert all(json.loads(line)["event"] for line in served.errors)
