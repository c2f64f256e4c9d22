"""Faces are found where they are, whatever their size, and nothing is found where none are."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from faces.decode import decode_image
from faces.detection import HaarDetector
from faces.types import Box, DetectedFace, Image, largest
from samples import people_folder
from samples.generator import landmarks, make_person, render


@pytest.fixture(scope="module")
def detector() -> HaarDetector:
    return HaarDetector()


@pytest.fixture(scope="module")
def portrait() -> Image:
    """Person 3 on 320 x 320 px."""
    return render(make_person(3), size_px=320)


@pytest.fixture(scope="module")
def face() -> Box:
    """Where the face of `portrait` is."""
    box = landmarks(make_person(3), size_px=320).box
    return Box(round(box.left), round(box.top), round(box.width), round(box.height))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, counted pixel by pixel."""
    canvas = np.zeros((4000, 4000), np.uint8)
    for box in (one, other):
        canvas[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    return float((canvas == 2).sum() / (canvas > 0).sum())


def test_a_portrait_has_one_face_where_it_was_painted(
    detector: HaarDetector, portrait: Image, face: Box
) -> None:
    faces = detector.detect(portrait)
    assert len(faces) == 1
    assert overlap(faces[0].box, face) > 0.5
    assert 0.5 < faces[0].confidence <= 1


@pytest.mark.parametrize("size_px", [60, 160, 640, 1500])
def test_a_face_is_found_at_any_size(
    detector: HaarDetector, portrait: Image, face: Box, size_px: int
) -> None:
    scale = size_px / 320
    resized = cv2.resize(portrait, (size_px, size_px), interpolation=cv2.INTER_AREA)
    faces = detector.detect(np.asarray(resized, np.uint8))
    assert len(faces) == 1
    expected = Box(*(round(scale * v) for v in (face.left, face.top, face.width, face.height)))
    assert overlap(faces[0].box, expected) > 0.5


def test_a_small_face_in_a_large_photo_is_found(
    detector: HaarDetector, portrait: Image, face: Box
) -> None:
    photo = np.full((3000, 4000, 3), 120, np.uint8)
    photo[1000:1320, 2000:2320] = portrait
    faces = detector.detect(photo)
    assert len(faces) == 1
    expected = Box(face.left + 2000, face.top + 1000, face.width, face.height)
    assert overlap(faces[0].box, expected) > 0.5


def test_a_face_that_fills_the_photo_is_found(
    detector: HaarDetector, portrait: Image, face: Box
) -> None:
    close = portrait[face.top : face.top + face.height, face.left : face.left + face.width]
    faces = detector.detect(close)
    assert len(faces) == 1
    assert overlap(faces[0].box, Box(0, 0, face.width, face.height)) > 0.5


def test_nothing_is_found_on_a_blank_image(detector: HaarDetector) -> None:
    for shape in ((240, 320, 3), (1, 1, 3), (1, 900, 3), (5000, 2, 3)):
        assert detector.detect(np.full(shape, 90, np.uint8)) == []


def test_nothing_is_found_in_noise(detector: HaarDetector) -> None:
    rng = np.random.default_rng(5)
    assert detector.detect(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)) == []


def test_at_least_27_of_30_faces_in_one_picture_are_found(detector: HaarDetector) -> None:
    side, columns, rows = 160, 6, 5
    pictures = sorted(people_folder().glob("*/*.jpg"))[: columns * rows]
    grid = np.zeros((rows * side, columns * side, 3), np.uint8)
    for place, path in enumerate(pictures):
        top, left = side * (place // columns), side * (place % columns)
        picture = decode_image(path.read_bytes())
        tile = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        grid[top : top + side, left : left + side] = tile
    faces = detector.detect(grid)
    centres = [
        (
            (face.box.top + face.box.height // 2) // side,
            (face.box.left + face.box.width // 2) // side,
        )
        for face in faces
    ]
    assert len(set(centres)) >= 27
    assert len(faces) <= 33


def test_faces_come_largest_first_and_lie_within_the_image(
    detector: HaarDetector, portrait: Image
) -> None:
    picture = np.full((320, 640, 3), 128, np.uint8)
    picture[:160, :160] = cv2.resize(portrait, (160, 160), interpolation=cv2.INTER_AREA)
    picture[:, 320:] = portrait
    faces = detector.detect(picture)
    assert len(faces) == 2
    assert faces[0].box.area > faces[1].box.area
    assert largest(faces) == faces[0]
    for face in faces:
        assert face.box.left >= 0
        assert face.box.top >= 0
        assert face.box.left + face.box.width <= 640
        assert face.box.top + face.box.height <= 320


def test_detection_leaves_the_image_as_it_was(detector: HaarDetector, portrait: Image) -> None:
    before = portrait.copy()
    detector.detect(portrait)
    np.testing.assert_array_equal(portrait, before)


def test_threads_that_share_a_detector_find_what_one_thread_finds(
    detector: HaarDetector, portrait: Image
) -> None:
    images = [np.roll(portrait, shift, axis=1) for shift in range(0, 80, 10)]
    alone = [HaarDetector().detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, images))
    assert together == alone


def test_a_higher_threshold_finds_no_more_faces(portrait: Image) -> None:
    low, high = (
        HaarDetector(threshold, close_threshold=threshold).detect(portrait)
        for threshold in (0.05, 0.6)
    )
    assert {face.box for face in high} <= {face.box for face in low}
    assert high
    assert all(face.confidence >= 0.6 for face in high)


def test_a_photo_of_twelve_megapixels_stored_turned_is_handled(
    detector: HaarDetector, portrait: Image
) -> None:
    photo = np.full((4000, 3000, 3), 150, np.uint8)
    photo[600:2600, 500:2500] = cv2.resize(portrait, (2000, 2000))
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(np.rot90(photo))).save(file, "JPEG", exif=exif)
    faces = detector.detect(decode_image(file.getvalue()))
    assert len(faces) == 1
    assert 900 < faces[0].box.left + faces[0].box.width / 2 < 2100


def test_the_sample_people_are_found(detector: HaarDetector, make_face: Callable) -> None:
    found: list[list[DetectedFace]] = [detector.detect(make_face(seed)) for seed in range(1, 9)]
    assert sum(len(faces) == 1 for faces in found) >= 7
