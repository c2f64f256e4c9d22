"""Collections, people and faces that change, over HTTP."""

import pytest


def test_collections_are_made_listed_searched_and_erased(
    client, enrol, person_jpeg, assert_problem
):
    made = client.post("/collections", json={"name": "staff"})
    assert (made.status_code, made.json()) == (201, {"name": "staff", "people": 0, "faces": 0})
    enrol("Ada", 1)
    bo = enrol("Bo", 2, collection="staff")
    assert client.get("/collections").json()["items"] == [
        {"name": "default", "people": 1, "faces": 1},
        {"name": "staff", "people": 1, "faces": 1},
    ]
    answer = client.post("/search?collection=staff", files={"image": person_jpeg(1)}).json()
    assert [match["face_id"] for match in answer["faces"][0]["matches"]] == [bo["face_id"]]
    assert client.get("/gallery?collection=staff").json()["total"] == 1
    assert client.get("/people?collection=staff").json()["items"][0]["person"] == "Bo"
    assert client.delete("/collections/staff").json() == {"erased": 1}
    assert_problem(client.delete("/collections/staff"), "not-found", 404)
    assert_problem(client.get(f"/gallery/{bo['face_id']}"), "not-found", 404)


def test_wrong_collections_are_problems(client, person_jpeg, assert_problem):
    assert_problem(client.post("/collections", json={"name": "default"}), "conflict", 409)
    assert_problem(client.delete("/collections/default"), "conflict", 409)
    wrong = assert_problem(client.post("/collections", json={"name": "a b"}), "validation", 422)
    assert wrong["errors"][0]["field"] == "name"
    assert_problem(client.post("/collections", json={"title": "x"}), "validation", 422)
    assert_problem(client.get("/people?collection=none"), "not-found", 404)
    photo = {"image": person_jpeg(1)}
    assert_problem(client.post("/search?collection=none", files=photo), "not-found", 404)
    enrolled = client.post(
        "/gallery", data={"person": "Ada", "collection": "none"}, files={"images": person_jpeg(1)}
    )
    assert_problem(enrolled, "not-found", 404)


def test_a_person_is_renamed_and_merged(client, enrol, assert_problem):
    ada, bo = enrol("Ada", 1), enrol("Bo", 2)
    path = f"/people/{ada['person_id']}"
    renamed = client.patch(path, json={"person": "Cy"}).json()
    cy = {"person_id": ada["person_id"], "person": "Cy", "faces": 1, "face_id": ada["face_id"]}
    assert renamed == cy
    merged = client.patch(path, json={"person": "Bo"}).json()
    both = {"person_id": bo["person_id"], "person": "Bo", "faces": 2, "face_id": ada["face_id"]}
    assert merged == both
    assert_problem(client.patch(path, json={"person": "Di"}), "not-found", 404)
    for body in ({"person": " "}, {"person": "a\nb"}, {}, {"name": "x"}, []):
        answer = client.patch(f"/people/{bo['person_id']}", json=body)
        assert_problem(answer, "validation", 422)
    half = client.patch(f"/people/{bo['person_id']}", content=b'{"person": "\\ud800"}')
    assert_problem(half, "validation", 422)


def test_a_face_is_moved_and_what_is_kept_with_it_changes(client, enrol, assert_problem):
    face = enrol("Ada", 1, consent_reference="form 7", expires_at="2090-01-01T01:00:00+01:00")
    assert (face["consent_reference"], face["expires_at"]) == ("form 7", "2090-01-01T00:00:00Z")
    path = f"/gallery/{face['face_id']}"
    moved = client.patch(path, json={"person": "Bo", "metadata": {"a": [1]}, "expires_at": None})
    assert (moved.json()["person"], moved.json()["metadata"]) == ("Bo", {"a": [1]})
    assert (moved.json()["expires_at"], moved.json()["consent_reference"]) == (None, "form 7")
    assert client.get(path).json() == moved.json()
    assert [person["person"] for person in client.get("/people").json()["items"]] == ["Bo"]
    assert client.patch(path, json={}).json() == moved.json()
    for body in (
        {"person": ""},
        {"person": None},
        {"metadata": [1]},
        {"metadata": {"x": "y" * 2**14}},
        {"expires_at": "2026-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-12:00"},
        {"consent_reference": "a\nb"},
        {"confidence": 1},
    ):
        assert_problem(client.patch(path, json=body), "validation", 422)
    broken = client.patch(path, content=b"{", headers={"Content-Type": "application/json"})
    assert_problem(broken, "validation", 422)
    assert client.get(path).json() == moved.json()
    assert_problem(client.patch("/gallery/none", json={"person": "Bo"}), "not-found", 404)


def test_a_face_is_not_moved_to_somebody_of_the_same_photo(client, enrol, assert_problem):
    face = enrol("Ada", 1)
    enrol("Bo", 1)
    answer = client.patch(f"/gallery/{face['face_id']}", json={"person": "Bo"})
    assert "from the same photo" in assert_problem(answer, "conflict", 409)["detail"]


def test_more_like_an_enrolled_face(client, enrol, assert_problem):
    ada, bo = enrol("Ada", 1), enrol("Bo", 2)
    also = enrol("Ada", 3)
    people = client.get(f"/gallery/{ada['face_id']}/similar").json()["matches"]
    assert [(match["rank"], match["face_id"]) for match in people] == [(1, bo["face_id"])]
    faces = client.get(f"/gallery/{ada['face_id']}/similar?group_by=face&k=5").json()["matches"]
    assert {match["face_id"] for match in faces} == {bo["face_id"], also["face_id"]}
    assert len(client.get(f"/gallery/{ada['face_id']}/similar?k=1").json()["matches"]) == 1
    assert_problem(client.get("/gallery/none/similar"), "not-found", 404)
    assert_problem(client.get(f"/gallery/{ada['face_id']}/similar?k=0"), "validation", 422)


@pytest.mark.parametrize("value", ["best", "centroid"])
def test_people_are_compared_as_asked_for(client, enrol, person_jpeg, value):
    enrol("Ada", 1)
    found = client.post(f"/search?person_similarity={value}", files={"image": person_jpeg(1)})
    [match] = found.json()["faces"][0]["matches"]
    assert match["similarity"] == pytest.approx(1, abs=1e-3)
