"""Each study from the command to the report, on generated data."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from studies.catalogue import STUDIES


def run(*arguments: object):
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_runs_to_its_report(name, tmp_path):
    done = run(name, "--smoke", "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    html = (tmp_path / "out" / "report.html").read_text()
    assert len(html) < 400_000
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["study"] == name
    assert told["tables"][0]["rows"]
    assert told["differences"]
    again = run(name, "--smoke", "--to", tmp_path / "out")
    assert again.output.splitlines()[0] == "report"  # nothing is done twice


def test_a_wrong_path_and_a_wrong_name_are_told_in_one_line(tmp_path):
    lost = run("pairs-vs-triplets", "--data", tmp_path / "none", "--to", tmp_path / "out")
    assert lost.exit_code == 1
    assert "lookalike data download mnist" in lost.output
    unknown = run("triplets")
    assert unknown.exit_code == 1
    assert "there is no study triplets" in unknown.output
