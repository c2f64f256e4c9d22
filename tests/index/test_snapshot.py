import json
import os

import numpy as np
import pytest

from index import base_file
from index.layered_index import LayeredIndex
from index.manifest import Origin
from index.merge_rules import Rules
from index.snapshot import BadSnapshot, Snapshots, remove_others
from tests.index.conftest import DIMENSION, unit

ORIGIN = Origin("gallery", "contract", "auto", DIMENSION)
RULES = Rules(exact_up_to=20, delta_rows=8)
COLLECTION = 3


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "index"
    folder.mkdir(mode=0o700)
    return folder


def filled(folder, count, changes=0):
    """An index whose first `count` faces are in a base; then as many changes of each kind."""
    index = LayeredIndex(DIMENSION, "auto", RULES)
    index.add(np.arange(count), np.stack([unit(seed) for seed in range(count)]))
    index.merge(folder / "contract-3-9.base", lambda: None)
    for change in range(changes):
        index.remove(np.array([change]))
        index.add(np.array([1000 + change]), unit(1000 + change)[None])
    return index


@pytest.fixture(params=["exact", "hnsw"])
def index(request, folder):
    return filled(folder, 15 if request.param == "exact" else 60, changes=2)


@pytest.fixture
def saved(folder, index):
    snapshots = Snapshots(folder, ORIGIN)
    snapshots.save(12, {COLLECTION: index.state()})
    return snapshots


def load(folder, origin=ORIGIN):
    seq, states = Snapshots(folder, origin).load()
    index = LayeredIndex(DIMENSION, "auto", RULES)
    index.restore(states[COLLECTION])
    return seq, index


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_snapshot_brings_back_base_tombstones_and_delta(folder, index, saved):
    seq, copy = load(folder)
    assert (seq, copy.size, copy.kind) == (12, index.size, index.kind)
    probes = np.stack([unit(seed) for seed in (5, 1000, 1001)])
    assert copy.search(probes, 1)[1].tolist() == [[5], [1000], [1001]]
    assert not {0, 1} & set(copy.search(unit(0)[None], copy.size)[1][0].tolist())


def test_an_empty_index_can_be_saved(folder):
    Snapshots(folder, ORIGIN).save(1, {COLLECTION: LayeredIndex(DIMENSION).state()})
    assert load(folder)[1].size == 0


def test_what_has_not_changed_is_not_written_again(folder, index, saved):
    before = names(folder)
    saved.save(20, {COLLECTION: None})
    assert names(folder) == before
    assert load(folder)[0] == 20


def test_a_new_snapshot_replaces_the_old_one_and_leaves_nothing_else(folder, index, saved):
    index.remove(np.array([7]))
    saved.save(13, {COLLECTION: index.state()})
    assert load(folder)[1].size == index.size
    assert len(names(folder)) == 3


def test_a_merged_index_takes_its_old_base_away_with_the_next_snapshot(folder, index, saved):
    path = saved.new_base(COLLECTION)
    index.merge(path, lambda: None)
    saved.save(14, {COLLECTION: index.state()})
    assert [name for name in names(folder) if name.endswith(".base")] == [path.name]
    assert load(folder)[1].size == index.size


def test_vectors_of_erased_faces_are_in_no_file_once_the_snapshot_is_saved(folder, index, saved):
    base = index.state().base
    needles = [base.file.arrays[name][[2, 3]].tobytes() for name in base.row_arrays]
    content = base.file.path.read_bytes()
    kept = [base.file.arrays[name][[5]].tobytes() for name in base.row_arrays]
    keys = base.keys[[2, 3]]
    index.remove(np.array(keys))
    index.add(np.array([2000]), unit(2000)[None])
    index.remove(np.array([2000]))
    half = DIMENSION // 2
    assert all(needle[:half] in content for needle in needles)
    saved.save(13, {COLLECTION: index.state()})
    for file in folder.iterdir():
        content = file.read_bytes()
        assert not [needle for needle in needles if needle[:half] in content]
        assert unit(2000).tobytes()[:half] not in content
    assert all(needle in base.file.path.read_bytes() for needle in kept)
    assert load(folder)[1].size == index.size


def test_a_crash_before_erased_rows_are_overwritten_is_made_up_for(folder, index, saved):
    key = int(index.state().base.keys[4])
    index.remove(np.array([key]))
    saved._wipe = lambda state: None
    saved.save(13, {COLLECTION: index.state()})
    snapshots = Snapshots(folder, ORIGIN)
    _, states = snapshots.load()
    base = states[COLLECTION].base
    assert base.holds_vector(4)
    snapshots.finish_wiping(states.values())
    assert not base.holds_vector(4)
    assert load(folder)[1].size == index.size
    snapshots.finish_wiping(states.values())


