"""Probes: what is left out, what is cropped, and that each is counted."""

import cv2
import numpy as np
import pytest

from faces.alignment import align_face, crop_face
from faces.card import InputSpec
from faces.sources import Photo
from faces.types import Box, DetectedFace
from training.errors import BadTrainingData
from training.evaluation.probes import age_group, load_probes

SPEC = InputSpec(size_px=32, mean=(0, 0, 0), std=(1, 1, 1), crop_margin=0.1)
POINTS = [(30, 30), (50, 30), (40, 42), (32, 52), (48, 52)]
LANDMARKS = {
    f"{point}_{axis}": str(value)
    for point, place in zip(("le", "re", "no", "ml", "mr"), POINTS, strict=True)
    for axis, value in zip("xy", place, strict=True)
}


def png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels[..., ::-1])[1])


def photo(name: str, person: str | None, data: bytes, **row: str) -> Photo:
    return Photo(name, person, row, lambda _place: data, name)


class TopLeftDetector:
    """Finds a face in every picture but the black ones."""

    def detect(self, image, *, only_largest=False):
        return [DetectedFace(Box(0, 0, 16, 16), 0.9)] if image.any() else []


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 255, (80, 80, 3), dtype=np.uint8)


BLACK = np.zeros((60, 80, 3), np.uint8)


def test_what_is_left_out_is_counted_by_reason(picture):
    data = png(picture)
    probes = load_probes(
        [
            photo("a1", "ann", data),
            photo("a2", "ann", data),
            photo("a3", "ann", b"no photo"),
            photo("a4", "ann", data, near_dup_of="a1"),
            photo("a5", "ann", data, label_issue="1"),
            photo("b1", "bo", data, label_issue="0"),
            photo("c1", None, data),
        ],
        TopLeftDetector(),
        SPEC,
        workers=2,
    )
    assert probes.photos == ("a1", "a2", "b1")
    assert probes.names == ("ann", "bo")
    assert probes.people.tolist() == [0, 0, 1]
    assert probes.left_out == {
        "near duplicate": 1,
        "label issue": 1,
        "nobody is named": 1,
        "cannot be decoded": 1,
    }
    assert probes.crops.shape == (3, 32, 32, 3)
    assert probes.groups == {}
    assert np.isnan(probes.landmarks).all()
    expected = crop_face(picture, Box(0, 0, 16, 16), margin=0.1, size_px=32)
    assert (probes.crops[0] == expected).all()


def test_a_photo_without_a_face_takes_the_fallback_and_is_counted(picture):
    photos = [photo("a1", "ann", png(picture)), photo("a2", "ann", png(BLACK))]
    probes = load_probes(photos, TopLeftDetector(), SPEC)
    assert probes.fallback.tolist() == [False, True]
    assert sum(probes.found.values()) == 2
    middle = crop_face(BLACK, Box(10, 0, 60, 60), margin=0.1, size_px=32)
    assert (probes.crops[1] == middle).all()


def test_landmarks_of_the_manifest_align_where_the_card_asks_for_it(picture):
    spec = InputSpec(32, (0, 0, 0), (1, 1, 1), 0.1, alignment="landmarks")
    photos = [photo(name, "ann", png(picture), **LANDMARKS) for name in "ab"]
    probes = load_probes(photos, TopLeftDetector(), spec)
    aligned = align_face(picture, np.array(POINTS, np.float32), margin=0.1, size_px=32)
    assert (probes.crops[0] == aligned).all()
    assert probes.landmarks[0].tolist() == [list(map(float, point)) for point in POINTS]
    by_box = load_probes(photos, TopLeftDetector(), SPEC)
    assert (by_box.crops[0] != aligned).any()


def test_the_detector_alone_decides_where_the_service_is_to_be_mirrored(picture):
    photos = [photo(name, "ann", png(picture), **LANDMARKS) for name in "ab"]
    probes = load_probes(photos, TopLeftDetector(), SPEC, faces_by="detector")
    expected = crop_face(picture, Box(0, 0, 16, 16), margin=0.1, size_px=32)
    assert (probes.crops[0] == expected).all()
    assert np.isfinite(probes.landmarks).all()  # pose is asked of the photo all the same


def test_groups_come_from_the_metadata(picture):
    data = png(picture)
    photos = [
        photo("1", "ann", data, gender="f", age="17.9"),
        photo("2", "ann", data, gender="f", age="61"),
        photo("3", "bo", data, gender="", age=""),
    ]
    groups = load_probes(photos, TopLeftDetector(), SPEC).groups
    assert groups["gender"].tolist() == ["f", "f", ""]
    assert groups["age group"].tolist() == ["under 18", "60 and over", ""]


@pytest.mark.parametrize(
    ("age", "group"),
    [
        ("18", "18 to 29"),
        ("44", "30 to 44"),
        ("59", "45 to 59"),
        ("-1", ""),
        ("x", ""),
        ("300", ""),
    ],
)
def test_ages_fall_into_groups(age, group):
    assert age_group(age) == group


def test_nothing_to_compare_is_an_error_that_says_why(picture):
    data = png(picture)
    with pytest.raises(BadTrainingData, match="nobody has two labelled photos among 1"):
        load_probes([photo("a", "ann", data)], TopLeftDetector(), SPEC)
    with pytest.raises(BadTrainingData, match="'nobody is named': 1"):
        load_probes([photo("a", None, data)], TopLeftDetector(), SPEC)
