"""Opening galleries: again, beside others, with what crashes, other encoders and tools left."""

import shutil
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from index.errors import (
    DataFolderLocked,
    EncoderMismatch,
    StoreUnavailable,
    UnknownIndexKind,
)
from tests.index.conftest import make_card, unit


def snapshots(tmp_path):
    return sorted((tmp_path / "data" / "index").glob("*.snapshot"))


def best(gallery, seed):
    return gallery.search(unit(seed)[None], k=1)[0][0].face.source_name


def test_what_was_enrolled_is_there_when_the_gallery_opens_again(open_gallery, new_face):
    first = open_gallery()
    first.add([new_face("Ana", 1), new_face("Bea", 2)])
    first.close()
    again = open_gallery()
    assert best(again, 2) == "2.jpg"
    assert again.stats().last_seq == 2


def test_the_data_folder_is_for_its_owner_only(open_gallery, tmp_path):
    open_gallery()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_only_who_serves_writes_a_snapshot(open_gallery, new_face, tmp_path):
    gallery = open_gallery()
    gallery.add([new_face("Ana", 1)])
    gallery.maintain()
    gallery.close()
    assert snapshots(tmp_path) == []
    open_gallery(serve=True).close()
    assert len(snapshots(tmp_path)) == 1


def test_a_start_reads_the_snapshot_and_then_only_what_is_new(open_gallery, new_face, monkeypatch):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", seed) for seed in range(5)])
    gallery.close()
    other = open_gallery()
    other.add([new_face("Bea", 50)])
    other.erase_face(other.faces(limit=1).items[0].face_id)
    other._upkeep._erased_here = False  # leaves the snapshot as it is: behind by two changes
    monkeypatch.setattr("index.rebuilding.all_embeddings", lambda *_, **__: pytest.fail("read all"))
    other.close()
    again = open_gallery(serve=True)
    assert again.stats().index_size == 5
    assert best(again, 50) == "50.jpg"


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "foreign", "ahead", "folder"])
def test_an_index_whose_snapshot_is_of_no_use_is_built_from_the_store(
    open_gallery, new_face, tmp_path, damage
):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", seed) for seed in range(5)])
    if damage == "ahead":
        backup = tmp_path / "backup"
        gallery._database.clean()
        shutil.copy(tmp_path / "data" / "gallery.sqlite", backup)
        gallery.add([new_face("Bea", 77)])
    gallery.close()
    [snapshot] = snapshots(tmp_path)
    if damage == "missing":
        snapshot.unlink()
    elif damage == "cut":
        snapshot.write_bytes(snapshot.read_bytes()[:-7])
    elif damage == "flipped":
        data = bytearray(snapshot.read_bytes())
        data[-1] ^= 1
        snapshot.write_bytes(data)
    elif damage == "foreign":
        other = open_gallery(data=tmp_path / "other", serve=True)
        other.add([new_face("Zed", 99)])
        other.close()
        shutil.copy(next((tmp_path / "other" / "index").glob("*.snapshot")), snapshot)
    elif damage == "ahead":
        shutil.copy(backup, tmp_path / "data" / "gallery.sqlite")
    else:
        snapshot.unlink()
        snapshot.mkdir()
        (snapshot / "x").touch()
        snapshot.with_name("y").touch()
    again = open_gallery()
    assert again.stats().index_size == 5
    assert [best(again, seed) for seed in range(5)] == [f"{seed}.jpg" for seed in range(5)]


def test_a_restored_backup_with_newer_changes_than_the_snapshot_is_noticed_by_its_size(
    open_gallery, new_face, tmp_path
):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", seed) for seed in range(3)])
    gallery._database.clean()
    shutil.copy(tmp_path / "data" / "gallery.sqlite", tmp_path / "backup")
    gallery.add([new_face("Bea", 10), new_face("Bea", 11)])
    gallery.close()
    shutil.copy(tmp_path / "backup", tmp_path / "data" / "gallery.sqlite")
    with sqlite3.connect(tmp_path / "data" / "gallery.sqlite") as connection:
        connection.execute("INSERT INTO change_log (operation, face_key) VALUES ('remove', 900)")
        connection.execute("INSERT INTO change_log (operation, face_key) VALUES ('remove', 901)")
    connection.close()
    assert open_gallery().stats().index_size == 3


