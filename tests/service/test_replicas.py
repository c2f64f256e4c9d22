"""Several services on one PostgreSQL and one Milvus: none lost, none shown that was erased."""

import signal
import time

import pytest

from tests.service.serving import Served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FOUND_WITHIN_S = 5.0
"""What one service enrols is found by the others so soon."""


@pytest.fixture
def start_replica(postgres, milvus, tiny_encoder, tmp_path):
    """Starts services that share store and index, and keep nothing on this machine."""
    environment = {
        "LOOKALIKE_STORE_URL": postgres.make_database(),
        "LOOKALIKE_INDEX": "milvus",
        "LOOKALIKE_MILVUS_URI": milvus.uri,
        "LOOKALIKE_WORKERS": "1",
    }
    started = []

    def start():
        data = tmp_path / "nothing-is-here"
        started.append(Served("--data", data, "--encoder", tiny_encoder, **environment))
        return started[-1]

    yield start
    for served in started:
        served.stop(signal.SIGKILL)
    assert not (tmp_path / "nothing-is-here").exists()


def best(served, photo):
    """Id of the face that is most like a photo; None where there is none."""
    answer = served.client.post("/search", files={"image": photo})
    assert answer.status_code == 200, answer.text
    matches = answer.json()["faces"][0]["matches"]
    return matches[0]["face_id"] if matches else None


def test_replicas_find_what_the_others_enrol_and_lose_nothing_when_one_is_killed(
    start_replica, person_jpeg
):
    replicas = [start_replica() for _ in range(3)]
    held = {}
    for seed in range(1, 10):
        one, other = replicas[seed % 3], replicas[(seed + 1) % 3]
        photo = {"images": (f"{seed}.jpg", person_jpeg(seed))}
        answer = one.client.post("/gallery", data={"person": f"P{seed}"}, files=photo)
        assert answer.status_code == 201, answer.text
        held[seed] = answer.json()["enrolled"][0]["face_id"]
        deadline = time.monotonic() + FOUND_WITHIN_S
        while best(other, person_jpeg(seed)) != held[seed]:
            assert time.monotonic() < deadline
        if seed % 3 == 0:
            gone = held.pop(seed - 1)
            assert other.client.delete(f"/gallery/{gone}").status_code == 204
            assert best(one, person_jpeg(seed - 1)) != gone
        if seed == 4:
            replicas[0].stop(signal.SIGKILL)
            replicas[0] = start_replica()
    for served in replicas:
        assert {seed: best(served, person_jpeg(seed)) for seed in held} == held
