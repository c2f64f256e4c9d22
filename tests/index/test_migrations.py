"""Galleries of every earlier schema version still open, and nothing of them is lost.

tests/data/galleries/ has one small gallery a version, written by the code of its time with
old_gallery.py: made-up vectors, and crops of the made-up people of samples/.
"""

import hashlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.index.conftest import make_new_face, unit

GALLERIES = sorted((Path(__file__).parents[1] / "data" / "galleries").glob("v*.db"))
PEOPLE = {1: "Ana Lark", 2: "Zoë Finch", 3: "Ana Lark", 4: "Bo Wren"}
"""Seed of the vector -> whose face it is, in each of the galleries."""


@pytest.fixture(params=GALLERIES, ids=lambda path: path.stem)
def old_gallery(request, tmp_path, open_gallery):
    """A copy of an old gallery, opened by the code of today."""
    (tmp_path / "data").mkdir()
    shutil.copy(request.param, tmp_path / "data" / "gallery.sqlite")
    return open_gallery()


def test_there_is_a_gallery_of_every_earlier_version():
    versions = Path(__file__).parents[2] / "index" / "migrations" / "versions"
    numbers = sorted(path.stem[:5] for path in versions.glob("v0*.py"))
    assert [path.stem for path in GALLERIES] == numbers[:-1]


def test_every_face_of_an_old_gallery_is_found(old_gallery):
    assert old_gallery.stats().faces == old_gallery.stats().index_size == 4
    for seed, person in PEOPLE.items():
        [[match]] = old_gallery.search(unit(seed)[None], k=1)
        assert (match.face.person, match.similarity) == (person, pytest.approx(1))
        assert match.face.source_name == f"{person}/{seed}.jpg"
        assert match.face.metadata == ({"seed": seed} if seed % 2 else {})
        assert old_gallery.crop(match.face.face_id).startswith(b"\xff\xd8")
    assert [(p.person, p.faces, p.named) for p in old_gallery.people().items] == [
        ("Ana Lark", 2, True),
        ("Bo Wren", 1, True),
        ("Zoë Finch", 1, True),
    ]


def test_an_old_face_gets_what_its_version_did_not_know(old_gallery, tmp_path):
    with sqlite3.connect(tmp_path / "data" / "gallery.sqlite") as connection:
        rows = connection.execute(
            "SELECT crop_sha256, jpeg, collection_key, expires_at, consent_reference "
            "FROM face JOIN context_crop ON face_key = face.key"
        ).fetchall()
    connection.close()
    assert len(rows) == 4
    for digest, jpeg, *others in rows:
        assert digest == hashlib.sha256(jpeg).hexdigest()
        assert others == [1, None, None]


def test_an_old_gallery_goes_on(old_gallery):
    old_gallery.add([make_new_face("Cy", 70)])
    old_gallery.make_collection("other")
    old_gallery.add([make_new_face("Cy", 71)], collection="other")
    ana = old_gallery.people(prefix="ana").items[0]
    assert old_gallery.erase_person(ana.person_id) == 2
    assert old_gallery.stats().faces == 4


def test_a_migration_that_is_cut_off_leaves_the_old_gallery(tmp_path, monkeypatch, open_gallery):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "gallery.sqlite"
    shutil.copy(GALLERIES[0], path)

    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("hashlib.sha256", cut_off)
        with pytest.raises(Exception, match="user-defined function"):
            open_gallery()
    with sqlite3.connect(path) as connection:
        [(version,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        columns = [row[1] for row in connection.execute("PRAGMA table_info(face)")]
    connection.close()
    assert version == "0001"
    assert "crop_sha256" not in columns
    assert open_gallery().stats().faces == 4
