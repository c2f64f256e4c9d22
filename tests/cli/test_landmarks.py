"""`lookalike landmarks`: what it tells, and what it refuses in one line."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.common import detector_for
from cli.main import app
from faces.card import load_card
from faces.confirmation import ConfirmingDetector
from faces.detection import HaarDetector


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["landmarks", *map(str, arguments)])


@pytest.fixture
def encoder(tiny_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def test_a_network_is_added_to_an_encoder(tiny_landmarks: Path, encoder: Path) -> None:
    result = run("add", tiny_landmarks, encoder)
    assert result.exit_code == 0, result.output
    assert "tiny-0 now confirms faces, alignment box" in result.stdout
    assert load_card(encoder).has_landmarks


def test_what_is_no_landmark_network_is_refused_and_the_encoder_left_as_it_was(
    encoder: Path,
) -> None:
    before = load_card(encoder)
    result = run("add", encoder / "encoder.onnx", encoder)
    assert result.exit_code == 1
    assert result.stderr.startswith("lookalike: ")
    assert "landmark network" in result.stderr
    assert load_card(encoder) == before


def test_photos_without_landmarks_cannot_be_trained_on(face_jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "photos" / "Ada").mkdir(parents=True)
    (tmp_path / "photos" / "Ada" / "1.jpg").write_bytes(face_jpeg)
    result = run(
        "train", tmp_path / "photos", "--to", tmp_path / "out.onnx", "--cache", tmp_path / "cache"
    )
    assert result.exit_code == 1
    assert "0 faces with landmarks" in result.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_crops_are_made_with_the_detector_that_the_encoder_is_served_with() -> None:
    assert type(detector_for("box")) is HaarDetector
    assert type(detector_for("landmarks")) is ConfirmingDetector
