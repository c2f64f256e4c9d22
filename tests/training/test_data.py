"""Training data: photos of any source become crops, once."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.types import Box, DetectedFace
from training.config import TrainConfig
from training.data import UNLABELLED, box_from_landmarks, cached_size, load_training_data
from training.errors import BadConfig, BadTrainingData


class FixedDetector:
    """Finds the same box everywhere, or nothing."""

    def __init__(self, box: Box | None = None) -> None:
        self.box = box
        self.calls = 0

    def detect(self, image: np.ndarray) -> list[DetectedFace]:
        self.calls += 1
        return [DetectedFace(self.box, 0.9)] if self.box else []


@pytest.fixture
def photos(tmp_path) -> Path:
    """Three people with two photos each, and a file that is no photo."""
    random = np.random.default_rng(0)
    for person in ("ann", "bo", "cy"):
        (tmp_path / "photos" / person).mkdir(parents=True)
        for number in range(2):
            pixels = random.integers(0, 255, (90, 80, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "photos" / person / f"{number}.png"), pixels)
    (tmp_path / "photos" / "cy" / "broken.jpg").write_bytes(b"no photo")
    return tmp_path / "photos"


def config(*sources: Path, **settings) -> TrainConfig:
    return TrainConfig(tuple(map(str, sources)), size_px=32, batch=2, **settings)


def test_photos_become_crops_with_people_and_a_report(photos, tmp_path):
    data = load_training_data(config(photos), FixedDetector(Box(5, 5, 60, 60)), tmp_path / "cache")
    assert data.crops.shape == (6, cached_size(32), cached_size(32), 3)
    assert data.people.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.sources.tolist() == [0] * 6
    assert data.report == {"box from detector": 6, "dropped: BadImage": 1}


def test_a_second_run_maps_the_same_crops_without_detecting_again(photos, tmp_path):
    detector = FixedDetector(Box(5, 5, 60, 60))
    first = load_training_data(config(photos), detector, tmp_path / "cache")
    calls = detector.calls
    again = load_training_data(config(photos, epochs=7), detector, tmp_path / "cache")
    assert detector.calls == calls
    assert np.array_equal(first.crops, again.crops)
    other = load_training_data(config(photos, crop_margin=0.3), detector, tmp_path / "cache")
    assert not np.array_equal(first.crops, other.crops)


def test_where_no_face_is_found_the_middle_of_the_photo_is_taken_and_counted(photos, tmp_path):
    data = load_training_data(config(photos), FixedDetector(), tmp_path / "cache")
    assert data.report["box is the middle of the photo"] == 6


def test_a_flat_folder_gives_unlabelled_crops(photos, tmp_path):
    data = load_training_data(config(photos / "ann"), FixedDetector(), tmp_path / "cache")
    assert data.people.tolist() == [UNLABELLED, UNLABELLED]


def test_each_photo_knows_its_source(photos, tmp_path):
    both = config(photos / "ann", photos / "bo")
    data = load_training_data(both, FixedDetector(), tmp_path / "cache")
    assert data.sources.tolist() == [0, 0, 1, 1]


def test_nothing_to_train_on_is_an_error(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(BadTrainingData, match="no photo to train on"):
        load_training_data(config(tmp_path / "photos"), FixedDetector(), tmp_path / "cache")


def test_landmarks_give_the_box_of_the_frontal_cascade():
    row = {"le_x": "81.5", "re_x": "118.5", "le_y": "78.9", "re_y": "78.9"}
    row |= {"ml_x": "85", "mr_x": "115", "ml_y": "118.3", "mr_y": "118.3"}
    box = box_from_landmarks(row)
    assert box is not None
    assert abs(box.width - 100) <= 1
    assert abs(box.left - 50) <= 1
    assert abs(box.top - 40) <= 1
    assert box_from_landmarks({**row, "le_x": ""}) is None
    assert box_from_landmarks({}) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 0), ("batch", 1), ("temperature", 0), ("crop_margin", 0.9), ("objective", "x"),
     ("warmup", 1), ("size_px", 8), ("learning_rate", 0), ("sources", ())],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_name(key, value):
    with pytest.raises(BadConfig, match=key):
        TrainConfig(**{"sources": ("photos",), key: value})
