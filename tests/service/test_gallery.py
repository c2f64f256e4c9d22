import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from ulid import ULID

from service.parameters import parse_metadata


def enrol_photos(client, photos, person="Ada", **fields):
    return client.post(
        "/gallery", data={"person": person, **fields}, files=[("images", photo) for photo in photos]
    )


def count(client):
    return client.get("/gallery").json()["total"]


def test_a_face_is_enrolled_shown_and_erased(client, enrol):
    face = enrol("Ada", 1, metadata='{"film": "Heat", "year": 1995}')
    assert face.pop("duplicate") is False
    assert ULID.from_str(face["face_id"])
    assert face["person"] == "Ada"
    assert face["source_name"] == "1.jpg"
    assert face["metadata"] == {"film": "Heat", "year": 1995}
    assert face["created_at"].endswith("Z")
    age = datetime.now(UTC) - datetime.fromisoformat(face["created_at"])
    assert timedelta(0) <= age < timedelta(minutes=5)

    assert client.get(f"/gallery/{face['face_id']}").json() == face
    erased = client.delete(f"/gallery/{face['face_id']}")
    assert (erased.status_code, erased.content) == (204, b"")
    assert client.get(f"/gallery/{face['face_id']}").status_code == 404
    assert client.delete(f"/gallery/{face['face_id']}").status_code == 404
    assert client.get("/people").json()["total"] == 0


def test_an_erased_face_is_no_longer_found(client, enrol, person_jpeg):
    ada, bo = enrol("Ada", 1), enrol("Bo", 2)
    client.delete(f"/gallery/{ada['face_id']}")
    answer = client.post("/search", files={"image": person_jpeg(1)}).json()
    assert [match["face_id"] for match in answer["faces"][0]["matches"]] == [bo["face_id"]]


def test_the_crop_is_a_square_jpeg(client, enrol):
    answer = client.get(f"/gallery/{enrol('Ada', 1)['face_id']}/crop")
    assert answer.headers["content-type"] == "image/jpeg"
    crop = PillowImage.open(io.BytesIO(answer.content))
    assert crop.format == "JPEG"
    assert crop.width == crop.height <= 256


def test_several_photos_are_enrolled_and_the_bad_ones_rejected_with_their_problems(
    client, person_jpeg, empty_jpeg
):
    answer = enrol_photos(
        client,
        [
            ("one.jpg", person_jpeg(1)),
            ("notes.txt", b"not an image"),
            ("sky.jpg", empty_jpeg),
            ("two.jpg", person_jpeg(2)),
        ],
    )
    assert answer.status_code == 201
    body = answer.json()
    assert body["person"] == "Ada"
    assert [face["source_name"] for face in body["enrolled"]] == ["one.jpg", "two.jpg"]
    assert [(item["source_name"], item["type"]) for item in body["rejected"]] == [
        ("notes.txt", "/problems/bad-image"),
        ("sky.jpg", "/problems/no-face"),
    ]
    assert all(item["detail"] for item in body["rejected"])
    assert count(client) == 2


def test_the_same_photo_again_is_a_duplicate_of_the_first(client, person_jpeg):
    first = enrol_photos(client, [("a.jpg", person_jpeg(1))]).json()["enrolled"][0]
    again = enrol_photos(client, [("b.jpg", person_jpeg(1))])
    assert again.status_code == 200
    assert again.json()["enrolled"] == [{**first, "duplicate": True}]
    mixed = enrol_photos(client, [("c.jpg", person_jpeg(1)), ("d.jpg", person_jpeg(2))])
    assert mixed.status_code == 201
    assert [face["duplicate"] for face in mixed.json()["enrolled"]] == [True, False]
    twice = enrol_photos(client, [("e.jpg", person_jpeg(3))] * 2, person="Bo")
    assert [face["duplicate"] for face in twice.json()["enrolled"]] == [False, True]
    assert count(client) == 3


def test_where_no_photo_can_be_taken_nothing_is_enrolled(client, assert_problem, empty_jpeg):
    answer = enrol_photos(client, [("a.txt", b"text"), ("sky.jpg", empty_jpeg), ("nil.jpg", b"")])
    problem = assert_problem(answer, "nothing-enrolled", 422)
    assert [(item["source_name"], item["type"]) for item in problem["rejected"]] == [
        ("a.txt", "/problems/bad-image"),
        ("sky.jpg", "/problems/no-face"),
        ("nil.jpg", "/problems/bad-image"),
    ]
    assert client.get("/people").json()["total"] == 0


