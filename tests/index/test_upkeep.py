"""Erasing leaves no bytes, in no file; snapshots are written when it is time."""

import secrets
import sqlite3
import time

import numpy as np
import pytest

from index.errors import CleaningFailed, StorageFull, StoreUnavailable
from tests.index.conftest import unit

DIMENSION = 16


def traces(folder, needles):
    """Those of the needles that some file of the folder holds."""
    content = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return [needle for needle in needles if any(needle in data for data in content)]


def needles_of(face):
    """What may not be found again: name, source, digest, ends of crop and vector, metadata."""
    return [
        face.person.encode(),
        face.person.casefold().encode(),
        face.source_name.encode(),
        face.photo_sha256.encode(),
        face.context[:24],
        face.context[-24:],
        face.embedding.tobytes()[:24],
        face.embedding.tobytes()[-24:],
        face.metadata["note"].encode(),
    ]


def marked_face(new_face, seed, size):
    """A face whose every part is random, so that it can be told apart in a heap of bytes."""
    return new_face(
        "Person " + secrets.token_hex(8),
        seed,
        source_name=secrets.token_hex(8) + ".jpg",
        photo_sha256=secrets.token_hex(32),
        context=secrets.token_bytes(size),
        embedding=unit(secrets.randbits(32)),
        metadata={"note": secrets.token_hex(12)},
    )


@pytest.mark.parametrize("serve", [True, False])
def test_erasing_a_person_leaves_no_byte_in_any_file(open_gallery, new_face, tmp_path, serve):
    rng = np.random.default_rng(1)
    faces = [marked_face(new_face, s, int(rng.integers(100, 9000))) for s in range(300)]
    open_gallery(serve=True).close()
    gallery = open_gallery(serve=serve)
    enrolled = gallery.add(faces)
    gallery.maintain()
    assert traces(tmp_path / "data", needles_of(faces[7])) == needles_of(faces[7])
    erased = [int(place) for place in rng.permutation(300)[:150]]
    for place in erased:
        gallery.erase_person(enrolled[place].face.person_id)
    gallery.maintain()
    needles = [needle for place in erased for needle in needles_of(faces[place])]
    assert traces(tmp_path / "data", needles) == []
    assert gallery.stats().faces == 150
    assert all(gallery.face(enrolled[p].face.face_id) for p in range(300) if p not in erased)


def test_what_a_command_erases_beside_a_service_goes_from_the_service_s_files_too(
    open_gallery, new_face, tmp_path
):
    face = marked_face(new_face, 1, 500)
    service = open_gallery(serve=True)
    [enrolled] = service.add([face])
    service.close()
    service = open_gallery(serve=True)
    command = open_gallery()
    command.erase_face(enrolled.face.face_id)
    service.maintain()
    assert traces(tmp_path / "data", needles_of(face)) == []


@pytest.mark.parametrize("snapshot_is_lost", [True, False])
def test_what_was_erased_before_a_crash_is_cleaned_up_at_the_next_start(
    open_gallery, new_face, tmp_path, snapshot_is_lost
):
    faces = [marked_face(new_face, 1, 500), marked_face(new_face, 2, 500)]
    service = open_gallery(serve=True)
    enrolled = service.add(faces)
    service.close()
    [snapshot] = (tmp_path / "data" / "index").glob("*.snapshot")
    with sqlite3.connect(tmp_path / "data" / "gallery.sqlite") as connection:
        # as a process does that is killed after its commit: without secure_delete, even
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM face WHERE id = ?", (enrolled[0].face.face_id,))
        connection.execute("DELETE FROM person WHERE id = ?", (enrolled[0].face.person_id,))
        connection.execute("INSERT INTO change_log (operation, face_key) VALUES ('remove', 1)")
    connection.close()
    assert traces(tmp_path / "data", needles_of(faces[0])) != []
    if snapshot_is_lost:
        snapshot.unlink()
    service = open_gallery(serve=True)
    service.maintain()
    assert traces(tmp_path / "data", needles_of(faces[0])) == []
    assert traces(tmp_path / "data", needles_of(faces[1])) == needles_of(faces[1])


def test_erasures_that_follow_each_other_are_dealt_with_together(
    open_gallery, new_face, monkeypatch
):
    gallery = open_gallery(serve=True)
    enrolled = gallery.add([new_face("Ana", seed) for seed in range(3)])
    cleanings = []
    clean = gallery._database.clean
    monkeypatch.setattr(
        gallery._database, "clean", lambda **options: cleanings.append(1) or clean(**options)
    )
    for item in enrolled:
        gallery.erase_face(item.face.face_id)
        gallery.maintain()
    assert len(cleanings) == 1
    monkeypatch.setattr("index.upkeep.CLEAN_EVERY_S", 0.0)
    gallery.maintain()
    gallery.maintain()
    assert len(cleanings) == 2


