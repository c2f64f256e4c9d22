"""Framing: how the face of a training photo is found, and how it is cut."""

import numpy as np
import pytest

from faces.alignment import align_face, crop_face
from faces.types import Box, DetectedFace
from training.framing import (
    BOX_COLUMNS,
    LANDMARK_COLUMNS,
    Framing,
    Hints,
    box_from_landmarks,
    cut,
    find_face,
    middle_of,
    read_hints,
)

BOX = Box(10, 12, 50, 50)
LANDMARKS = np.array([(30, 30), (50, 32), (40, 42), (32, 52), (47, 53)], np.float32)
IMAGE = np.random.default_rng(0).integers(0, 255, (90, 80, 3), dtype=np.uint8)


class FixedDetector:
    """Finds the same faces everywhere."""

    def __init__(self, *faces: DetectedFace) -> None:
        self.faces = list(faces)

    def detect(self, _image: np.ndarray, *, only_largest: bool = False) -> list[DetectedFace]:
        return self.faces


SEEN = FixedDetector(DetectedFace(BOX, 0.9))
WITH_LANDMARKS = FixedDetector(
    DetectedFace(BOX, 0.9, landmarks=tuple((float(x), float(y)) for x, y in LANDMARKS))
)
NOTHING = FixedDetector()


@pytest.mark.parametrize(
    ("hints", "detector", "alignment", "how"),
    [
        (Hints(BOX, LANDMARKS), SEEN, "box", "box from the manifest"),
        (Hints(None, LANDMARKS), SEEN, "box", "box from landmarks"),
        (Hints(BOX, LANDMARKS), SEEN, "landmarks", "aligned by landmarks"),
        (Hints(BOX), WITH_LANDMARKS, "landmarks", "aligned by landmarks from the detector"),
        (Hints(BOX), SEEN, "landmarks", "no landmarks: box from the manifest"),
        (Hints(BOX), NOTHING, "landmarks", "no landmarks: box from the manifest"),
        (Hints(), SEEN, "landmarks", "no landmarks: box from detector"),
        (Hints(), WITH_LANDMARKS, "box", "box from detector"),
    ],
)
def test_what_the_manifest_says_comes_before_what_the_detector_finds(
    hints, detector, alignment, how
):
    face = find_face(IMAGE, hints, detector, alignment)
    assert face is not None
    assert face.how == how


def test_no_face_is_none_and_the_middle_of_the_photo_can_stand_for_it():
    assert find_face(IMAGE, Hints(), NOTHING, "box") is None
    assert middle_of(IMAGE).box == Box(0, 5, 80, 80)


def test_a_crop_is_upright_by_the_box_or_turned_by_the_landmarks():
    face = find_face(IMAGE, Hints(BOX, LANDMARKS), NOTHING, "box")
    assert face is not None
    upright = cut(IMAGE, face, Framing("box", 0.1, 32))
    assert np.array_equal(upright, crop_face(IMAGE, BOX, margin=0.1, size_px=32))
    aligned = cut(IMAGE, face, Framing("landmarks", 0.1, 32))
    assert np.array_equal(aligned, align_face(IMAGE, LANDMARKS, margin=0.1, size_px=32))


def test_landmarks_give_the_box_of_the_frontal_cascade():
    nose = (100, 100)
    points = [(81.5, 78.9), (118.5, 78.9), nose, (85, 118.3), (115, 118.3)]
    box = box_from_landmarks(np.array(points, np.float32))
    assert abs(box.width - 100) <= 1
    assert abs(box.left - 50) <= 1
    assert abs(box.top - 40) <= 1


def test_hints_come_from_whole_sets_of_columns_only():
    points = dict(zip(LANDMARK_COLUMNS, map(str, LANDMARKS.ravel()), strict=True))
    corners = dict(zip(BOX_COLUMNS, ("1.4", "2", "11", "13"), strict=True))
    hints = read_hints(points | corners)
    assert hints.box == Box(1, 2, 10, 11)
    assert np.array_equal(hints.landmarks, LANDMARKS)
    for broken in ({}, {**points, "le_x": ""}, {**points, "no_y": "?"}, {**corners, "box_x0": ""}):
        assert read_hints(broken).box is None
        assert read_hints(broken).landmarks is None


def test_landmarks_in_one_place_are_none():
    points = dict.fromkeys(LANDMARK_COLUMNS, "5")
    assert read_hints(points).landmarks is None