def test_a_group_photo_gives_its_largest_face_or_is_rejected_as_asked(
    client, assert_problem, faces_picture
):
    group = ("group.jpg", faces_picture(2))
    refused = enrol_photos(client, [group], faces="single")
    problem = assert_problem(refused, "nothing-enrolled", 422)
    assert problem["rejected"][0]["type"] == "/problems/several-faces"
    assert count(client) == 0
    assert enrol_photos(client, [group]).status_code == 201
    assert count(client) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"person": ""}, "person"),
        ({"person": "   "}, "person"),
        ({"person": "x" * 201}, "person"),
        ({"person": "two\nlines"}, "person"),
        ({"person": "nil\0"}, "person"),
        ({"metadata": "[1, 2]"}, "metadata"),
        ({"metadata": "{broken"}, "metadata"),
        ({"metadata": '{"x": NaN}'}, "metadata"),
        ({"metadata": '{"x": 1e999}'}, "metadata"),
        ({"metadata": '{"x": "\\ud800"}'}, "metadata"),
        ({"metadata": '{"x": ' + "[" * 8000}, "metadata"),
        ({"metadata": json.dumps({"x": "y" * 2**14})}, "metadata"),
        ({"faces": "all"}, "faces"),
        ({"consent": "yes"}, "consent"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    client, assert_problem, person_jpeg, fields, field
):
    answer = enrol_photos(client, [("a.jpg", person_jpeg(1))], **fields)
    problem = assert_problem(answer, "validation", 422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["allowed"]
    assert count(client) == 0


def test_person_and_images_are_required(client, assert_problem, person_jpeg):
    no_person = client.post("/gallery", files={"images": person_jpeg(1)})
    assert assert_problem(no_person, "validation", 422)["errors"] == [
        {"field": "person", "value": None, "allowed": "Field required"}
    ]
    no_images = client.post("/gallery", files={"person": (None, b"Ada")})
    [error] = assert_problem(no_images, "validation", 422)["errors"]
    assert error["field"] == "images"


def test_too_much_is_refused_whole(start, assert_problem, person_jpeg):
    client = start(max_bytes=50_000, max_request_bytes=120_000)
    photo = ("a.jpg", person_jpeg(1))
    for photos in (
        [photo, ("b.jpg", b"x" * 50_001)],
        [photo] * 51,
        [photo, *[("c", b"x" * 40_000)] * 3],
    ):
        assert_problem(enrol_photos(client, photos), "too-large", 413)
    assert count(client) == 0


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "'; DROP TABLE faces; --", "محمد", "𝒜da", "../../x", "%s{}"],
)
def test_odd_names_are_kept_as_they_are(client, enrol, name):
    enrol(name, 1)
    assert client.get("/people").json()["items"][0]["person"] == name
    assert client.get("/gallery", params={"person": name}).json()["total"] == 1


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=5),
            lambda values: (
                st.lists(values, max_size=3)
                | st.dictionaries(st.text(max_size=3), values, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_metadata_is_any_json_object(value):
    assert parse_metadata(json.dumps(value, ensure_ascii=False)) == value


@given(st.text(max_size=60))
def test_any_text_is_metadata_or_refused(text):
    try:
        value = parse_metadata(text)
    except ValueError:
        return
    assert isinstance(value, dict)


def test_faces_are_listed_page_by_page_and_by_person(client, enrol):
    ids = [enrol(name, seed)["face_id"] for seed, name in enumerate(["Ada", "Bo", "Ada", "Cy"], 1)]
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get("/gallery", params=params).json()
        assert page["total"] == 4
        seen += [face["face_id"] for face in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids
    ada = client.get("/gallery", params={"person": "Ada"}).json()
    assert [face["face_id"] for face in ada["items"]] == [ids[0], ids[2]]


def test_people_are_listed_by_prefix_and_erased_with_all_faces(client, enrol, person_jpeg):
    enrol("Ada Lark", 1)
    enrol("Ada Lark", 2)
    enrol("Bo Finch", 3)
    [ada] = client.get("/people?q=ada").json()["items"]
    assert (ada["person"], ada["faces"]) == ("Ada Lark", 2)
    assert client.delete(f"/people/{ada['person_id']}").json() == {"erased": 2}
    assert client.delete(f"/people/{ada['person_id']}").status_code == 404
    assert [person["person"] for person in client.get("/people").json()["items"]] == ["Bo Finch"]
    answer = client.post("/search?group_by=face", files={"image": person_jpeg(1)}).json()
    assert [match["person"] for match in answer["faces"][0]["matches"]] == ["Bo Finch"]


@pytest.mark.parametrize("time", [0, "0", 1e9, "1700000000", "2027-11-22", "soon", True])
def test_an_expiry_is_a_whole_time_and_no_number(client, enrol, assert_problem, time):
    face = enrol("Ada", 1)
    answer = client.patch(f"/gallery/{face['face_id']}", json={"expires_at": time})
    [error] = assert_problem(answer, "validation", 422)["errors"]
    assert "2027-11-22T10:00:00Z" in error["allowed"]
    assert client.get(f"/gallery/{face['face_id']}").json()["expires_at"] is None