def test_two_services_on_one_data_folder_are_refused_by_name(open_gallery, tmp_path):
    first = open_gallery(serve=True)
    with pytest.raises(DataFolderLocked, match=r"data is served by another lookalike \(process"):
        open_gallery(serve=True)
    open_gallery().close()  # a command beside the service is welcome
    first.close()
    open_gallery(serve=True)


def test_a_killed_service_leaves_no_lock(open_gallery, tmp_path, start_child):
    child = start_child("gallery = open_gallery(serve=True); print('open', flush=True); wait()")
    assert child.stdout.readline() == "open\n"
    with pytest.raises(DataFolderLocked, match=str(child.pid)):
        open_gallery(serve=True)
    child.kill()
    child.wait()
    open_gallery(serve=True)


def test_what_another_process_writes_is_followed(open_gallery, new_face, start_child):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", 1)])
    child = start_child(
        "gallery = open_gallery(); gallery.add([make_new_face('Bea', 2)]);"
        "gallery.erase_face(gallery.faces(person='Ana').items[0].face_id);"
        "print('done', flush=True)"
    )
    assert child.stdout.readline() == "done\n"
    assert [match.face.person for match in gallery.search(unit(1)[None], k=9)[0]] == ["Bea"]
    gallery.maintain()
    assert gallery.stats().index_size == 1


def test_a_gallery_of_another_encoder_is_refused_with_both_names(
    open_gallery, new_face, card, other_card
):
    gallery = open_gallery()
    gallery.add([new_face("Ana", 1)])
    gallery.close()
    with pytest.raises(EncoderMismatch, match=r"encoder 'first'.* not to 'second'") as e:
        open_gallery(encoder=other_card)
    assert (e.value.bound, e.value.given) == ("first", "second")
    assert best(open_gallery(), 1) == "1.jpg"


def test_a_gallery_without_faces_takes_another_encoder(open_gallery, new_face, other_card, card):
    open_gallery().close()
    wider = make_card("wide", dimension=32)
    gallery = open_gallery(encoder=wider, serve=True)
    gallery.add([new_face("Ana", 1, embedding=unit(1, dimension=32))])
    gallery.close()
    with pytest.raises(EncoderMismatch):
        open_gallery()


def test_a_failed_opening_lets_go_of_the_folder(open_gallery, new_face, other_card):
    gallery = open_gallery()
    gallery.add([new_face("Ana", 1)])
    gallery.close()
    with pytest.raises(EncoderMismatch):
        open_gallery(encoder=other_card, serve=True)
    open_gallery(serve=True)


def test_an_unknown_kind_of_index_is_refused(open_gallery):
    with pytest.raises(UnknownIndexKind, match="'ivf' is unknown; use one of auto"):
        open_gallery(index_kind="ivf")
    assert open_gallery(index_kind="exact").stats().index_kind == "exact"


def test_an_index_on_a_gpu_is_refused_where_there_is_none(open_gallery):
    with pytest.raises(UnknownIndexKind, match="FAISS finds no GPU"):
        open_gallery(index_kind="gpu")


def test_a_data_folder_that_cannot_be_made_is_named(open_gallery, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file/data"):
        open_gallery(data=tmp_path / "file" / "data")


def test_a_store_may_lie_elsewhere(open_gallery, new_face, tmp_path):
    gallery = open_gallery(store_url=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    gallery.add([new_face("Ana", 1)])
    assert (tmp_path / "elsewhere.db").is_file()
    assert not (tmp_path / "data" / "gallery.sqlite").exists()


def test_the_index_room_needs_no_torch():
    code = "import sys, index.gallery, index.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def start_child(tmp_path):
    """Starts a Python process that has `open_gallery`, `make_new_face` and `wait`."""
    children = []

    def start(code):
        script = textwrap.dedent(
            f"""
            import time
            from pathlib import Path
            from index.gallery import Gallery
            from tests.index.conftest import make_card, make_new_face

            def open_gallery(**options):
                data = Path({str(tmp_path / "data")!r})
                return Gallery.open(data, encoder=make_card(), **options)

            def wait():
                time.sleep(60)

            """
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script + code], stdout=subprocess.PIPE, text=True
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()
