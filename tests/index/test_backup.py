"""Backups while the gallery is in use, and the way back."""

import sqlite3

import pytest

from index.backup import restore
from index.errors import BadBackup, Conflict, DataFolderLocked, StoreUnavailable
from tests.index.test_upkeep import marked_face, needles_of


@pytest.fixture
def restored(tmp_path):
    """Restores a file into the data folder of the test: `restored(file, replace=True)`."""

    def run(source, *, replace=False):
        data = tmp_path / "data"
        return restore(
            source, data, store=data / "gallery.sqlite", index=data / "index", replace=replace
        )

    return run


def test_a_backup_has_one_state_and_no_byte_of_what_was_erased(open_gallery, new_face, tmp_path):
    gallery = open_gallery(serve=True)
    erased = marked_face(new_face, 1, 900)
    [gone] = gallery.add([erased])
    gallery.add([new_face("Bo", 2)])
    gallery.erase_face(gone.face.face_id)
    size = gallery.backup(tmp_path / "backups" / "one.sqlite")
    content = (tmp_path / "backups" / "one.sqlite").read_bytes()
    assert len(content) == size
    assert not [needle for needle in needles_of(erased) if needle in content]
    assert (tmp_path / "backups" / "one.sqlite").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["one.sqlite"]
    with pytest.raises(Conflict, match="is there already"):
        gallery.backup(tmp_path / "backups" / "one.sqlite")


def test_a_backup_comes_back_and_what_was_erased_since_does_not(
    open_gallery, new_face, tmp_path, restored
):
    gallery = open_gallery(serve=True)
    ana, _ = gallery.add([new_face("Ana", 1), new_face("Bo", 2)])
    gallery.backup(tmp_path / "backup")
    gallery.add([new_face("Cy", 3)])
    gallery.erase_face(ana.face.face_id)
    gallery.close()
    with pytest.raises(Conflict, match="has faces; to lose them say --replace"):
        restored(tmp_path / "backup")
    done = restored(tmp_path / "backup", replace=True)
    assert (done.faces, done.erased_again) == (1, 1)
    again = open_gallery(serve=True)
    assert [person.person for person in again.people().items] == ["Bo"]
    assert again.stats().index_size == 1


def test_a_backup_starts_a_new_data_folder(open_gallery, new_face, tmp_path, restored):
    gallery = open_gallery(data=tmp_path / "first")
    gallery.add([new_face("Ana", 1)])
    gallery.backup(tmp_path / "backup")
    assert restored(tmp_path / "backup").faces == 1
    assert open_gallery().stats().faces == 1


@pytest.mark.parametrize("damage", ["missing", "cut", "other", "text"])
def test_what_is_no_whole_backup_is_refused_and_the_gallery_stays(
    open_gallery, new_face, tmp_path, restored, damage
):
    gallery = open_gallery()
    gallery.add([new_face("Ana", seed) for seed in range(20)])
    source = tmp_path / "backup"
    if damage == "cut":
        gallery.backup(source)
        source.write_bytes(source.read_bytes()[:-40_000])
    elif damage == "other":
        with sqlite3.connect(source) as connection:
            connection.execute("CREATE TABLE something (x)")
        connection.close()
    elif damage == "text":
        source.write_bytes(b"not a database at all" * 99)
    gallery.close()
    with pytest.raises(BadBackup):
        restored(source, replace=True)
    assert open_gallery().stats().faces == 20


def test_nothing_is_restored_below_a_running_service_or_command(
    open_gallery, new_face, tmp_path, restored
):
    service = open_gallery(serve=True)
    service.add([new_face("Ana", 1)])
    service.backup(tmp_path / "backup")
    with pytest.raises(DataFolderLocked):
        restored(tmp_path / "backup", replace=True)
    service.close()
    command = sqlite3.connect(tmp_path / "data" / "gallery.sqlite", isolation_level=None)
    command.execute("SELECT count(*) FROM face").fetchone()
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        restored(tmp_path / "backup", replace=True)
    command.close()


def test_a_damaged_gallery_is_replaced_if_that_is_said(open_gallery, new_face, tmp_path, restored):
    gallery = open_gallery()
    gallery.add([new_face("Ana", 1)])
    gallery.backup(tmp_path / "backup")
    gallery.close()
    (tmp_path / "data" / "gallery.sqlite").write_bytes(b"noise" * 5000)
    with pytest.raises(Conflict, match="is damaged"):
        restored(tmp_path / "backup")
    assert restored(tmp_path / "backup", replace=True).faces == 1
