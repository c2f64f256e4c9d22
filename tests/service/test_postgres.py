"""The service on a PostgreSQL store: away at the start, away meanwhile, back again."""

import pytest

from tests.service.conftest import wait_until
from tests.service.serving import run_serve

pytestmark = pytest.mark.slow


def test_the_service_says_not_ready_while_postgresql_is_away_and_recovers_by_itself(
    start, postgres, person_jpeg, assert_problem
):
    client = start(store_url=postgres.make_database())
    photo = {"images": ("1.jpg", person_jpeg(1))}
    answer = client.post("/gallery", data={"person": "Ada"}, files=photo)
    assert answer.status_code == 201, answer.text
    face_id = answer.json()["enrolled"][0]["face_id"]
    postgres.stop()
    try:
        for again in range(2):
            for method, path, files in (
                ("POST", "/search", {"image": person_jpeg(1)}),
                ("GET", "/people", None),
                ("GET", f"/gallery/{face_id}/crop", None),
                ("DELETE", f"/gallery/{face_id}", None),
            ):
                answer = client.request(method, path, files=files)
                assert_problem(answer, "not-ready", 503)
            if not again:  # at first the requests find it out, then the keeper has
                wait_until(lambda: client.get("/health/ready").status_code == 503)
    finally:
        postgres.start()
    wait_until(lambda: client.get("/health/ready").status_code == 200)
    [face] = client.post("/search", files={"image": person_jpeg(1)}).json()["faces"]
    assert face["matches"][0]["person"] == "Ada"


def test_a_service_whose_database_is_not_there_ends_with_one_line(postgres, tmp_path, tiny_encoder):
    done = run_serve(
        "--data",
        tmp_path / "data",
        "--encoder",
        tiny_encoder,
        LOOKALIKE_STORE_URL=postgres.url("nowhere"),
    )
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("lookalike: the database 'nowhere' at 127.0.0.1:")
    assert "make it there first" in line
    assert "secret" not in line
