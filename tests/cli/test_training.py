"""The verbs of the offline job, from photos to figures."""

import inspect
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

import samples
from cli import training
from cli.main import app
from faces.card import load_card
from training.config import TrainConfig

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
def test_photos_become_an_encoder(people, tmp_path):
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


@pytest.mark.slow
def test_two_processes_of_torchrun_train_one_encoder(people, tmp_path):
    """The command of docs/training.md; without `--` torchrun takes `--run` for one of its own."""
    folder = tmp_path / "runs" / "both"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "--"]
    told = ["cli.main", "train", people, "--run", folder, "--device", "cpu", *COMMON]
    done = subprocess.run(
        [*command, *map(str, told)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done: ") == 1  # one of the two speaks
    assert (folder / "checkpoint-0001.safetensors").is_file()


def test_what_a_user_can_mend_is_one_line_and_status_1(tmp_path):
    missing = run("train", tmp_path / "absent")
    assert missing.exit_code == 1
    assert missing.output == f"lookalike: {tmp_path / 'absent'} is not a folder and no tar file\n"
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


@pytest.mark.parametrize("verb", [["train"], ["export"]])
def test_each_verb_shows_an_example(verb):
    assert "Example" in run(*verb, "--help").output


def test_settings_come_from_a_recipe_and_options_go_before_it(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        "cli.training._load", lambda config, *_: asked.append(config) or (None, None)
    )
    monkeypatch.setattr("training.loop.train", lambda *_arguments, **_named: None)
    recipe = tmp_path / "mine.toml"
    recipe.write_text('objective = "supcon"\nepochs = 9\nwithin_source = false\n')
    answer = run("train", tmp_path, "--recipe", recipe, "--epochs", 3, "--stem", "small")
    assert answer.exit_code == 0, answer.output
    (config,) = asked
    assert (config.objective, config.epochs, config.stem) == ("supcon", 3, "small")
    assert (config.within_source, config.sources) == (False, (str(tmp_path),))


def test_each_setting_is_an_option_with_its_meaning_and_default():
    options = inspect.signature(training.train).parameters
    for item in fields(TrainConfig):
        if item.name != "sources":
            _kind, option = get_args(options[item.name].annotation)
            assert option.help == item.metadata["help"]
            assert option.show_default == (str(item.default) or "none")


def test_ctrl_c_says_how_to_go_on(monkeypatch, tmp_path):
    def interrupted(*_arguments, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.training._load", lambda *_: (None, None))
    monkeypatch.setattr("training.loop.train", interrupted)
    answer = run("train", tmp_path, "--run", tmp_path / "run")
    assert answer.exit_code == 130
    assert "the same command goes on from there" in answer.output
