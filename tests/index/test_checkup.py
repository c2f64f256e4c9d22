"""The check finds what is wrong, and rebuilds what can be."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from index.errors import StoreUnavailable
from index.gallery import Gallery
from index.layered_index import LayeredIndex
from tests.index.conftest import unit


@pytest.fixture
def check(open_gallery, new_face, tmp_path, card):
    """Checks a gallery of three faces, with the keys 1 to 3: `check(repair=True)`."""
    gallery = open_gallery()
    gallery.add([new_face("Ana", 1), new_face("Bo", 2), new_face("Cy", 3)])
    gallery.close()
    return lambda **options: Gallery.check(tmp_path / "data", encoder=card, **options)


@pytest.fixture
def damage(tmp_path):
    """Changes the database behind the gallery's back: `damage("DELETE ...")`."""

    def run(*statements):
        path = tmp_path / "data" / "gallery.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return run


def embed_anew(contexts):
    """A stand-in for the pipeline's: the vector of seed 1 for every crop."""
    return np.stack([unit(1) for _ in contexts])


def found(check, **options):
    report = check(**options)
    return [(finding.what, finding.repaired) for finding in report.findings]


def test_a_sound_gallery_is_clean(check):
    report = check()
    assert (report.people, report.faces, report.findings, report.clean) == (3, 3, [], True)


def test_lost_and_changed_crops_are_found_and_cannot_be_rebuilt(check, damage):
    damage(
        "DELETE FROM context_crop WHERE face_key = 1",
        "UPDATE context_crop SET jpeg = x'00' WHERE face_key = 2",
    )
    expected = [("crop-missing", False), ("crop-changed", False)]
    assert found(check) == expected
    assert found(check, repair=True, embed=embed_anew) == expected


def test_lost_and_damaged_embeddings_are_rebuilt_from_their_crops(check, damage, open_gallery):
    damage(
        "DELETE FROM embedding WHERE face_key = 1",
        "UPDATE embedding SET vector = zeroblob(64) WHERE face_key = 2",
        "UPDATE embedding SET vector = x'0102' WHERE face_key = 3",
    )
    kinds = ["embedding-missing", "embedding-damaged", "embedding-damaged"]
    with pytest.raises(StoreUnavailable, match="has a damaged embedding"):
        open_gallery().search(unit(1)[None], k=1)
    assert found(check) == [(kind, False) for kind in kinds]
    assert found(check, repair=True, embed=embed_anew) == [(kind, True) for kind in kinds]
    assert found(check) == []
    assert [m.similarity for m in open_gallery().search(unit(1)[None], k=3)[0]] == [1, 1, 1]


def test_orphans_are_removed(check, damage):
    damage(
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO context_crop (face_key, jpeg) VALUES (900, x'00')",
        "INSERT INTO embedding (encoder_key, face_key, vector) VALUES (1, 901, zeroblob(64))",
        "INSERT INTO person (id, collection_key, name, name_folded) VALUES ('x', 1, 'X', 'x')",
    )
    kinds = {what for what, _ in found(check)}
    assert kinds >= {"reference", "person-without-face"}
    check(repair=True)
    assert found(check) == []


def test_a_digest_that_was_never_noted_is(check, damage):
    damage("UPDATE face SET crop_sha256 = '' WHERE key = 2")
    assert found(check) == [("digest-missing", False)]
    assert found(check, repair=True) == [("digest-missing", True)]
    assert found(check) == []


def test_an_index_that_shows_something_else_than_the_store_is_found(check, monkeypatch):
    def forgetful(self, keys, vectors):
        add(self, keys[1:], vectors[1:])

    add = LayeredIndex.add
    monkeypatch.setattr(LayeredIndex, "add", forgetful)
    assert set(found(check)) == {("index", False)}


def test_sqlite_s_own_indexes_are_rebuilt(check, damage):
    damage(
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'photo_sha256)', 'source_name)') "
        "WHERE name = 'ix_face_photo_sha256'",
    )
    damage(
        "INSERT INTO face (id, person_key, photo_sha256, source_name, left_px, top_px, width_px, "
        "height_px, confidence, details, created_at, collection_key, crop_sha256) SELECT 'f', "
        "person_key, 'other', source_name, 0, 0, 9, 9, 1, '{}', created_at, 1, '' FROM face "
        "WHERE key = 1",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'source_name)', 'photo_sha256)') "
        "WHERE name = 'ix_face_photo_sha256'",
    )
    kinds = [what for what, _ in found(check)]
    assert "database" in kinds
    assert ("database", True) in found(check, repair=True)
    assert "database" not in [what for what, _ in found(check)]
