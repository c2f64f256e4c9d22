import io
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image as PillowImage

from faces.pipeline import Pipeline
from tests.service.conftest import wait_until


def saved(picture, format_name, **options):
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def post(client, data, path="/search", **query):
    return client.post(path, params=query, files={"image": ("probe", data)})


def test_the_enrolled_photo_itself_is_its_best_match(client, enrol, person_jpeg):
    ada = enrol("Ada", 1)
    enrol("Bo", 2)
    answer = post(client, person_jpeg(1)).json()
    [face] = answer["faces"]
    best, second = face["matches"]
    assert best == {
        "rank": 1,
        "person": "Ada",
        "face_id": ada["face_id"],
        "similarity": pytest.approx(1.0, abs=1e-4),
        "same_person_probability": None,
        "faces_of_person": 1,
        "crop": f"/gallery/{ada['face_id']}/crop",
        "metadata": {},
    }
    assert (second["rank"], second["person"]) == (2, "Bo")
    assert second["similarity"] < best["similarity"] <= 1
    assert face["box"] == ada["box"]
    assert face["detection_confidence"] == ada["detection_confidence"]
    assert face["quality"] is face["unknown"] is None
    assert answer["image"] == {"width": 240, "height": 240}
    assert answer["encoder"]["name"] == "tiny-0-v1"
    assert len(answer["encoder"]["sha256"]) == 64
    assert answer["timing_ms"].keys() == {"decode", "detect", "embed", "search", "total"}
    assert all(took >= 0 for took in answer["timing_ms"].values())


def test_an_empty_gallery_has_no_matches(client, face_jpeg):
    assert post(client, face_jpeg).json()["faces"][0]["matches"] == []


def test_a_raw_body_and_a_form_give_the_same_answer(client, enrol, person_jpeg):
    enrol("Ada", 1)
    raw = client.post("/search", content=person_jpeg(2), headers={"Content-Type": "image/jpeg"})
    assert raw.json()["faces"] == post(client, person_jpeg(2)).json()["faces"]


def test_k_min_similarity_and_group_by_choose_the_matches(client, enrol, person_jpeg):
    enrol("Ada", 1)
    enrol("Ada", 2)
    enrol("Bo", 3)

    def people(**query):
        matches = post(client, person_jpeg(1), **query).json()["faces"][0]["matches"]
        return [(match["person"], match["faces_of_person"]) for match in matches]

    assert people() == [("Ada", 2), ("Bo", 1)]
    assert people(k=1) == [("Ada", 2)]
    assert sorted(people(group_by="face")) == [("Ada", 2), ("Ada", 2), ("Bo", 1)]
    assert people(group_by="face", min_similarity=0.9999) == [("Ada", 2)]


def test_all_faces_of_a_group_are_searched_largest_first(client, enrol, faces_picture):
    enrol("Ada", 1)
    answer = post(client, faces_picture(3), faces="all").json()
    sizes = [face["box"]["width"] for face in answer["faces"]]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)
    assert all(face["matches"][0]["person"] == "Ada" for face in answer["faces"])


def test_searching_stores_nothing(client, face_jpeg):
    post(client, face_jpeg)
    assert client.get("/gallery").json() == {"items": [], "next_cursor": None, "total": 0}


def test_detect_gives_boxes_and_for_a_photo_of_nobody_an_empty_list(client, face_jpeg, empty_jpeg):
    found = post(client, face_jpeg, "/detect").json()
    assert found["image"] == {"width": 320, "height": 320}
    assert found["faces"] == [
        {key: value for key, value in face.items() if key not in {"matches", "unknown"}}
        for face in post(client, face_jpeg).json()["faces"]
    ]
    assert post(client, empty_jpeg, "/detect").json()["faces"] == []


