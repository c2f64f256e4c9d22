"""What every vector index must do: one suite, run against each adapter. The oracle is numpy.

An index is merged whenever it asks for it, after each change, so that what the tests put in is
spread over base, tombstones and delta. Tests of the approximate kind alone are at the end.
"""

import threading
from collections.abc import Callable
from itertools import count as counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import InvalidEmbedding
from index.gpu import GpuOwner
from index.layered_index import LayeredIndex
from index.merge_rules import Rules
from index.vector_index import VectorIndex
from tests.index.device import DeviceRowsInMemory

DIMENSION = 8
OFTEN = Rules(exact_up_to=10, delta_rows=4, delta_share=0.1, exact_delta_share=0.1)
NEVER = Rules(delta_rows=10**9)

Make = Callable[[int], VectorIndex]


class MergedIndex(LayeredIndex):
    """Merged at once whenever that is due."""

    def __init__(self, dimension, folder, kind, rules, accelerate=None):
        super().__init__(dimension, kind, rules, accelerate)
        self._folder, self._numbers = folder, counter()
        self.merges = 0

    def add(self, keys, vectors):
        super().add(keys, vectors)
        self._merge_what_is_due()

    def remove(self, keys):
        super().remove(keys)
        self._merge_what_is_due()

    def _merge_what_is_due(self):
        if self.merge_due():
            self.merge(self._folder / f"{next(self._numbers)}.base", lambda: None)
            self.merges += 1


ADAPTERS = {
    "delta": ("exact", NEVER),
    "exact": ("exact", OFTEN),
    "hnsw": ("hnsw", OFTEN),
    "auto": ("auto", OFTEN),
    "gpu": ("gpu", OFTEN),
}


@pytest.fixture(params=ADAPTERS)
def make(request, tmp_path_factory):
    kind, rules = ADAPTERS[request.param]
    folder = tmp_path_factory.mktemp("index")
    numbers = counter()
    accelerate = GpuOwner(DeviceRowsInMemory).bring if kind == "gpu" else None

    def made(dimension=DIMENSION):
        own = folder / str(next(numbers))
        own.mkdir()
        return MergedIndex(dimension, own, kind, rules, accelerate)

    return made


