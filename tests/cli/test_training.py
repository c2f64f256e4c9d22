"""The verbs of the offline job, from photos to figures."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import samples
from cli.main import app
from faces.card import load_card

COMMON = ["--size-px", "32", "--batch", "4", "--epochs", "1", "--threads", "1"]


@pytest.fixture
def people(tmp_path) -> Path:
    """Four sample people, three photos each."""
    folder = tmp_path / "people"
    for person in sorted(item for item in samples.people_folder().iterdir() if item.is_dir())[:4]:
        shutil.copytree(person, folder / person.name)
    return folder


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_photos_become_an_encoder_that_can_be_measured(people, tmp_path):
    folder = tmp_path / "runs" / "mine"
    trained = run("train", people, "--run", folder, "--objective", "same-person", *COMMON)
    assert trained.exit_code == 0, trained.output
    assert "12 faces to train on" in trained.output
    assert "epoch 1 step 3/3" in trained.output
    again = run("train", people, "--run", folder, "--objective", "same-person", *COMMON)
    assert again.exit_code == 0
    assert "epoch 1" not in again.output  # all its epochs are done

    encoder = tmp_path / "encoders" / "mine"
    exported = run("export", "--run", folder, "--to", encoder)
    assert exported.exit_code == 0, exported.output
    assert load_card(encoder).name == "mine"

    saved = tmp_path / "figures.json"
    measured = run(
        "evaluate", "retrieval", people, "--encoder", encoder, "--save", saved, "--record"
    )
    assert measured.exit_code == 0, measured.output
    assert "12 probes of 4 people" in measured.output
    figures = json.loads(saved.read_text())
    recorded = load_card(encoder).metrics["retrieval"]
    assert recorded["hit@1"] == figures["mine"]["hit@1"]
    assert list(figures) == ["mine", "random weights", "eigenfaces (PCA)"]
    for values in figures.values():
        assert 0 <= values["hit@1"] <= values["hit@9"] <= 1
        assert values["precision@9"] <= values["ceiling of precision@9"] == pytest.approx(2 / 9)


def test_what_a_user_can_mend_is_one_line_and_status_1(tmp_path):
    missing = run("train", tmp_path / "absent")
    assert missing.exit_code == 1
    assert missing.output == f"lookalike: {tmp_path / 'absent'} is not a folder\n"
    no_run = run("export", "--run", tmp_path, "--to", tmp_path / "out")
    assert no_run.exit_code == 1
    assert "is not a training run" in no_run.output
    bad = run("train", tmp_path, "--run", tmp_path / "run", "--batch", 1)
    assert bad.output == "lookalike: batch = 1 is out of range\n"


def test_without_the_training_packages_the_extra_is_named(monkeypatch, tmp_path):
    for name in list(sys.modules):
        if name.startswith("training"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = run("export", "--run", tmp_path, "--to", tmp_path / "out")
    assert answer.exit_code == 1
    assert "install the extra `train`" in answer.output


@pytest.mark.parametrize("verb", [["train"], ["export"], ["evaluate", "retrieval"]])
def test_each_verb_shows_an_example(verb):
    assert "Example" in run(*verb, "--help").output
