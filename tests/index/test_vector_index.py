"""What every vector index must do: one suite, run against each adapter. The oracle is numpy."""

import io
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import InvalidEmbedding
from index.faiss_index import FaissExactIndex
from index.vector_index import VectorIndex

DIMENSION = 8
ADAPTERS: dict[str, Callable[[int], VectorIndex]] = {"exact": FaissExactIndex}

adapters = pytest.mark.parametrize("make", ADAPTERS.values(), ids=ADAPTERS)


def units(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def keys(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def filled(make: Callable[[int], VectorIndex], count: int = 20) -> tuple[VectorIndex, np.ndarray]:
    index, vectors = make(DIMENSION), units(count)
    index.add(np.arange(count), vectors)
    return index, vectors


@adapters
def test_it_says_what_it_is(make):
    index = make(DIMENSION)
    assert (index.kind, index.size, index.last_seq) == ("exact", 0, 0)


@adapters
def test_an_empty_index_answers_with_nothing(make):
    similarities, found = make(DIMENSION).search(units(3), 5)
    assert similarities.shape == found.shape == (3, 0)


@adapters
def test_a_vector_finds_itself_first(make):
    index, vectors = filled(make)
    similarities, found = index.search(vectors, 3)
    assert found[:, 0].tolist() == list(range(20))
    assert similarities[:, 0] == pytest.approx(1, abs=1e-6)
    assert (np.diff(similarities, axis=1) <= 0).all()


@adapters
def test_no_more_is_found_than_there_is(make):
    index, vectors = filled(make, 4)
    similarities, found = index.search(vectors[:1], 100)
    assert sorted(found[0].tolist()) == [0, 1, 2, 3]
    assert similarities.shape == (1, 4)


@adapters
def test_adding_a_face_again_replaces_its_vector(make):
    index, vectors = filled(make)
    fresh = units(1, seed=9)
    index.add(keys(3), fresh)
    index.add(keys(3), fresh)
    assert index.size == 20
    similarities, found = index.search(fresh, 1)
    assert found[0, 0] == 3
    assert similarities[0, 0] == pytest.approx(1, abs=1e-6)
    assert index.search(vectors[3:4], 20)[0].max() < 1 - 1e-6


@adapters
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


@adapters
def test_vectors_that_are_no_embeddings_are_refused_and_change_nothing(make):
    index, vectors = filled(make)
    for wrong in (2 * vectors[:1], np.full((1, DIMENSION), np.nan, np.float32), vectors[:1, :5]):
        with pytest.raises(InvalidEmbedding):
            index.add(keys(50), wrong)
        with pytest.raises(InvalidEmbedding):
            index.search(wrong, 1)
    assert index.size == 20


@adapters
def test_what_is_saved_and_loaded_answers_alike(make):
    index, vectors = filled(make)
    index.remove(keys(4))
    file = io.BytesIO()
    index.save(file)
    file.seek(0)
    copy = make(DIMENSION)
    copy.add(keys(1000), units(1, seed=5))
    copy.load(file, index.size)
    for mine, theirs in zip(index.search(vectors, 19), copy.search(vectors, 19), strict=True):
        assert np.array_equal(mine, theirs)
    copy.add(keys(4), vectors[4:5])
    assert copy.search(vectors[4:5], 1)[1][0, 0] == 4


@adapters
def test_an_empty_index_can_be_saved_and_loaded(make):
    file = io.BytesIO()
    make(DIMENSION).save(file)
    file.seek(0)
    copy, vectors = filled(make)
    copy.load(file, 0)
    assert copy.size == 0
    copy.add(keys(2), vectors[:1])
    assert copy.search(vectors[:1], 1)[1].tolist() == [[2]]


@adapters
def test_it_remembers_what_it_has_followed(make):
    index = make(DIMENSION)
    index.follow(7)
    assert index.last_seq == 7


@adapters
def test_searches_while_faces_come_and_go_see_whole_vectors(make):
    index, vectors = filled(make, 50)
    stop = threading.Event()
    errors: list[str] = []

    def come_and_go() -> None:
        for turn in range(100):
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


@adapters
@given(steps=steps, count=st.integers(1, 40), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_after_any_steps_it_agrees_with_numpy(make, steps, count, seed):
    index = make(DIMENSION)
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
    assert similarities[0] == pytest.approx(expected[:count], abs=1e-5)
    of_found = [float(query[0] @ held[key]) for key in found[0].tolist()]
    assert similarities[0] == pytest.approx(of_found, abs=1e-5)
