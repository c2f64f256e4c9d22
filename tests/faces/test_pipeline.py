"""From bytes to embeddings, with a fake detector where the faces must be known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces.alignment import align_face, context_crop, crop_face, mean_landmarks
from faces.decode import Limits, decode_image
from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.errors import BadImage, ImageTooLarge, NoFace, SeveralFaces
from faces.jpeg import encode_jpeg
from faces.pipeline import Pipeline
from faces.types import Box, DetectedFace, Image, five_points

BIG = DetectedFace(Box(20, 30, 120, 120), 0.9)
SMALL = DetectedFace(Box(180, 40, 60, 60), 0.8)


class FakeDetector:
    """Finds what it was told to find."""

    def __init__(self, *faces: DetectedFace) -> None:
        self.faces = list(faces)

    def detect(self, image: Image, *, only_largest: bool = False) -> list[DetectedFace]:
        return self.faces


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> OnnxEncoder:
    return OnnxEncoder(tiny_encoder, device="cpu", threads=1)


def test_the_embedding_is_that_of_the_crop_which_the_card_asks_for(
    encoder: OnnxEncoder, face_jpeg: bytes
) -> None:
    photo = Pipeline(FakeDetector(BIG), encoder).embed(face_jpeg)
    crop = crop_face(decode_image(face_jpeg), BIG.box, margin=0.1, size_px=64)
    np.testing.assert_allclose(photo.faces[0].embedding, encoder.embed(crop[None])[0], atol=1e-6)
    assert photo.faces[0].face == BIG
    assert (photo.width_px, photo.height_px) == (320, 320)
    assert set(photo.timing_ms) == {"decode", "detect", "embed"}
    assert all(value >= 0 for value in photo.timing_ms.values())


def test_the_context_is_a_jpeg_of_twice_the_box(encoder: OnnxEncoder, face_jpeg: bytes) -> None:
    photo = Pipeline(FakeDetector(BIG), encoder).embed(face_jpeg)
    stored = decode_image(photo.faces[0].context)
    exact = context_crop(decode_image(face_jpeg), BIG.box)
    assert stored.shape == exact.shape == (240, 240, 3)
    assert np.abs(stored.astype(int) - exact.astype(int)).mean() < 4


@pytest.mark.parametrize(("which", "expected"), [("largest", [BIG]), ("all", [BIG, SMALL])])
def test_which_says_what_faces_count(
    encoder: OnnxEncoder, face_jpeg: bytes, which, expected
) -> None:
    photo = Pipeline(FakeDetector(BIG, SMALL), encoder).embed(face_jpeg, which)
    assert [item.face for item in photo.faces] == expected


def test_single_refuses_a_photo_with_two_faces(encoder: OnnxEncoder, face_jpeg: bytes) -> None:
    with pytest.raises(SeveralFaces, match="2 faces"):
        Pipeline(FakeDetector(BIG, SMALL), encoder).embed(face_jpeg, "single")


def test_single_takes_a_photo_with_one_face(encoder: OnnxEncoder, face_jpeg: bytes) -> None:
    assert len(Pipeline(FakeDetector(SMALL), encoder).embed(face_jpeg, "single").faces) == 1


@pytest.mark.parametrize("which", ["largest", "all", "single"])
def test_a_photo_without_a_face_cannot_be_embedded(
    encoder: OnnxEncoder, empty_jpeg: bytes, which
) -> None:
    with pytest.raises(NoFace):
        Pipeline(HaarDetector(), encoder).embed(empty_jpeg, which)


def test_detecting_in_a_photo_without_a_face_finds_nothing(
    encoder: OnnxEncoder, empty_jpeg: bytes
) -> None:
    found = Pipeline(HaarDetector(), encoder).detect(empty_jpeg)
    assert found.faces == ()
    assert (found.width_px, found.height_px) == (320, 240)
    assert set(found.timing_ms) == {"decode", "detect"}


def test_limits_and_damage_are_reported_before_anything_is_looked_for(
    encoder: OnnxEncoder, face_jpeg: bytes
) -> None:
    pipeline = Pipeline(FakeDetector(BIG), encoder, Limits(max_pixels=1000))
    with pytest.raises(ImageTooLarge):
        pipeline.embed(face_jpeg)
    with pytest.raises(BadImage):
        pipeline.detect(b"not an image")


def test_the_same_bytes_give_the_same_embeddings(
    encoder: OnnxEncoder, faces_picture: Callable[[int], bytes]
) -> None:
    pipeline = Pipeline(HaarDetector(), encoder)
    first, second = (pipeline.embed(faces_picture(4), "all") for _ in range(2))
    assert [item.face for item in first.faces] == [item.face for item in second.faces]
    for one, other in zip(first.faces, second.faces, strict=True):
        np.testing.assert_array_equal(one.embedding, other.embedding)
        assert one.context == other.context


@pytest.fixture(scope="module")
def aligned(aligned_encoder: Path) -> OnnxEncoder:
    return OnnxEncoder(aligned_encoder, device="cpu", threads=1)


def test_a_face_with_landmarks_is_aligned_by_them_where_the_card_says_so(
    aligned: OnnxEncoder, face_jpeg: bytes
) -> None:
    points = mean_landmarks(BIG.box) + np.array([(3, 5), (-4, -2), (1, 0), (2, 2), (0, 3)])
    face = DetectedFace(BIG.box, 0.9, five_points(points))
    photo = Pipeline(FakeDetector(face), aligned).embed(face_jpeg)
    crop = align_face(decode_image(face_jpeg), points, margin=0.1, size_px=64)
    np.testing.assert_allclose(photo.faces[0].embedding, aligned.embed(crop[None])[0], atol=1e-3)


def test_a_face_without_landmarks_is_aligned_as_the_mean_face_of_its_box(
    aligned: OnnxEncoder, face_jpeg: bytes
) -> None:
    photo = Pipeline(FakeDetector(BIG), aligned).embed(face_jpeg)
    points = mean_landmarks(BIG.box)
    crop = align_face(decode_image(face_jpeg), points, margin=0.1, size_px=64)
    np.testing.assert_allclose(photo.faces[0].embedding, aligned.embed(crop[None])[0], atol=1e-6)


def test_landmarks_change_nothing_for_an_encoder_of_upright_crops(
    encoder: OnnxEncoder, face_jpeg: bytes
) -> None:
    with_landmarks = DetectedFace(BIG.box, 0.9, five_points(mean_landmarks(BIG.box) + 7))
    one, other = (
        Pipeline(FakeDetector(face), encoder).embed(face_jpeg) for face in (BIG, with_landmarks)
    )
    np.testing.assert_array_equal(one.faces[0].embedding, other.faces[0].embedding)


def test_a_stored_context_gives_about_the_same_embedding_again(
    encoder: OnnxEncoder, face_jpeg: bytes
) -> None:
    pipeline = Pipeline(FakeDetector(BIG, SMALL), encoder)
    photo = pipeline.embed(face_jpeg, "all")
    again = pipeline.embed_contexts([item.context for item in photo.faces])
    for item, embedding in zip(photo.faces, again, strict=True):
        assert item.embedding @ embedding > 0.99


def test_landmarks_are_looked_for_again_in_a_stored_context(aligned: OnnxEncoder) -> None:
    # a bright disc is what the tiny network takes for a face; this one is off the box's middle
    y, x = np.mgrid[:200, :200]
    inside = (x - 110) ** 2 + (y - 95) ** 2 < 20**2
    photo = np.where(inside[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    box = Box(60, 50, 90, 90)
    points = aligned.landmarks.locate(photo, [mean_landmarks(box)], least_score=0)[0].landmarks
    crop = align_face(photo, points, margin=0.1, size_px=64)
    pipeline = Pipeline(FakeDetector(), aligned)
    found = pipeline.embed_contexts([encode_jpeg(context_crop(photo, box))])[0]
    assert found @ aligned.embed(crop[None])[0] > 0.99
    upright = align_face(photo, mean_landmarks(box), margin=0.1, size_px=64)
    assert found @ aligned.embed(upright[None])[0] < 0.98
