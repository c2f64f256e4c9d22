"""`lookalike gallery import`, `export`, `duplicates` and `reembed`, as a user types them."""

import json
import shutil

import pytest

from tests.cli.test_gallery_care import filled, person_jpegs
from tests.cli.test_gallery_verbs import failure, lookalike, people

__all__ = ["filled", "lookalike", "people", "person_jpegs"]  # fixtures


def test_an_export_comes_back_by_an_import(lookalike, filled, tmp_path):
    assert "out has 3 faces, 0 of them" in lookalike("gallery", "export", "out").stdout
    told = lookalike("gallery", "import", "out", "--data", "second", "--rejected", "rejected.json")
    assert told.exit_code == 0, told.output
    assert "enrolled   3" in told.stdout
    assert json.loads((tmp_path / "rejected.json").read_text()) == []
    told = lookalike("gallery", "import", "out", "--data", "second")
    assert "skipped    3" in told.stdout


def test_a_person_is_exported_as_a_zip(lookalike, filled, tmp_path):
    told = lookalike("gallery", "export", "bo.zip", "--person", "Bo")
    assert "all that is stored of Bo: 2 faces" in told.stdout
    assert (tmp_path / "bo.zip").is_file()
    told = lookalike("gallery", "export", "cy.zip", "--person", "Cy")
    assert "no person has the name 'Cy'" in failure(told)


def test_photos_are_imported_with_a_report_of_what_was_rejected(lookalike, people, tmp_path):
    (people / "ds_model_vggface.pkl").write_bytes(b"what deepface keeps beside the photos")
    told = lookalike(
        "gallery", "import", people, "--rejected", "rejected.json", "--collection", "staff"
    )
    assert "enrolled   1" in told.stdout
    [rejected] = json.loads((tmp_path / "rejected.json").read_text())
    assert rejected["source_name"] == "Sky/1.jpg"
    assert rejected["reason"] == "no face"
    (tmp_path / "people.csv").write_text("path,person\npeople/Ana [b]/1.jpg,Ana\n")
    assert "enrolled   1" in lookalike("gallery", "import", "people.csv").stdout
    told = lookalike("gallery", "import", people, "--rejected", tmp_path)
    assert told.exit_code == 1
    assert "cannot be written" in told.stderr


def test_suspects_are_told_as_a_table_and_as_json(lookalike, filled, people):
    shutil.copy(people / "Ana [b]" / "1.jpg", people / "Bo" / "ana.jpg")
    lookalike("index", "build", people)
    table = lookalike("gallery", "duplicates").stdout
    assert "same-photo" in table
    assert "Ana [b]" in table
    found = json.loads(lookalike("gallery", "duplicates", "--json").stdout)
    assert {"same-photo", "nearly-the-same"} <= {item["kind"] for item in found}


@pytest.fixture(autouse=True)
def keep_priority(monkeypatch):
    """`reembed` makes its process nicer for good, and here that would be the tests'."""
    monkeypatch.setattr("os.nice", lambda _: 0)


@pytest.fixture
def new_encoder(make_encoder):
    return make_encoder(5)


def test_a_gallery_is_moved_back_and_forth(lookalike, filled, new_encoder, people):
    assert "there is no encoder to go back to" in failure(
        lookalike("gallery", "reembed", "--rollback")
    )
    told = lookalike("gallery", "reembed", "--encoder", new_encoder)
    assert "from tiny-0 to tiny-5: 3 of 3 faces to embed" in told.stdout
    assert "embedded 3 faces" in told.stdout
    assert "tiny-5" in lookalike("info").stdout  # though the environment names the old one
    found = lookalike("search", people / "Ana [b]" / "1.jpg").stdout
    assert "Ana [b]" in found
    assert "already" in failure(lookalike("gallery", "reembed", "--encoder", new_encoder))
    told = lookalike("gallery", "reembed", "--rollback", "--drop-old")
    assert "0 of 3 faces to embed" in told.stdout
    assert "dropped 3 embeddings" in told.stdout
    assert "dropped 0 embeddings" in lookalike("gallery", "reembed", "--drop-old").stdout


def test_what_stored_crops_lack_is_told_before_anything_is_done(
    lookalike, filled, new_encoder, monkeypatch
):
    monkeypatch.setattr("faces.coverage.LARGEST_WHOLE_BOX_PX", 10)
    monkeypatch.setattr("index.reembedding.LARGEST_WHOLE_BOX_PX", 10)
    told = lookalike("gallery", "reembed", "--encoder", new_encoder)
    assert told.exit_code == 1
    assert "loss: 3 faces were wider than 10 px" in told.stdout
    assert "--accept-loss" in told.stderr
    told = lookalike("gallery", "reembed", "--encoder", new_encoder, "--accept-loss")
    assert told.exit_code == 0