def test_embed_gives_unit_vectors_that_the_pipeline_gives_too(client, face_jpeg):
    answer = post(client, face_jpeg, "/embed").json()
    [only] = answer["embeddings"]
    pipeline = client.app.state.resources.pipeline
    assert isinstance(pipeline, Pipeline)
    expected = pipeline.embed(face_jpeg).faces[0].embedding
    np.testing.assert_allclose(only["embedding"], expected, atol=1e-6)
    assert np.linalg.norm(only["embedding"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("path", ["/search", "/embed"])
def test_a_photo_of_nobody_has_no_face(client, assert_problem, empty_jpeg, path):
    assert_problem(post(client, empty_jpeg, path), "no-face", 422)


def huge_png():
    """The header of a PNG of 50,000 x 50,000 px, and hardly anything behind it."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


@pytest.mark.parametrize("path", ["/search", "/detect", "/embed"])
def test_each_bad_input_gets_its_problem(start, assert_problem, face_jpeg, path):
    client = start(max_bytes=100_000, max_request_bytes=150_000)
    cases = [
        (post(client, b"just some text", path), "bad-image", 422),
        (post(client, face_jpeg[: len(face_jpeg) // 2], path), "bad-image", 422),
        (post(client, b"", path), "bad-image", 422),
        (client.post(path, content=b"", headers={"Content-Type": "image/png"}), "bad-image", 422),
        (post(client, huge_png(), path), "too-large", 413),
        (post(client, b"\xff" * 100_001, path), "too-large", 413),
        (post(client, b"\xff" * 200_000, path), "too-large", 413),
        (client.post(path, files=[("image", face_jpeg)] * 2), "too-large", 413),
        (client.post(path), "unsupported-media-type", 415),
        (client.post(path, json={}), "unsupported-media-type", 415),
        (client.post(path, files={"picture": face_jpeg}), "validation", 422),
        (client.post(path, data={"image": "x"}, files={"person": b"x"}), "validation", 422),
    ]
    for answer, slug, status in cases:
        assert_problem(answer, slug, status)
    assert client.get("/info").json()["gallery"]["faces"] == 0


def test_a_body_of_unknown_length_is_limited_while_it_streams(start, assert_problem):
    client = start(max_bytes=10_000, max_request_bytes=20_000)

    def pieces():
        for _ in range(1000):
            yield b"\xff" * 1000

    answer = client.post("/search", content=pieces(), headers={"Content-Type": "image/jpeg"})
    assert_problem(answer, "too-large", 413)


def test_a_greyscale_png_is_searched(client, make_face):
    grey = PillowImage.fromarray(make_face(1)).convert("L")
    assert len(post(client, saved(grey, "PNG")).json()["faces"]) == 1


def test_a_heic_photo_is_searched(client, make_face):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(PillowImage.fromarray(make_face(1))).save(file, quality=90)
    assert len(post(client, file.getvalue()).json()["faces"]) == 1


@pytest.mark.slow
def test_a_phone_photo_of_12_megapixels_is_turned_upright(client, make_face):
    upright = PillowImage.new("RGB", (3000, 4000), (150, 160, 170))
    upright.paste(PillowImage.fromarray(make_face(1, size_px=1200)), (900, 500))
    lying = upright.transpose(PillowImage.Transpose.ROTATE_90)
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    answer = post(client, saved(lying, "JPEG", exif=exif, quality=90)).json()
    assert answer["image"] == {"width": 3000, "height": 4000}
    box = answer["faces"][0]["box"]
    centre = (box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
    assert 1200 < centre[0] < 1800
    assert 700 < centre[1] < 1500


@pytest.mark.slow
def test_of_thirty_faces_at_least_27_are_found(client, enrol, faces_picture):
    enrol("Ada", 1)
    answer = post(client, faces_picture(30), faces="all").json()
    assert len(answer["faces"]) >= 27


def test_beyond_the_queue_searches_are_refused_at_once_and_the_accepted_ones_answered(
    start, assert_problem, face_jpeg
):
    client = start(workers=1, queue=2)
    gallery = client.app.state.resources.gallery
    gate, asked = threading.Event(), []
    search = gallery.search

    def wait_and_search(*args, **kwargs):
        asked.append(1)
        assert gate.wait(30)
        return search(*args, **kwargs)

    gallery.search = wait_and_search
    work = client.app.state.resources.work
    with ThreadPoolExecutor(3) as clients:
        accepted = [clients.submit(post, client, face_jpeg) for _ in range(3)]
        wait_until(lambda: work.running + work.waiting == 3 and bool(asked))
        for _ in range(3):
            refused = post(client, face_jpeg)
            assert_problem(refused, "overloaded", 503)
            assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/health/live").status_code == 200
        gate.set()
        assert [answer.result().status_code for answer in accepted] == [200] * 3


def test_under_a_root_path_crops_are_named_with_it(start, face_jpeg):
    client = start()
    client.post("/gallery", data={"person": "Ada"}, files={"images": face_jpeg})
    from starlette.testclient import TestClient

    behind_proxy = TestClient(client.app, base_url="http://localhost", root_path="/faces")
    [face] = post(behind_proxy, face_jpeg).json()["faces"]
    assert face["matches"][0]["crop"].startswith("/faces/gallery/")