def units(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def keys(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def filled(make: Make, count: int = 20) -> tuple[VectorIndex, np.ndarray]:
    index, vectors = make(DIMENSION), units(count)
    index.add(np.arange(count), vectors)
    return index, vectors


def test_a_new_index_is_empty_and_exact(make):
    index = make()
    assert (index.kind, index.size) == ("exact", 0)


def test_an_empty_index_answers_with_nothing(make):
    similarities, found = make().search(units(3), 5)
    assert similarities.shape == found.shape == (3, 0)


def test_a_vector_finds_itself_first(make):
    index, vectors = filled(make)
    similarities, found = index.search(vectors, 3)
    assert found[:, 0].tolist() == list(range(20))
    assert similarities[:, 0] == pytest.approx(1, abs=1e-4)
    assert (np.diff(similarities, axis=1) <= 0).all()


def test_no_more_is_found_than_there_is(make):
    index, vectors = filled(make, 4)
    similarities, found = index.search(vectors[:1], 100)
    assert sorted(found[0].tolist()) == [0, 1, 2, 3]
    assert similarities.shape == (1, 4)


def test_adding_a_face_again_replaces_its_vector(make):
    index, vectors = filled(make)
    fresh = units(1, seed=9)
    index.add(keys(3), fresh)
    index.add(keys(3), fresh)
    assert index.size == 20
    similarities, found = index.search(fresh, 1)
    assert found[0, 0] == 3
    assert similarities[0, 0] == pytest.approx(1, abs=1e-4)
    assert index.search(vectors[3:4], 20)[0].max() < 1 - 1e-4


def test_a_removed_face_is_not_found_again_and_removing_twice_does_no_harm(make):
    index, vectors = filled(make)
    index.remove(keys(3, 7, 99))
    index.remove(keys(3))
    index.remove(keys())
    assert index.size == 18
    found = index.search(vectors, 20)[1]
    assert not {3, 7} & set(found.ravel().tolist())
    others = [key for key in range(20) if key not in (3, 7)]
    assert found[others, 0].tolist() == others


def test_when_most_faces_are_removed_the_rest_is_still_found(make):
    index, vectors = filled(make, 60)
    for key in range(55):
        index.remove(keys(key))
        left = index.search(vectors[:1], 4)[1][0].tolist()
        assert len(left) == 4
        assert min(left) > key
    index.remove(np.arange(60))
    assert index.search(vectors[:1], 4)[1].shape == (1, 0)
    index.add(keys(5), vectors[5:6])
    assert index.search(vectors[:1], 4)[1].tolist() == [[5]]


def test_vectors_that_are_no_embeddings_are_refused_and_change_nothing(make):
    index, vectors = filled(make)
    for wrong in (2 * vectors[:1], np.full((1, DIMENSION), np.nan, np.float32), vectors[:1, :5]):
        with pytest.raises(InvalidEmbedding):
            index.add(keys(50), wrong)
        with pytest.raises(InvalidEmbedding):
            index.search(wrong, 1)
    assert index.size == 20


def test_what_is_kept_and_brought_back_answers_alike(make):
    index, vectors = filled(make)
    index.remove(keys(4))
    copy = make()
    copy.add(keys(1000), units(1, seed=5))
    copy.restore(index.state())
    for mine, theirs in zip(index.search(vectors, 19), copy.search(vectors, 19), strict=True):
        # sums of products may be taken in another order: a unit in the last place
        assert np.allclose(mine, theirs, rtol=0, atol=1e-6)
    copy.add(keys(4), vectors[4:5])
    assert copy.search(vectors[4:5], 1)[1][0, 0] == 4


def test_an_empty_index_can_be_kept_and_brought_back(make):
    copy, vectors = filled(make)
    copy.restore(make().state())
    assert copy.size == 0
    copy.add(keys(2), vectors[:1])
    assert copy.search(vectors[:1], 1)[1].tolist() == [[2]]


def test_searches_while_faces_come_and_go_see_whole_vectors(make):
    index, vectors = filled(make, 50)
    stop = threading.Event()
    errors: list[str] = []

    def come_and_go() -> None:
        for turn in range(8):
            fresh = np.arange(50 + turn * 40, 90 + turn * 40)
            index.add(fresh, units(40, seed=turn + 1))
            index.remove(fresh)
        stop.set()

    def look() -> None:
        while not stop.is_set():
            similarities, found = index.search(vectors[:5], 10)
            first = list(
                zip(found[:, 0].tolist(), similarities[:, 0].round(4).tolist(), strict=True)
            )
            if first != [(key, 1.0) for key in range(5)]:
                errors.append(str(first))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    come_and_go()
    for thread in threads:
        thread.join()
    assert errors == []
    assert index.size == 50


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove"]),
        st.lists(st.integers(0, 30), unique=True, max_size=8),
        st.integers(0, 2**32 - 1),
    ),
    max_size=12,
)


@given(steps=steps, count=st.integers(1, 40), seed=st.integers(0, 1000))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_any_steps_it_agrees_with_numpy(make, steps, count, seed):
    index = make()
    held: dict[int, np.ndarray] = {}
    for step, step_keys, step_seed in steps:
        if step == "add":
            vectors = units(len(step_keys), seed=step_seed)
            index.add(keys(*step_keys), vectors)
            held.update(zip(step_keys, vectors, strict=True))
        else:
            index.remove(keys(*step_keys))
            for key in step_keys:
                held.pop(key, None)
    assert index.size == len(held)
    query = units(1, seed=seed)
    similarities, found = index.search(query, count)
    expected = sorted((float(query[0] @ vector) for vector in held.values()), reverse=True)
    assert similarities[0] == pytest.approx(expected[:count], abs=1e-4)
    of_found = [float(query[0] @ held[key]) for key in found[0].tolist()]
    assert similarities[0] == pytest.approx(of_found, abs=1e-4)


def test_each_kind_turns_what_it_holds_into_a_base_of_its_kind(make):
    index, _ = filled(make, 40)
    expected = {
        "delta": ("exact", 0),
        "exact": ("exact", 1),
        "hnsw": ("hnsw", 1),
        "gpu": ("gpu", 1),
    }
    name = "delta" if index._rules is NEVER else index._named
    assert (index.kind, index.merges) == expected.get(name, ("hnsw", 1))


