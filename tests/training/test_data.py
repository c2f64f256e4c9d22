"""Training data: photos of any source become crops, once."""

import csv
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from faces.errors import BadSource
from faces.types import Box, DetectedFace
from training.config import TrainConfig
from training.data import UNLABELLED, cached_size, load_training_data, load_validation_data
from training.errors import BadConfig, BadTrainingData


class FixedDetector:
    """Finds the same box everywhere, or nothing."""

    def __init__(self, box: Box | None = None) -> None:
        self.box = box
        self.calls = 0

    def detect(self, image: np.ndarray, *, only_largest: bool = False) -> list[DetectedFace]:
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


def write_manifest(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A manifest whose photos are 60 px squares, each of its own shade: 10, 20, 30, ..."""
    folder.mkdir()
    with tarfile.open(folder / "a-000.tar", "w") as tar:
        for number, row in enumerate(rows, start=1):
            file = io.BytesIO()
            PillowImage.new("RGB", (60, 60), (number * 10,) * 3).save(file, "PNG")
            member = tarfile.TarInfo(row["path"])
            member.size = file.tell()
            file.seek(0)
            tar.addfile(member, file)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*columns, "shard"], restval="")
        writer.writeheader()
        writer.writerows({**row, "shard": "a-000.tar"} for row in rows)
    return folder


def shades(data) -> list[int]:
    side = data.crops.shape[1]
    return data.crops[:, side // 2, side // 2, 0].tolist()


def people_of(data) -> list[str]:
    return [data.people_names[person] for person in data.people]


@pytest.fixture
def manifest(tmp_path) -> Path:
    rows = [
        {"path": "1.png", "identity": "ann", "split": "train"},
        {"path": "2.png", "identity": "bo", "split": "val"},
        {"path": "3.png", "identity": "cy", "split": "test"},
        {"path": "4.png", "identity": "ann", "split": "train", "outlier": "blank"},
        {"path": "5.png", "identity": "bo", "split": "val"},
        {"path": "6.png", "identity": "", "split": "train"},
    ]
    return write_manifest(tmp_path / "set", rows)


def test_rows_of_another_split_and_flagged_ones_are_left_out_and_counted(manifest, tmp_path):
    data = load_training_data(config(manifest), FixedDetector(Box(0, 0, 60, 60)), tmp_path / "c")
    assert shades(data) == [10, 60]
    assert list(data.names) == ["1.png", "6.png"]
    assert data.people.tolist() == [0, UNLABELLED]
    assert data.people_names == ("ann",)
    assert data.report == {
        "box from detector": 2,
        "left out: another split than train": 3,
        "left out: flagged as outlier": 1,
    }


def test_rows_of_the_split_val_are_for_validation(manifest, tmp_path):
    detector = FixedDetector(Box(0, 0, 60, 60))
    data = load_validation_data(config(manifest), detector, tmp_path / "c")
    assert shades(data) == [20, 50]
    assert people_of(data) == ["bo", "bo"]


def test_held_out_people_are_in_validation_and_not_in_training(photos, tmp_path):
    settings = config(photos, val_share=0.34)
    detector = FixedDetector(Box(5, 5, 60, 60))
    train = load_training_data(settings, detector, tmp_path / "c")
    val = load_validation_data(settings, detector, tmp_path / "c")
    assert len(set(people_of(val))) == 1
    assert set(people_of(train)).isdisjoint(people_of(val))
    assert {*people_of(train), *people_of(val)} == {"ann", "bo", "cy"}
    assert train.report["left out: held out for validation"] == len(val) + sum(
        "dropped" in how for how in val.report
    )


def test_without_a_validation_part_there_is_none(photos, tmp_path):
    assert load_validation_data(config(photos), FixedDetector(), tmp_path / "c") is None


def test_a_missing_shard_is_an_error_before_anything_is_cropped(manifest, tmp_path):
    (manifest / "a-000.tar").unlink()
    detector = FixedDetector()
    with pytest.raises(BadSource, match=r"a-000\.tar is missing; the manifest has 2 photos in it"):
        load_training_data(config(manifest), detector, tmp_path / "c")
    assert detector.calls == 0


def test_a_member_missing_from_its_shard_is_counted(manifest, tmp_path):
    text = (manifest / "manifest.csv").read_text()
    (manifest / "manifest.csv").write_text(text.replace("1.png", "one.png"))
    data = load_training_data(config(manifest), FixedDetector(), tmp_path / "c")
    assert data.report["dropped: BadSource"] == 1
    assert shades(data) == [60]


def test_what_is_known_of_the_face_decides_the_crop_and_is_part_of_the_key(tmp_path):
    rows = [{"path": "1.png", "identity": "ann", "box_x0": "0", "box_y0": "0", "box_x1": "20",
             "box_y1": "20"}]  # fmt: skip
    folder = write_manifest(tmp_path / "set", rows)
    first = load_training_data(config(folder), FixedDetector(), tmp_path / "c")
    assert first.report == {"box from the manifest": 1}
    text = (folder / "manifest.csv").read_text()
    (folder / "manifest.csv").write_text(text.replace(",20,20,", ",60,60,"))
    again = load_training_data(config(folder), FixedDetector(), tmp_path / "c")
    assert not np.array_equal(first.crops, again.crops)


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 0), ("batch", 1), ("temperature", 0), ("crop_margin", 0.9), ("objective", "x"),
     ("warmup", 1), ("size_px", 8), ("learning_rate", 0), ("sources", ())],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_name(key, value):
    with pytest.raises(BadConfig, match=key):
        TrainConfig(**{"sources": ("photos",), key: value})
