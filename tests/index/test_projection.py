"""Projections: one index a collection, merges in the background, snapshots that hold nobody up."""

import threading

import numpy as np
import pytest

from index import changes
from index.errors import StorageFull, StoreUnavailable
from index.layered_index import LayeredIndex
from index.manifest import read_manifest
from index.merge_rules import Rules
from index.merging import Merger
from tests.index.conftest import unit

SMALL = Rules(exact_up_to=20, delta_rows=8, delta_share=0.1)


@pytest.fixture
def rules(monkeypatch):
    """Small indexes are merged already."""
    monkeypatch.setattr("index.projection.Rules", lambda: SMALL)


def files(tmp_path, suffix):
    return sorted((tmp_path / "data" / "index").glob(f"*{suffix}"))


def names(matches):
    return [match.face.source_name for match in matches]


def enrol(gallery, new_face, seeds, person="Ana", **where):
    return gallery.add([new_face(f"{person} {seed}", seed) for seed in seeds], **where)


def test_a_growing_gallery_is_merged_into_a_graph_and_survives_a_restart(
    open_gallery, new_face, tmp_path, rules
):
    gallery = open_gallery(serve=True)
    enrol(gallery, new_face, range(60))
    gallery._projection.wait_for_merges()
    assert gallery.stats().index_kind == "hnsw"
    assert len(files(tmp_path, ".base")) == 1
    enrol(gallery, new_face, range(60, 64))
    gallery.close()
    again = open_gallery(serve=True)
    assert again.stats().index_kind == "hnsw"
    assert again.stats().index_size == 64
    for seed in (0, 30, 63):
        assert names(again.search(unit(seed)[None], k=1)[0]) == [f"{seed}.jpg"]


def test_a_start_with_a_base_reads_no_embeddings(open_gallery, new_face, rules, monkeypatch):
    gallery = open_gallery(serve=True)
    enrol(gallery, new_face, range(60))
    gallery._projection.wait_for_merges()
    gallery.close()
    monkeypatch.setattr("index.rebuilding.all_embeddings", lambda *_, **__: pytest.fail("read all"))
    assert open_gallery(serve=True).stats().index_size == 60


def test_a_large_gallery_without_a_snapshot_is_exact_at_once_and_then_merged(
    open_gallery, new_face, tmp_path, rules
):
    enrol(open_gallery(), new_face, range(60))
    gallery = open_gallery(serve=True)
    [state] = [index.state() for index in gallery._projection._indexes.values()]
    assert state.base.kind == "exact"
    assert len(state.keys) == 0
    assert names(gallery.search(unit(7)[None], k=1)[0]) == ["7.jpg"]
    gallery._projection.wait_for_merges()
    assert gallery.stats().index_kind == "hnsw"
    assert names(gallery.search(unit(7)[None], k=1)[0]) == ["7.jpg"]
    assert len(files(tmp_path, ".base")) == 1


def test_each_collection_is_searched_alone_and_small_ones_stay_exact(open_gallery, new_face, rules):
    gallery = open_gallery(serve=True)
    gallery.make_collection("small")
    enrol(gallery, new_face, range(60))
    enrol(gallery, new_face, [200, 201], collection="small")
    gallery._projection.wait_for_merges()
    [found] = gallery.search(unit(0)[None], k=9, collection="small")
    assert sorted(names(found)) == ["200.jpg", "201.jpg"]
    kinds = {index.kind for index in gallery._projection._indexes.values()}
    assert kinds == {"exact", "hnsw"}
    assert gallery._projection.size == 62
    similarities, _ = gallery._projection.search(unit(200)[None], 3)
    assert similarities[0, 0] == pytest.approx(1, abs=1e-4)


def test_ten_people_are_found_behind_the_many_faces_of_one(open_gallery, new_face, rules):
    gallery = open_gallery(serve=True)
    near = [unit(1) + 0.05 * unit(seed) for seed in range(300, 420)]
    gallery.add(
        [
            new_face("Crowd", 300 + place, embedding=vector / np.linalg.norm(vector))
            for place, vector in enumerate(np.array(near, np.float32))
        ]
    )
    enrol(gallery, new_face, range(500, 512), person="Single")
    gallery._projection.wait_for_merges()
    assert gallery.stats().index_kind == "hnsw"
    [found] = gallery.search(unit(1)[None], k=10)
    assert len({match.face.person for match in found}) == 10
    assert found[0].face.person == "Crowd"


def test_what_is_erased_is_gone_from_base_and_snapshot(open_gallery, new_face, tmp_path, rules):
    gallery = open_gallery(serve=True)
    enrolled = enrol(gallery, new_face, range(60))
    gallery._projection.wait_for_merges()
    [base] = files(tmp_path, ".base")
    index = next(iter(gallery._projection._indexes.values()))
    row = int(np.flatnonzero(index.state().base.keys == 31)[0])
    needle = index.state().base.file.arrays["fine"][row].tobytes()
    assert needle in base.read_bytes()
    gallery.erase_face(enrolled[30].face.face_id)
    gallery.maintain()
    assert needle not in base.read_bytes()
    gallery.close()
    again = open_gallery(serve=True)
    assert again.stats().index_size == 59
    assert "30.jpg" not in names(again.search(unit(30)[None], k=60)[0])