def test_a_graph_is_gone_on_with_until_too_many_of_its_rows_are_dead(tmp_path):
    index = MergedIndex(DIMENSION, tmp_path, "hnsw", OFTEN)
    vectors = units(100)
    index.add(np.arange(80), vectors[:80])
    index.remove(np.arange(5))
    index.add(np.arange(80, 90), vectors[80:90])
    base = index.state().base
    assert (base.count, (base.keys < 0).sum()) == (90, 5)
    index.remove(np.arange(5, 40))
    base = index.state().base
    assert (base.keys < 0).sum() == 0
    assert index.search(vectors[40:90], 1)[1][:, 0].tolist() == list(range(40, 90))


@pytest.mark.parametrize("outside", [False, True])
def test_a_vector_beyond_the_scale_of_a_graph_is_found_too(tmp_path, outside):
    index = MergedIndex(DIMENSION, tmp_path, "hnsw", OFTEN)
    flat = np.sign(units(20)) / np.sqrt(DIMENSION)
    index.add(np.arange(20), flat.astype(np.float32))
    peak = np.eye(DIMENSION, dtype=np.float32)[:1] if outside else -flat[:1].astype(np.float32)
    index.add(np.arange(20, 30), np.repeat(peak, 10, axis=0))
    assert index.kind == "hnsw"
    similarities, found = index.search(peak, 10)
    assert set(found[0].tolist()) == set(range(20, 30))
    assert similarities[0] == pytest.approx(1, abs=1e-4)


def test_what_changes_while_a_merge_is_on_its_way_is_not_lost(tmp_path):
    index = LayeredIndex(DIMENSION, "hnsw", Rules(delta_rows=4))
    vectors = units(60)
    index.add(np.arange(50), vectors[:50])
    turns = counter()

    def change_meanwhile() -> None:
        if next(turns) == 0:
            index.remove(keys(7))
            index.add(keys(8), vectors[50:51])
            index.add(keys(51), vectors[51:52])
            index.add(keys(52), vectors[52:53])
            index.remove(keys(52))

    index.merge(tmp_path / "a.base", change_meanwhile)
    assert index.kind == "hnsw"
    assert index.size == 50
    assert set(index.search(vectors[:1], 50)[1][0].tolist()) == {*range(52)} - {7, 50}
    assert index.search(vectors[50:51], 1)[1][0, 0] == 8
    assert index.search(vectors[51:52], 1)[1][0, 0] == 51
    assert index.search(vectors[8:9], 1)[0][0, 0] < 1 - 1e-4


def test_a_merge_that_gives_up_changes_nothing_and_leaves_no_file(tmp_path):
    index = LayeredIndex(DIMENSION, "hnsw", Rules(delta_rows=4))
    index.add(np.arange(50), units(50))

    def give_up() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        index.merge(tmp_path / "a.base", give_up)
    assert list(tmp_path.iterdir()) == []
    assert (index.kind, index.size) == ("exact", 50)
    index.merge(tmp_path / "a.base", lambda: None)
    assert (index.kind, index.size) == ("hnsw", 50)


def test_the_nearest_of_thousands_are_found_by_the_graph_without_looking_at_all(tmp_path):
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((6000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = LayeredIndex(32, "hnsw")
    index.add(np.arange(5000), vectors[:5000])
    index.merge(tmp_path / "a.base", lambda: None)
    base = index.state().base
    base._bytes.scan_all = lambda *_: pytest.fail("looked at every row")
    found = index.search(vectors[5000:5200], 10)[1]
    exact = np.argsort(-(vectors[5000:5200] @ vectors[:5000].T), axis=1)[:, :10]
    hits = sum(len(set(mine) & set(best)) for mine, best in zip(found, exact, strict=True))
    assert hits >= 0.98 * 2000


def test_whoever_asks_for_all_faces_gets_all_from_a_graph_too(tmp_path):
    vectors = units(3000)
    index = LayeredIndex(DIMENSION, "hnsw")
    index.add(np.arange(3000), vectors)
    index.merge(tmp_path / "a.base", lambda: None)
    similarities, found = index.search(vectors[:2], 3000)
    assert np.sort(found[0]).tolist() == list(range(3000))
    assert similarities[1] == pytest.approx(np.sort(vectors @ vectors[1])[::-1], abs=1e-4)
