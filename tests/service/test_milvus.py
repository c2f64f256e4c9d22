"""The service with its index on Milvus: away at the start, away meanwhile, back again."""

import pytest

from tests.service.conftest import wait_until
from tests.service.serving import run_serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_searches_are_not_ready_while_milvus_is_away_and_go_on_by_themselves(
    start, milvus, person_jpeg, assert_problem
):
    client = start(index="milvus", milvus_uri=milvus.uri)

    def enrol(name, seed):
        photo = {"images": ("1.jpg", person_jpeg(seed))}
        return client.post("/gallery", data={"person": name}, files=photo)

    def search(seed):
        return client.post("/search", files={"image": person_jpeg(seed)})

    assert enrol("Ada", 1).status_code == 201
    assert search(1).json()["faces"][0]["matches"][0]["person"] == "Ada"
    milvus.stop()
    try:
        assert_problem(search(1), "not-ready", 503)
        assert enrol("Bob", 2).status_code in {201, 503}  # by then the keeper may know
        assert_problem(search(2), "not-ready", 503)
    finally:
        milvus.start()
    wait_until(lambda: search(2).status_code == 200, seconds=60)
    assert search(2).json()["faces"][0]["matches"][0]["person"] == "Bob"
    assert search(1).json()["faces"][0]["matches"][0]["person"] == "Ada"


def test_a_service_whose_milvus_is_not_there_ends_with_one_line(tmp_path, tiny_encoder):
    done = run_serve(
        "--data",
        tmp_path / "data",
        "--encoder",
        tiny_encoder,
        LOOKALIKE_INDEX="milvus",
        LOOKALIKE_MILVUS_URI="http://127.0.0.1:1",
    )
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("lookalike: Milvus at http://127.0.0.1:1 cannot be used")
    assert "is Milvus running there" in line