def test_a_command_that_erases_cleans_the_snapshot_where_no_service_runs(
    open_gallery, new_face, tmp_path, rules
):
    gallery = open_gallery(serve=True)
    enrolled = enrol(gallery, new_face, range(60))
    gallery._projection.wait_for_merges()
    gallery.close()
    [base] = files(tmp_path, ".base")
    before = base.read_bytes()
    command = open_gallery()
    command.erase_person(enrolled[3].face.person_id)
    command.close()
    assert base.read_bytes() != before
    again = open_gallery(serve=True)
    assert again.stats().index_kind == "hnsw"
    assert again.stats().index_size == 59


def test_searches_and_enrolments_go_on_while_a_snapshot_is_written(
    open_gallery, new_face, monkeypatch
):
    gallery = open_gallery(serve=True)
    enrol(gallery, new_face, range(5))
    began, go_on = threading.Event(), threading.Event()

    def slow(path, content):
        began.set()
        go_on.wait(20)
        path.write_bytes(content)
        path.chmod(0o600)

    monkeypatch.setattr("index.snapshot.write_whole", slow)
    saving = threading.Thread(target=gallery._projection.save)
    saving.start()
    began.wait()
    enrol(gallery, new_face, [50])
    assert names(gallery.search(unit(50)[None], k=1)[0]) == ["50.jpg"]
    go_on.set()
    saving.join()
    monkeypatch.undo()
    gallery.close()
    assert open_gallery(serve=True).stats().index_size == 6


def test_a_builder_loads_no_index(open_gallery, new_face, monkeypatch):
    monkeypatch.setattr(
        "index.projection.LayeredIndex", lambda *_: pytest.fail("an index was made")
    )
    gallery = open_gallery()
    enrol(gallery, new_face, range(3))
    gallery.close()


def test_a_merge_runs_beside_the_service_and_is_given_up_at_its_end():
    began, ended = threading.Event(), []

    def merge(pause):
        began.set()
        try:
            while True:
                pause()
        finally:
            ended.append(True)

    merger = Merger(merge)
    merger.start()
    merger.start()
    began.wait()
    merger.close()
    merger.start()
    assert ended == [True]


@pytest.mark.parametrize(("number", "expected"), [(28, StorageFull), (30, StoreUnavailable)])
def test_a_disk_that_takes_no_index_is_told_when_the_gallery_opens(
    open_gallery, new_face, monkeypatch, rules, number, expected
):
    enrol(open_gallery(), new_face, range(60))

    def fail(*_):
        raise OSError(number, "as told")

    monkeypatch.setattr("index.rebuilding.write_exact", fail)
    with pytest.raises(expected, match="the index"):
        open_gallery(serve=True)
    monkeypatch.undo()


def test_a_snapshot_that_is_refused_is_told_in_the_log(open_gallery, new_face, tmp_path, caplog):
    gallery = open_gallery(serve=True)
    enrol(gallery, new_face, range(3))
    gallery.close()
    (tmp_path / "data" / "index").chmod(0o777)
    assert open_gallery(serve=True).stats().index_size == 3
    assert "snapshot_refused" in caplog.text
    assert "not trusted" in caplog.text


def test_a_merge_without_room_is_tried_again_later(caplog, monkeypatch):
    tries = []

    def merge(pause):
        tries.append(pause)
        raise OSError(28, "No space left on device")

    merger = Merger(merge)
    merger.start()
    merger.wait()
    merger.start()
    merger.wait()
    assert len(tries) == 1
    assert "No space left" in caplog.text
    merger._rest_until_s = 0
    merger.start()
    merger.wait()
    assert len(tries) == 2


def test_nothing_is_merged_while_an_index_is_small():
    index = LayeredIndex(16)
    index.add(np.arange(2000), np.stack([unit(seed) for seed in range(2000)]))
    assert not index.merge_due()
    index.add(np.array([2000]), unit(2000)[None])
    assert index.merge_due()


def test_a_merge_that_ends_only_after_closing_leaves_the_snapshot_alone(
    open_gallery, new_face, tmp_path, rules, monkeypatch
):
    monkeypatch.setattr("index.merging.CLOSE_S", 0.05)
    written, go_on = threading.Event(), threading.Event()
    whole = LayeredIndex.merge

    def slow(self, path, pause):
        whole(self, path, pause)
        written.set()
        assert go_on.wait(10)

    monkeypatch.setattr(LayeredIndex, "merge", slow)
    gallery = open_gallery(serve=True)
    enrol(gallery, new_face, range(60))
    assert written.wait(10)
    projection = gallery._projection
    gallery.close()
    again = open_gallery(serve=True)
    enrol(again, new_face, range(60, 64))
    again._projection.save()
    [snapshot] = files(tmp_path, ".snapshot")
    left = snapshot.read_bytes()
    go_on.set()
    projection._merger.wait(10)
    assert snapshot.read_bytes() == left
    assert names(again.search(unit(7)[None], k=1)[0]) == ["7.jpg"]


def test_what_the_closing_upkeep_catches_up_with_is_in_the_snapshot(
    open_gallery, new_face, tmp_path, card
):
    gallery, other = open_gallery(serve=True), open_gallery()
    enrol(gallery, new_face, range(3))
    enrol(other, new_face, range(3, 5))
    other.erase_person(other.person_called("Ana 1").person_id)
    gallery.close()
    [snapshot] = files(tmp_path, ".snapshot")
    with other._database.read() as connection:
        newest = changes.last_seq(connection)
    seq, entries = read_manifest(snapshot, other._projection._snapshots._origin)
    assert seq == newest
    assert [entry.delta for entry in entries.values()] == [4]
