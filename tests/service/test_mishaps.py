"""Mishaps of a real service: its files damaged, its disk read-only, commands beside it."""

import os
import subprocess
import sys
import time

import pytest

from tests.service.conftest import wait_until
from tests.service.serving import REPOSITORY, run_serve

pytestmark = pytest.mark.slow

SEEN_WITHIN_S = 5.0
"""What a command does beside a running service is seen by it so soon."""


def enrol(served, person, photo):
    answer = served.client.post("/gallery", data={"person": person}, files={"images": photo})
    assert answer.status_code == 201
    return answer.json()["enrolled"][0]["face_id"]


def best(served, photo):
    """Name of the person found by a photo, or None where nobody is."""
    [face] = served.client.post("/search", files={"image": photo}).json()["faces"]
    return face["matches"][0]["person"] if face["matches"] else None


def ready(served):
    return served.client.get("/health/ready").status_code == 200


def command(*words):
    """Run `lookalike` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *map(str, words)],
        cwd=REPOSITORY,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def faults(tmp_path, faulty_disk):
    """The switch of a service's faulty disk, and the environment that makes it so."""
    switch = tmp_path / "faults"
    switch.write_text("-")
    return switch, {"LD_PRELOAD": str(faulty_disk), "FAULTS": str(switch)}


def test_a_damaged_snapshot_is_refused_and_made_again(serve, data, person_jpeg):
    first = serve()
    enrol(first, "Ada", person_jpeg(1))
    enrol(first, "Bob", person_jpeg(2))
    assert first.stop() == 0
    [snapshot] = (data / "index").glob("*.snapshot")
    [rest] = (data / "index").glob("*.rest")
    content = bytearray(rest.read_bytes())
    content[-1] ^= 1
    rest.write_bytes(content)

    second = serve()
    assert (best(second, person_jpeg(1)), best(second, person_jpeg(2))) == ("Ada", "Bob")
    assert second.stop() == 0
    log = "".join(second.errors)
    assert "snapshot_refused" in log
    assert "its checksum differs" in log

    third = serve()
    assert best(third, person_jpeg(1)) == "Ada"
    assert third.stop() == 0
    assert "snapshot_refused" not in "".join(third.errors)
    assert snapshot.exists()


def test_a_database_that_is_cut_off_is_told_left_alone_and_served_again_once_it_is_restored(
    serve, data, tiny_encoder, person_jpeg, tmp_path
):
    served = serve()
    enrol(served, "Ada", person_jpeg(1))
    store, backup = data / "gallery.sqlite", tmp_path / "backup.sqlite"
    made = command("gallery", "backup", backup, "--data", data, "--encoder", tiny_encoder)
    assert made.returncode == 0, made.stderr
    wait_until(lambda: (data / "gallery.sqlite-wal").stat().st_size < 100_000, 60)
    with store.open("r+b") as file:
        file.truncate(4096)
    wait_until(lambda: not ready(served), 60)
    answer = served.client.post("/search", files={"image": person_jpeg(1)})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-ready")
    served.stop()
    cut = store.read_bytes()

    ended = run_serve("--port", 0, "--data", data, "--encoder", tiny_encoder)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "gallery.sqlite is damaged (" in ended.stderr
    assert store.read_bytes() == cut

    restored = command("gallery", "restore", backup, "--replace", "--data", data)
    assert restored.returncode == 0, restored.stderr
    assert best(serve(), person_jpeg(1)) == "Ada"


def test_on_a_disk_that_has_become_read_only_searches_go_on_and_nothing_is_lost(
    serve, faults, person_jpeg
):
    switch, environment = faults
    served = serve(**environment)
    enrol(served, "Ada", person_jpeg(1))
    switch.write_text("r")
    refused = served.client.post(
        "/gallery", data={"person": "Bob"}, files={"images": person_jpeg(2)}
    )
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/not-ready")
    time.sleep(3)  # the upkeep has failed meanwhile
    assert ready(served)
    assert best(served, person_jpeg(1)) == "Ada"
    switch.write_text("-")
    wait_until(lambda: enrol(served, "Bob", person_jpeg(2)) != "", 60)
    assert best(served, person_jpeg(2)) == "Bob"
    assert served.stop() == 0
    again = serve()
    assert (best(again, person_jpeg(1)), best(again, person_jpeg(2))) == ("Ada", "Bob")


def test_a_gallery_of_another_encoder_is_not_served_and_left_as_it_was(
    serve, data, make_encoder, person_jpeg
):
    first = serve()
    enrol(first, "Ada", person_jpeg(1))
    assert first.stop() == 0
    ended = run_serve("--port", 0, "--data", data, "--encoder", make_encoder(7))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "'tiny-0'" in ended.stderr
    assert "'tiny-7'" in ended.stderr
    assert best(serve(), person_jpeg(1)) == "Ada"


def test_a_second_service_is_refused_and_the_first_goes_on(serve, data, tiny_encoder, person_jpeg):
    first = serve()
    enrol(first, "Ada", person_jpeg(1))
    ended = run_serve("--port", 0, "--data", data, "--encoder", tiny_encoder)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"is served by another lookalike (process {first.process.pid})" in ended.stderr
    assert best(first, person_jpeg(1)) == "Ada"


def test_commands_beside_a_running_service_are_seen_by_it_within_5_s(
    serve, data, tiny_encoder, person_jpeg, tmp_path
):
    served = serve()
    enrol(served, "Bob", person_jpeg(2))
    photos = tmp_path / "photos" / "Ada"
    photos.mkdir(parents=True)
    (photos / "1.jpg").write_bytes(person_jpeg(1))
    beside = ["--data", data, "--encoder", tiny_encoder]

    built = command("index", "build", photos.parent, *beside)
    assert built.returncode == 0, built.stderr
    wait_until(lambda: best(served, person_jpeg(1)) == "Ada", SEEN_WITHIN_S)
    erased = command("people", "erase", "Ada", *beside)
    assert erased.returncode == 0, erased.stderr
    wait_until(lambda: best(served, person_jpeg(1)) == "Bob", SEEN_WITHIN_S)
