"""`lookalike info`, and that the command line and HTTP give the same answers."""

import re

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.fixture
def lookalike(tmp_path, tiny_encoder):
    """Runs a verb on the data folder and the encoder of the test's service."""

    def run(*arguments):
        options = ["--data", str(tmp_path / "data"), "--encoder", str(tiny_encoder)]
        return CliRunner().invoke(app, [*map(str, arguments), *options], env={"COLUMNS": "200"})

    return run


def test_the_command_line_finds_the_same_matches_as_http(
    client, enrol, lookalike, person_jpeg, tmp_path
):
    for seed, name in enumerate(["Ada Lark", "Bo Finch", "Cy Wren"], start=1):
        enrol(name, seed)
    probe = tmp_path / "probe.jpg"
    probe.write_bytes(person_jpeg(2))
    answer = client.post("/search?k=3", files={"image": person_jpeg(2)}).json()
    expected = [
        (match["face_id"], match["person"], f"{match['similarity']:.4f}")
        for match in answer["faces"][0]["matches"]
    ]
    assert len(expected) == 3

    printed = lookalike("search", probe, "--k", "3")
    assert printed.exit_code == 0, printed.output
    rows = re.findall(
        r"^\s*\d+\s+(-?\d\.\d{4})\s+\d+\s+(\w+ \w+)\s.*?(\w{26})", printed.output, re.MULTILINE
    )
    assert [(face_id, person, similarity) for similarity, person, face_id in rows] == expected


def test_info_tells_encoder_and_gallery_also_while_the_service_runs(client, enrol, lookalike):
    enrol("Ada", 1)
    told = lookalike("info")
    assert told.exit_code == 0, told.output
    assert "tiny-0, version 1" in told.output
    assert "1 people, 1 faces" in told.output
    assert "onnxruntime" in told.output


def test_info_makes_no_gallery(lookalike, tmp_path):
    told = lookalike("info")
    assert told.exit_code == 0, told.output
    assert f"none yet in {tmp_path / 'data'}" in told.output
    assert not (tmp_path / "data").exists()


def test_info_refuses_what_is_no_encoder_in_one_line(tmp_path):
    told = CliRunner().invoke(app, ["info", "--encoder", str(tmp_path)])
    assert told.exit_code == 1
    assert "is not an encoder folder" in told.output


@pytest.mark.parametrize("verb", ["serve", "info"])
def test_help_shows_an_example(verb):
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0
    assert f"lookalike {verb}" in told.output