def test_a_reader_in_the_way_only_puts_the_cleaning_off(
    open_gallery, new_face, tmp_path, monkeypatch
):
    monkeypatch.setattr("index.sqlite.BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr("index.upkeep.CLEAN_EVERY_S", 0.0)
    face = marked_face(new_face, 1, 500)
    gallery = open_gallery(serve=True)
    [enrolled] = gallery.add([face])
    reader = sqlite3.connect(tmp_path / "data" / "gallery.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM face").fetchone()
    gallery.erase_face(enrolled.face.face_id)
    gallery.maintain()
    assert traces(tmp_path / "data", needles_of(face)) != []
    reader.close()
    gallery.maintain()
    assert traces(tmp_path / "data", needles_of(face)) == []


def test_no_copy_of_a_row_is_left_by_pages_that_sqlite_spread_anew(
    open_gallery, new_face, tmp_path, monkeypatch
):
    monkeypatch.setattr("index.upkeep.CLEAN_EVERY_S", 0.0)
    gallery = open_gallery(serve=True)
    rng = np.random.default_rng(3)
    faces = [marked_face(new_face, s, int(rng.integers(50, 3000))) for s in range(200)]
    enrolled = []
    for start in range(0, 200, 50):  # several logs, so copies of rows come and go in between
        enrolled += gallery.add(faces[start : start + 50])
        for item in enrolled[-20:]:
            gallery.rename_person(item.face.person_id, "Someone " + secrets.token_hex(6))
        gallery.maintain()
    erased = [int(place) for place in rng.permutation(200)[:150]]
    for number, place in enumerate(erased):
        gallery.erase_face(enrolled[place].face.face_id)
        if number % 75 == 0:
            gallery.maintain()
    gallery.maintain()
    needles = [needle for place in erased for needle in needles_of(faces[place])]
    assert traces(tmp_path / "data", needles) == []
    with gallery._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_an_old_name_is_gone_after_renaming(open_gallery, new_face, tmp_path, monkeypatch):
    monkeypatch.setattr("index.upkeep.CLEAN_EVERY_S", 0.0)
    gallery = open_gallery(serve=True)
    [enrolled] = gallery.add([new_face("Old Name", 1)])
    gallery.maintain()
    gallery.rename_person(enrolled.face.person_id, "New Name")
    gallery.maintain()
    assert traces(tmp_path / "data", [b"Old Name", b"old name", b"New Name"]) == [b"New Name"]


def test_a_large_log_is_emptied_while_a_build_goes_on(
    open_gallery, new_face, tmp_path, monkeypatch
):
    monkeypatch.setattr("index.upkeep.LOG_MAX_BYTES", 300_000)
    gallery = open_gallery()
    for seed in range(60):
        gallery.add([new_face("Ana", seed, context=bytes(20_000))])
    assert gallery._database.log_bytes < 600_000
    assert gallery.stats().faces == 60


def test_cleaning_that_fails_is_told_and_tried_again(open_gallery, new_face, monkeypatch):
    monkeypatch.setattr("index.upkeep.CLEAN_EVERY_S", 0.0)
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", 1)])
    with monkeypatch.context() as patched:
        patched.setattr("index.sqlite.sys.executable", "/bin/false")
        with pytest.raises(CleaningFailed, match="not yet overwritten"):
            gallery.maintain()
    assert gallery._database.wrote
    gallery.maintain()
    assert not gallery._database.wrote


def test_a_snapshot_is_written_only_when_it_is_far_behind(
    open_gallery, new_face, tmp_path, monkeypatch
):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", seed) for seed in range(9)])
    gallery.maintain()
    assert list((tmp_path / "data" / "index").glob("*.snapshot")) == []
    monkeypatch.setattr("index.upkeep.SNAPSHOT_EVERY", 10)
    gallery.add([new_face("Ana", 10)])
    gallery.maintain()
    [snapshot] = (tmp_path / "data" / "index").glob("*.snapshot")
    written = snapshot.stat().st_mtime_ns
    time.sleep(0.01)
    gallery.add([new_face("Ana", 11)])
    gallery.maintain()
    assert snapshot.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("number", "expected"), [(28, StorageFull), (122, StorageFull), (5, StoreUnavailable)]
)
def test_a_snapshot_that_cannot_be_written_is_told_and_does_not_hinder_closing(
    open_gallery, new_face, monkeypatch, number, expected
):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", 1)])

    def fail(*_):
        raise OSError(number, "as told")

    monkeypatch.setattr("index.snapshot.write_whole", fail)
    with pytest.raises(expected, match="snapshot"):
        gallery.close()
    monkeypatch.undo()
    assert open_gallery(serve=True).stats().index_size == 1


def test_closing_twice_does_no_harm(open_gallery, new_face):
    with open_gallery(serve=True) as gallery:
        gallery.add([new_face("Ana", 1)])
    gallery.close()


def test_a_full_disk_stores_nothing_of_an_enrolment(open_gallery, new_face):
    gallery = open_gallery()
    gallery.add([new_face("Ana", 1)])
    with gallery._database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 60")
    with pytest.raises(StorageFull):
        gallery.add([new_face("Bea", seed, context=bytes(9000)) for seed in range(2, 90)])
    stats = gallery.stats()
    assert (stats.people, stats.faces, stats.index_size, stats.last_seq) == (1, 1, 1, 1)
    assert gallery.search(unit(1)[None], k=1)[0][0].face.person == "Ana"
