"""Preparation as a whole: a data set becomes shards, a manifest and a report."""

import csv
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from faces.decode import decode_image
from faces.sources import open_source
from faces.types import Box, DetectedFace
from tests.training.data_sets import FixedDetector, photo, write_people
from training.config import TrainConfig
from training.data import load_training_data, load_validation_data
from training.errors import BadConfig, BadTrainingData
from training.framing import BOX_COLUMNS, LANDMARK_COLUMNS, Framing
from training.preparation import shards
from training.preparation.prepare import Preparation, prepare
from training.preparation.readers import open_reader
from training.preparation.selection import Selection

DETECTOR = FixedDetector(DetectedFace(Box(10, 20, 40, 40), 0.9))
PLAIN = Preparation(Selection("photos", min_images=2, seed=1), Framing("box", 0.25, 48))


def rows_of(folder: Path, name: str = "manifest.csv") -> list[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(source: Path, to: Path, preparation: Preparation = PLAIN, detector=DETECTOR, **options):
    return prepare(open_reader(source), detector, preparation, to, workers=2, **options)


@pytest.fixture
def people(tmp_path) -> Path:
    """Three people with 10, 5 and 1 photos, one of them damaged, one there twice."""
    folder = write_people(tmp_path / "people", {"ann": 10, "bo": 5, "cy": 1})
    (folder / "ann" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (folder / "bo" / "1.png").write_bytes((folder / "bo" / "0.png").read_bytes())
    return folder


def test_a_folder_of_people_becomes_a_folder_to_train_on(people, tmp_path):
    report = run(people, tmp_path / "out")
    assert report.listed == 16
    assert report.prepared == 14
    assert report.dropped == {
        "too few photos of the person": 1,
        "no whole image of an accepted format": 1,
    }
    assert report.near_duplicates == 1
    assert report.found == {"box from detector": 14}
    rows = rows_of(tmp_path / "out")
    assert [row["source_file"] for row in rows[:3]] == ["ann/0.png", "ann/1.png", "ann/2.png"]
    assert {row["near_dup_of"] for row in rows} == {"", rows[9]["path"]}
    assert {
        row["source_file"]: row["reason"] for row in rows_of(tmp_path / "out", "dropped.csv")
    } == {
        "cy/0.png": "too few photos of the person",
        "ann/3.png": "no whole image of an accepted format",
    }
    assert json.loads((tmp_path / "out" / "report.json").read_text())["prepared"] == 14
    config = TrainConfig((str(tmp_path / "out"),), size_px=32, batch=2)
    data = load_training_data(config, FixedDetector(), tmp_path / "cache")
    assert data.report["box from the manifest"] == len(data) == report.splits["train"]["photos"]
    assert data.people_names == ("ann", "bo")
    val = load_validation_data(config, FixedDetector(), tmp_path / "cache")
    assert len(val) == report.splits["val"]["photos"] == 1


def test_crops_are_those_of_the_faces_room_and_know_where_the_face_lies(people, tmp_path):
    run(people, tmp_path / "out")
    row = rows_of(tmp_path / "out")[0]
    # Box of 40 px with a quarter of it on each side, scaled from 60 to 48 px.
    assert [float(row[column]) for column in BOX_COLUMNS] == [8, 8, 40, 40]
    crop = decode_image(next(iter(open_source(tmp_path / "out"))).read())
    assert crop.shape == (48, 48, 3)
    whole = decode_image((people / "ann" / "0.png").read_bytes())
    expected = whole[10:70, 0:60].astype(float).mean(axis=(0, 1))
    assert np.abs(crop.astype(float).mean(axis=(0, 1)) - expected).max() < 3


def test_a_killed_preparation_goes_on_and_ends_like_an_undisturbed_one(
    people, tmp_path, monkeypatch
):
    monkeypatch.setattr(shards, "SHARD_ROWS", 4)

    class Killed(BaseException):
        pass

    def kill(stage: str, done: int, _total: int | None) -> None:
        if stage == "cropped" and done == 6:
            raise Killed

    run(people, tmp_path / "whole" / "out")
    with pytest.raises(Killed):
        run(people, tmp_path / "cut" / "out", progress=kill)
    assert not (tmp_path / "cut" / "out" / "manifest.csv").exists()
    first = tmp_path / "cut" / "out" / "out-00000.tar"
    written = first.stat().st_mtime_ns
    report = run(people, tmp_path / "cut" / "out")
    assert first.stat().st_mtime_ns == written
    assert report.cropped == 15 - 4
    whole, cut = (sorted((tmp_path / name / "out").iterdir()) for name in ("whole", "cut"))
    assert [path.name for path in whole] == [path.name for path in cut]
    for a, b in zip(whole, cut, strict=True):
        if a.suffix == ".tar" or a.name in {"manifest.csv", "dropped.csv"}:
            assert a.read_bytes() == b.read_bytes(), a.name


def test_a_finished_preparation_is_not_done_again(people, tmp_path):
    first = run(people, tmp_path / "out")
    broken = FixedDetector()
    again = run(people, tmp_path / "out", detector=broken)
    assert again == first


def test_other_settings_and_strange_folders_are_refused(people, tmp_path):
    run(people, tmp_path / "out")
    other = Preparation(Selection("photos", min_images=3), Framing("box", 0.25, 48))
    with pytest.raises(BadConfig, match="was prepared with selection"):
        run(people, tmp_path / "out", other)
    with pytest.raises(BadConfig, match="not empty"):
        run(people, people)


def test_nothing_left_is_an_error_that_says_where_to_look(people, tmp_path):
    with pytest.raises(BadTrainingData, match=r"plan-dropped\.csv says why"):
        run(
            people, tmp_path / "out", Preparation(Selection("photos", min_images=99), PLAIN.framing)
        )


def test_photos_without_a_face_are_dropped_or_give_their_middle(people, tmp_path):
    dropped = run(people, tmp_path / "a", detector=FixedDetector())
    assert dropped.dropped["no face was found"] == 14
    assert dropped.prepared == 0
    middle = Preparation(PLAIN.selection, PLAIN.framing, "middle")
    kept = run(people, tmp_path / "b", middle, detector=FixedDetector())
    assert kept.found == {"box is the middle of the photo": 14}


def test_flagged_crops_are_in_the_manifest_but_not_trained_on(people, tmp_path):
    (people / "bo" / "2.png").write_bytes(photo(0, plain=True))
    (people / "bo" / "4.png").write_bytes((people / "ann" / "0.png").read_bytes())
    report = run(people, tmp_path / "out", Preparation(Selection("given"), PLAIN.framing))
    assert report.flagged == {"blank": 1, "under two names": 2}
    config = TrainConfig((str(tmp_path / "out"),), size_px=32, batch=2)
    data = load_training_data(config, FixedDetector(), tmp_path / "cache")
    assert data.report["left out: flagged as outlier"] == 3
    assert report.single == 1


def test_an_aligned_outcome_keeps_its_landmarks_so_that_it_can_be_aligned_again(tmp_path):
    people = write_people(tmp_path / "people", {"ann": 1, "bo": 1})
    points = ((25.0, 30.0), (45.0, 33.0), (34.0, 42.0), (26.0, 50.0), (42.0, 52.0))
    detector = FixedDetector(DetectedFace(Box(10, 20, 40, 40), 0.9, landmarks=points))
    aligned = Preparation(Selection("people"), Framing("landmarks", 0.25, 96))
    report = run(people, tmp_path / "out", aligned, detector=detector)
    assert report.found == {"aligned by landmarks from the detector": 2}
    row = rows_of(tmp_path / "out")[0]
    assert row["box_x0"] == ""
    left, right = (float(row[f"{point}_y"]) for point in ("le", "re"))
    assert abs(left - right) < 3  # it was turned until the eyes were level
    config = TrainConfig((str(tmp_path / "out"),), size_px=32, batch=2, alignment="landmarks")
    data = load_training_data(config, FixedDetector(), tmp_path / "cache")
    assert data.report == {"aligned by landmarks": 2}
    assert all(row[column] for column in LANDMARK_COLUMNS)


def test_a_prepared_folder_can_be_prepared_again(people, tmp_path):
    run(people, tmp_path / "out")
    report = run(
        tmp_path / "out", tmp_path / "again", Preparation(Selection("given"), PLAIN.framing)
    )
    assert report.found == {"box from the manifest": 14}
    first, second = rows_of(tmp_path / "out"), rows_of(tmp_path / "again")
    assert [row["split"] for row in first] == [row["split"] for row in second]


def test_a_missing_shard_is_counted_photo_by_photo(people, tmp_path):
    run(people, tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "out-00000.tar") as tar:
        assert len(tar.getnames()) == 14
    (tmp_path / "out" / "out-00000.tar").unlink()
    report = run(
        tmp_path / "out", tmp_path / "again", Preparation(Selection("given"), PLAIN.framing)
    )
    assert report.dropped == {"the file or shard cannot be read": 14}
