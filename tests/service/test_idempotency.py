"""Idempotency-Key: an enrolment that is sent again is done once and answered alike."""

import pytest

from service.app import create_app
from tests.service.conftest import TestClient

KEY = {"Idempotency-Key": "6f1c8a2e-batch-7"}


def send(client, photos, person="Ada", headers=KEY, **fields):
    return client.post(
        "/gallery",
        data={"person": person, **fields},
        files=[("images", photo) for photo in photos],
        headers=headers,
    )


@pytest.fixture
def photos(person_jpeg, empty_jpeg):
    return [("a.jpg", person_jpeg(1)), ("sky.jpg", empty_jpeg), ("b.jpg", person_jpeg(1))]


def test_the_same_request_under_the_same_key_gives_the_same_answer(client, photos):
    first, again = send(client, photos), send(client, photos)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert [item["source_name"] for item in again.json()["rejected"]] == ["sky.jpg"]
    assert [item["duplicate"] for item in again.json()["enrolled"]] == [False, True]
    without = send(client, photos, headers={})
    assert without.status_code == 200
    assert send(client, photos, headers={"Idempotency-Key": "other"}).status_code == 200
    assert send(client, photos).status_code == 201


def test_the_key_is_remembered_by_a_service_that_starts_again(make_settings, photos):
    answers = []
    for _ in range(2):
        app = create_app(make_settings())
        with TestClient(app, base_url="http://localhost") as client:
            assert app.state.resources.readiness.prepared.wait(60)
            answers.append(send(client, photos[:1]))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    "change",
    [
        {"person": "Bo"},
        {"metadata": '{"a": 1}'},
        {"collection": "family"},
        {"consent_reference": "form 7"},
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"faces": "single"},
    ],
)
def test_another_request_under_the_same_key_is_a_conflict(client, assert_problem, photos, change):
    client.post("/collections", json={"name": "family"})
    send(client, photos[:1])
    problem = assert_problem(send(client, photos[:1], **change), "conflict", 409)
    assert "another request" in problem["detail"]
    assert client.get("/gallery").json()["total"] == 1


def test_other_photos_under_the_same_key_are_a_conflict(client, assert_problem, photos):
    send(client, photos[:1])
    assert_problem(send(client, photos), "conflict", 409)
    renamed = [("other name.jpg", photos[0][1])]
    assert_problem(send(client, renamed), "conflict", 409)


def test_a_request_that_enrolled_nothing_leaves_its_key_free(client, assert_problem, photos):
    assert_problem(send(client, photos[1:2]), "nothing-enrolled", 422)
    assert_problem(send(client, photos[:1], faces="none"), "validation", 422)
    assert send(client, photos[:1]).status_code == 201


def test_an_erased_face_is_not_brought_back_by_its_key(client, assert_problem, photos):
    [face] = send(client, photos[:1]).json()["enrolled"]
    client.delete(f"/gallery/{face['face_id']}")
    problem = assert_problem(send(client, photos[:1]), "conflict", 409)
    assert "erased" in problem["detail"]
    assert send(client, photos[:1], headers={"Idempotency-Key": "new"}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", b"\xc3\xa4"])
def test_a_key_that_can_be_none_is_refused_by_its_name(client, assert_problem, photos, key):
    answer = send(client, photos[:1], headers={"Idempotency-Key": key})
    [error] = assert_problem(answer, "validation", 422)["errors"]
    assert error["field"] == "Idempotency-Key"
    assert client.get("/gallery").json()["total"] == 0
