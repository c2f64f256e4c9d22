"""Two faces beside each other: `/verify` and `/explain`."""

import base64
import io

import numpy as np
import pytest
from PIL import Image as PillowImage

import encoders
from faces.types import Box, DetectedFace, FaceQuality
from service.comparing import remarks


def post(client, path, *, data=None, **photos):
    files = {name: (f"{name}.jpg", photo) for name, photo in photos.items()}
    return client.post(path, files=files, data=data or {})


def picture_of(uri):
    head, body = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(PillowImage.open(io.BytesIO(base64.b64decode(body))))


def a_face(yaw_deg, light=1.0):
    return DetectedFace(Box(0, 0, 9, 9), 1.0, None, yaw_deg, FaceQuality(1.0, 1.0, light, 1.0))


def test_a_photo_is_fully_alike_to_itself(client, person_jpeg):
    answer = post(client, "/verify", image_a=person_jpeg(1), image_b=person_jpeg(1)).json()
    assert answer["similarity"] == pytest.approx(1, abs=1e-4)
    assert answer["same_person_probability"] is None  # the tiny encoder is not calibrated
    first, second = answer["faces"]
    assert first == second
    assert first["box"]["width"] > 50


def test_the_similarity_is_that_of_the_embeddings(client, person_jpeg):
    embeddings = [
        client.post("/embed", files={"image": ("a.jpg", person_jpeg(seed))}).json()["embeddings"][0]
        for seed in (1, 2)
    ]
    one, other = (np.array(found["embedding"]) for found in embeddings)
    answer = post(client, "/verify", image_a=person_jpeg(1), image_b=person_jpeg(2)).json()
    assert answer["similarity"] == pytest.approx(one @ other, abs=1e-5)


def test_the_shipped_encoder_tells_one_person_from_two(start, person_jpeg):
    client = start(encoder=encoders.shipped())
    same = post(client, "/verify", image_a=person_jpeg(1), image_b=person_jpeg(1)).json()
    other = post(client, "/verify", image_a=person_jpeg(1), image_b=person_jpeg(2)).json()
    assert same["same_person_probability"] > 0.9
    assert other["same_person_probability"] < 0.5


def test_a_photo_without_a_face_is_told_by_its_field(client, person_jpeg, assert_problem):
    empty = io.BytesIO()
    PillowImage.new("RGB", (200, 200), "grey").save(empty, "PNG")
    answer = post(client, "/verify", image_a=person_jpeg(1), image_b=empty.getvalue())
    assert assert_problem(answer, "no-face", 422)["detail"].startswith("image_b:")
    answer = post(client, "/verify", image_a=b"no image", image_b=person_jpeg(1))
    assert assert_problem(answer, "bad-image", 422)["detail"].startswith("image_a:")


@pytest.mark.parametrize(
    ("path", "photos", "field"),
    [
        ("/verify", ["image_a"], "image_b"),
        ("/verify", ["image_b"], "image_a"),
        ("/verify", ["image_a", "image_b", "image_c"], "image_c"),
        ("/explain", ["image_a"], "image_b"),
        ("/explain", ["image_b"], "image_a"),
    ],
)
def test_missing_and_unknown_photos_are_named(
    client, person_jpeg, assert_problem, path, photos, field
):
    answer = post(client, path, **dict.fromkeys(photos, person_jpeg(1)))
    assert assert_problem(answer, "validation", 422)["errors"][0]["field"] == field


def test_a_photo_given_twice_is_refused(client, person_jpeg, assert_problem):
    files = [("image_a", ("1.jpg", person_jpeg(1))), ("image_a", ("2.jpg", person_jpeg(2)))]
    problem = assert_problem(client.post("/verify", files=files), "validation", 422)
    assert problem["errors"] == [{"field": "image_a", "value": None, "allowed": "given once"}]


def test_an_explanation_names_parts_and_draws_them(client, person_jpeg):
    answer = post(client, "/explain", image_a=person_jpeg(1), image_b=person_jpeg(2)).json()
    names = [region["name"] for region in answer["regions"]]
    assert names == ["eyes", "brows", "nose", "mouth", "jaw", "hair", "silhouette"]
    for kind in ("alike", "different"):
        total = sum(region[kind] for region in answer["regions"])
        assert total == pytest.approx(1, abs=1e-3) or total == 0
    assert any(region["different"] > 0 for region in answer["regions"])
    for drawn in answer["pictures"]:
        assert picture_of(drawn["picture"]).shape == (256, 256, 3)
        for kind in ("alike", "different"):
            assert picture_of(drawn[kind]).shape == (256, 256, 4)
    opacity = [picture_of(drawn["different"])[:, :, 3].max() for drawn in answer["pictures"]]
    assert max(opacity) > 150
    verified = post(client, "/verify", image_a=person_jpeg(1), image_b=person_jpeg(2)).json()
    assert answer["similarity"] == verified["similarity"]
    assert answer["faces"] == verified["faces"]


def test_an_enrolled_face_can_be_explained(start, person_jpeg):
    client = start(encoder=encoders.shipped())
    enrolled = client.post(
        "/gallery", data={"person": "Ada"}, files={"images": ("1.jpg", person_jpeg(1))}
    ).json()["enrolled"][0]
    data = {"face_id": enrolled["face_id"]}
    answer = post(client, "/explain", data=data, image_a=person_jpeg(1)).json()
    assert answer["similarity"] > 0.95  # its context crop is a JPEG of the same face
    assert answer["faces"][1]["quality"]["width_px"] > 50
    difference = np.abs(
        picture_of(answer["pictures"][0]["picture"]).astype(int)
        - picture_of(answer["pictures"][1]["picture"])
    )
    assert np.median(difference) < 6


def test_an_unknown_face_and_two_second_faces_are_refused(
    client, enrol, person_jpeg, assert_problem
):
    answer = post(client, "/explain", data={"face_id": "nobody"}, image_a=person_jpeg(1))
    assert_problem(answer, "not-found", 404)
    data = {"face_id": enrol("Ada", 1)["face_id"]}
    answer = post(client, "/explain", data=data, image_a=person_jpeg(1), image_b=person_jpeg(2))
    assert assert_problem(answer, "validation", 422)["errors"][0]["field"] == "image_b"


def test_heads_turned_alike_and_apart_and_bad_light_are_remarked():
    assert remarks(a_face(3), a_face(-4)) == []
    assert "the pose" in remarks(a_face(30), a_face(25))[0]
    assert "75° apart" in remarks(a_face(-35), a_face(40))[0]
    assert remarks(a_face(0), a_face(0, light=0.1)) == [
        "the light on the second face hides part of it"
    ]
    unknown = DetectedFace(Box(0, 0, 9, 9), 1.0)
    assert remarks(unknown, a_face(40)) == []