def test_a_failing_write_leaves_the_old_snapshot_and_nothing_else(
    folder, index, saved, monkeypatch
):
    before = names(folder)

    def fail(path, content):
        if path.suffix == ".snapshot":
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    monkeypatch.setattr("index.manifest.write_whole", fail)
    index.remove(np.array([7]))
    with pytest.raises(OSError, match="No space left"):
        saved.save(13, {COLLECTION: index.state()})
    monkeypatch.undo()
    assert names(folder) == before
    assert load(folder)[0] == 12
    saved.save(13, {COLLECTION: index.state()})
    assert load(folder)[1].size == index.size


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0x40
    path.write_bytes(data)


def file_of(folder, suffix):
    [path] = folder.glob(f"*{suffix}")
    return path


@pytest.mark.parametrize("place", [0, 0.01, 0.31, 0.61, 0.99])
@pytest.mark.parametrize("suffix", [".snapshot", ".rest", ".base"])
def test_one_flipped_bit_is_noticed(folder, saved, suffix, place):
    path = file_of(folder, suffix)
    flip(path, int(place * path.stat().st_size))
    with pytest.raises(BadSnapshot):
        load(folder)


@pytest.mark.parametrize("size", [0, 10, -1])
@pytest.mark.parametrize("suffix", [".snapshot", ".rest", ".base"])
def test_a_truncated_file_is_noticed(folder, saved, suffix, size):
    path = file_of(folder, suffix)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(BadSnapshot):
        load(folder)


@pytest.mark.parametrize("suffix", [".snapshot", ".rest", ".base"])
@pytest.mark.parametrize("change", ["missing", "link", "writable", "folder"])
def test_a_file_that_is_missing_or_that_others_may_write_is_refused(folder, saved, suffix, change):
    path = file_of(folder, suffix)
    if change == "writable":
        path.chmod(0o620)
    else:
        path.rename(folder / "elsewhere")
    if change == "link":
        path.symlink_to(folder / "elsewhere")
    if change == "folder":
        path.mkdir()
    with pytest.raises(BadSnapshot):
        load(folder)


def test_a_folder_that_others_may_write_is_not_trusted(folder, saved):
    folder.chmod(0o770)
    with pytest.raises(BadSnapshot, match="not trusted"):
        load(folder)


def test_a_file_of_another_user_is_not_trusted(folder, saved, monkeypatch):
    monkeypatch.setattr(base_file.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(BadSnapshot, match="not trusted"):
        load(folder)


def rewrite(folder, change):
    """Change the content of the snapshot and give it the right checksum."""
    import hashlib

    path = file_of(folder, ".snapshot")
    content = json.loads(path.read_bytes().partition(b"\n")[2])
    written = json.dumps(change(content)).encode()
    path.write_bytes(hashlib.sha256(written).hexdigest().encode() + b"\n" + written)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: [],
        lambda content: {},
        lambda content: content | {"format": 1},
        lambda content: content | {"origin": {}},
        lambda content: content | {"collections": {"x": {}}},
        lambda content: content | {"seq": None},
    ],
)
def test_content_of_another_shape_is_refused(folder, saved, change):
    rewrite(folder, change)
    with pytest.raises(BadSnapshot):
        load(folder)


@pytest.mark.parametrize("name", ["base", "rest"])
def test_a_snapshot_leads_to_no_file_outside_its_folder(folder, saved, name):
    def elsewhere(content):
        content["collections"][str(COLLECTION)][name] = "../elsewhere"
        return content

    rewrite(folder, elsewhere)
    with pytest.raises(BadSnapshot, match="no file of this folder"):
        load(folder)


@pytest.mark.parametrize(
    "origin",
    [
        Origin("another gallery", "contract", "auto", DIMENSION),
        Origin("gallery", "contract of another", "auto", DIMENSION),
        Origin("gallery", "contract", "exact", DIMENSION),
        Origin("gallery", "contract", "auto", 2 * DIMENSION),
    ],
)
def test_a_snapshot_of_something_else_is_refused(folder, saved, origin):
    with pytest.raises(BadSnapshot):
        load(folder, origin)


def test_what_crashes_and_earlier_encoders_left_is_removed(folder, saved):
    kept = names(folder)
    for name in ("old.snapshot", "half.new", "old-1-1.base", "old-1-2.rest", "notes.txt"):
        (folder / name).write_bytes(b"x")
    remove_others(folder, keep=saved.files())
    assert names(folder) == sorted([*kept, "notes.txt"])
    saved.discard()
    assert names(folder) == ["notes.txt"]
