"""The verbs that measure an encoder, on patterns that stand for people."""

import csv
import io
import json
import shutil
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from cli.main import app
from faces.calibration import read_calibration
from faces.card import load_card

FLOORS = ["random weights", "eigenfaces (PCA)", "HOG", "HOG, whitened"]
PEOPLE, PHOTOS = 12, 5
LANDMARKS = {"le": (28, 34), "re": (52, 34), "no": (40, 48), "ml": (30, 58), "mr": (50, 58)}


@pytest.fixture
def people(tmp_path) -> Path:
    """A manifest of 12 people with 5 photos; the landmarks in it spare the detector."""
    folder = tmp_path / "people"
    folder.mkdir()
    random = np.random.default_rng(0)
    rows = []
    with tarfile.open(folder / "people-000.tar", "w") as tar:
        for person in range(PEOPLE):
            pattern = random.integers(40, 216, (5, 5, 3))
            for photo in range(PHOTOS):
                blurred = pattern + random.integers(-30, 31, (5, 5, 3))
                picture = cv2.resize(blurred.astype(np.uint8), (80, 80))
                data = bytes(cv2.imencode(".png", picture)[1])
                member = tarfile.TarInfo(f"{person:02}/{photo}.png")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
                rows.append(row_of(member.name, f"person {person:02}", "fm"[person % 2]))
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def row_of(name: str, person: str, gender: str) -> dict[str, object]:
    points = {
        f"{point}_{axis}": value
        for point, place in LANDMARKS.items()
        for axis, value in zip("xy", place, strict=True)
    }
    shard = {"path": name, "shard": "people-000.tar"}
    return {**shard, "identity": person, "gender": gender, **points}


@pytest.fixture
def encoder(tmp_path, tiny_encoder) -> Path:
    """An encoder folder whose card may be written."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
@pytest.mark.timeout(1200)  # UMAP compiles itself: half a minute, on a busy machine ten
def test_an_encoder_is_measured_reported_and_recorded(people, encoder, tmp_path):
    report, sheets = tmp_path / "report", tmp_path / "sheets"
    pairs = tmp_path / "pairs.csv"
    same = "".join(f"{i:02}/0.png,{i:02}/1.png,1\n" for i in range(PEOPLE))
    cross = "".join(f"{i:02}/0.png,{(i + 1) % PEOPLE:02}/2.png,0\n" for i in range(PEOPLE))
    pairs.write_text(f"path_a,path_b,same\n{same}{cross}00/0.png,gone.png,0\n")
    arguments = ["--encoder", encoder, "--report", report, "--sheets", sheets, "--pairs", pairs]
    measured = run("evaluate", people, *arguments, "--record", "--threads", 1)
    assert measured.exit_code == 0, measured.output
    assert "60 photos of 12 people; no face found in 0; left out 0" in measured.output
    figures = json.loads((report / "evaluation.json").read_text())
    assert list(figures["embedders"]) == ["tiny-0", *FLOORS]
    own = figures["embedders"]["tiny-0"]
    assert own["given pairs"]["pairs of one person"] == 12
    assert own["given pairs"]["pairs left out"] == 1
    assert own["retrieval"]["ceiling of precision@9"] == pytest.approx(4 / 9)
    html = (report / "report.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "tiny-0 on people" in html
    assert "data:image/jpeg" not in html  # plots alone: no face leaves by a report
    assert "http" not in html.replace("http://www.w3.org", "")  # it needs nothing beside it
    assert len(list(sheets.glob("*.png"))) >= 2
    recorded = load_card(encoder).metrics["people"]
    assert recorded["retrieval"] == own["retrieval"]
    assert recorded["people"] == 12


def test_a_calibrated_card_tells_what_similarities_mean(people, encoder):
    done = run("calibrate", people, "--encoder", encoder, "--threads", 1)
    assert done.exit_code == 0, done.output
    assert "120 pairs of one person and 1650 of two, 12 people" in done.output
    assert "false-match rate" in done.output
    calibration = read_calibration(load_card(encoder).calibration)
    assert calibration.false_match_rate(1.0) < 0.01 < calibration.false_match_rate(0.0)


def test_too_few_people_leave_the_card_as_it_was(people, encoder):
    lines = (people / "manifest.csv").read_text().splitlines(keepends=True)
    (people / "manifest.csv").write_text("".join(lines[: 1 + 5 * PHOTOS]))
    few = run("calibrate", people, "--encoder", encoder, "--threads", 1)
    assert few.exit_code == 1
    assert "calibration needs 10 people" in few.output
    assert load_card(encoder).calibration is None


def test_without_labels_there_is_nothing_to_measure(tmp_path, encoder):
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "a.png").write_bytes(bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1]))
    answer = run("evaluate", flat, "--encoder", encoder, "--threads", 1)
    assert answer.exit_code == 1
    assert "nobody has two labelled photos among 0" in answer.output
    assert "'nobody is named': 1" in answer.output


@pytest.mark.parametrize("verb", ["evaluate", "calibrate"])
def test_each_verb_shows_an_example(verb):
    assert "Example" in run(verb, "--help").output
