import json

import numpy as np
import pytest

from index.faiss_index import FaissExactIndex
from index.snapshot import (
    HEADER_BYTES,
    BadSnapshot,
    Origin,
    load_snapshot,
    remove_others,
    write_snapshot,
)
from tests.index.conftest import DIMENSION, unit

ORIGIN = Origin("gallery", "contract", "exact", DIMENSION)


@pytest.fixture
def index():
    index = FaissExactIndex(DIMENSION)
    index.add(np.arange(5), np.stack([unit(seed) for seed in range(5)]))
    index.follow(12)
    return index


@pytest.fixture
def snapshot(tmp_path, index):
    path = tmp_path / "a.snapshot"
    write_snapshot(path, ORIGIN, index)
    return path


def load(path, origin=ORIGIN):
    index = FaissExactIndex(DIMENSION)
    load_snapshot(path, origin, index)
    return index


def test_a_snapshot_brings_back_the_index_and_what_it_had_followed(snapshot):
    copy = load(snapshot)
    assert (copy.size, copy.last_seq) == (5, 12)
    assert copy.search(unit(3)[None], 1)[1].tolist() == [[3]]


def test_the_header_tells_what_the_snapshot_is(snapshot):
    header = json.loads(snapshot.read_bytes()[:HEADER_BYTES])
    assert header["origin"]["contract_hash"] == "contract"
    assert (header["seq"], header["count"], len(header["sha256"])) == (12, 5, 64)


def test_a_new_snapshot_replaces_the_old_one_and_leaves_nothing_else(snapshot, index):
    index.remove(np.array([0]))
    write_snapshot(snapshot, ORIGIN, index)
    assert load(snapshot).size == 4
    assert [file.name for file in snapshot.parent.iterdir()] == ["a.snapshot"]


def test_a_failing_write_leaves_the_old_snapshot_and_nothing_else(snapshot, index):
    class FullDisk(FaissExactIndex):
        def save(self, file):
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_snapshot(snapshot, ORIGIN, FullDisk(DIMENSION))
    assert load(snapshot).size == 5
    assert [file.name for file in snapshot.parent.iterdir()] == ["a.snapshot"]


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize("place", [0, 3, HEADER_BYTES, HEADER_BYTES + 60, -1])
def test_one_flipped_bit_is_noticed(snapshot, place):
    flip(snapshot, place)
    with pytest.raises(BadSnapshot):
        load(snapshot)


@pytest.mark.parametrize("size", [0, 10, HEADER_BYTES, HEADER_BYTES + 50, -1])
def test_a_truncated_snapshot_is_noticed(snapshot, size):
    snapshot.write_bytes(snapshot.read_bytes()[:size])
    with pytest.raises(BadSnapshot):
        load(snapshot)


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"origin": 3}', b'{"origin": {}}', b"\xff"])
def test_a_header_of_another_shape_is_refused(snapshot, header):
    data = snapshot.read_bytes()
    snapshot.write_bytes(header.ljust(HEADER_BYTES) + data[HEADER_BYTES:])
    with pytest.raises(BadSnapshot, match="header is damaged"):
        load(snapshot)


@pytest.mark.parametrize(
    "origin",
    [
        Origin("another gallery", "contract", "exact", DIMENSION),
        Origin("gallery", "another contract", "exact", DIMENSION),
        Origin("gallery", "contract", "another kind", DIMENSION),
    ],
)
def test_a_snapshot_of_something_else_is_refused(snapshot, origin):
    with pytest.raises(BadSnapshot, match="belongs to another"):
        load(snapshot, origin)


def test_a_missing_snapshot_is_no_crash(tmp_path):
    with pytest.raises(BadSnapshot, match="cannot be read"):
        load(tmp_path / "none.snapshot")


def test_what_crashes_and_earlier_encoders_left_is_removed(snapshot):
    for name in ("old.snapshot", "half.new", "notes.txt"):
        (snapshot.parent / name).write_bytes(b"x")
    remove_others(snapshot.parent, keep=[snapshot])
    assert {file.name for file in snapshot.parent.iterdir()} == {"a.snapshot", "notes.txt"}
