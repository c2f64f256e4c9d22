"""The verbs of photos to train on."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import samples
from cli.main import app
from tests.training.data_sets import write_people


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def people(tmp_path) -> Path:
    """Three sample people with a photo each."""
    folder = tmp_path / "people"
    for person in sorted(item for item in samples.people_folder().iterdir() if item.is_dir())[:3]:
        (folder / person.name).mkdir(parents=True)
        shutil.copy(person / "1.jpg", folder / person.name)
    return folder


def test_a_data_set_is_prepared_and_its_report_printed(people, tmp_path):
    to = tmp_path / "out"
    done = run("data", "prepare", people, "--to", to, "--size-px", 64)
    assert done.exit_code == 0, done.output
    assert "3 photos listed, 3 prepared" in done.output
    assert "3  box from detector" in done.output
    assert "val: 1 photos of 1 people" in done.output
    assert f"lookalike train {to}" in done.output
    again = run("data", "prepare", people, "--to", to, "--size-px", 96)
    assert again.exit_code == 1
    assert "was prepared with framing" in again.output


def test_what_a_user_can_mend_is_one_line_and_status_1(tmp_path):
    write_people(tmp_path / "people", {"ann": 1})
    for arguments, told in (
        ((tmp_path / "absent", "--to", tmp_path / "a"), "is not a folder"),
        ((tmp_path / "people", "--to", tmp_path / "b", "--shares", 1, 1, 1), "shares = "),
        ((tmp_path / "people", "--to", tmp_path / "c", "--layout", "lfw"), "has no folder"),
        ((tmp_path / "people", "--to", tmp_path / "people"), "is not empty"),
    ):
        result = run("data", "prepare", *arguments)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("lookalike: ")
        assert told in result.stderr.splitlines()[-1]
        assert not result.stdout
