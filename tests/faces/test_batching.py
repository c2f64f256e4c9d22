"""Batching: whoever comes together goes together, and gets what it would get alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from faces.batching import MOST, BatchingEncoder
from faces.encoder import OnnxEncoder

SIZE_PX = 64


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return OnnxEncoder(tiny_encoder, threads=1)


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(0).integers(0, 255, (40, SIZE_PX, SIZE_PX, 3), np.uint8)


class Gated:
    """An encoder whose calls wait for a gate, and which notes their sizes."""

    def __init__(self, encoder):
        self._encoder = encoder
        self.card, self.dimension = encoder.card, encoder.dimension
        self.landmarks, self.device = None, "cpu"
        self.gate = threading.Event()
        self.sizes = []

    def embed(self, crops):
        self.sizes.append(len(crops))
        assert self.gate.wait(30)
        return self._encoder.embed(crops)


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_waits_for_the_one_lane_goes_together_and_gets_what_it_would_get_alone(encoder, crops):
    gated = Gated(encoder)
    batching = BatchingEncoder(gated, lanes=1)
    parts = [crops[:1], crops[1:2], crops[2:5], crops[5:6]]
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batching.embed, parts[0])
        wait_until(lambda: gated.sizes == [1])
        others = [pool.submit(batching.embed, part) for part in parts[1:]]
        wait_until(lambda: len(batching._waiting) == 3)
        gated.gate.set()
        found = [first.result(), *(other.result() for other in others)]
    assert gated.sizes == [1, 5]
    for part, embeddings in zip(parts, found, strict=True):
        np.testing.assert_allclose(embeddings, encoder.embed(part), atol=1e-5)


def test_a_call_has_no_more_than_the_most_unless_one_caller_brings_more(encoder, crops):
    gated = Gated(encoder)
    batching = BatchingEncoder(gated, lanes=1)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(batching.embed, crops[:1])
        wait_until(lambda: gated.sizes == [1])
        others = [pool.submit(batching.embed, crops[i : i + 1]) for i in range(1, 19)]
        wait_until(lambda: len(batching._waiting) == 18)
        gated.gate.set()
        for each in [first, *others]:
            each.result()
    assert gated.sizes == [1, MOST, 2]
    assert len(batching.embed(crops)) == 40


def test_a_lone_request_does_not_wait(encoder, crops):
    batching = BatchingEncoder(encoder, wait_s=30, company=lambda: 1)
    start = time.monotonic()
    batching.embed(crops[:1])
    assert time.monotonic() - start < 10


def test_a_leader_waits_for_those_in_work_and_no_longer(encoder, crops):
    sizes = []
    batching = BatchingEncoder(encoder, lanes=2, wait_s=30, company=lambda: 3, observe=sizes.append)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(batching.embed, [crops[:1], crops[1:2], crops[2:3]]))
    assert sizes == [3]


def test_a_leader_waits_no_longer_than_it_may(encoder, crops):
    sizes = []
    batching = BatchingEncoder(encoder, wait_s=0.01, company=lambda: 9, observe=sizes.append)
    batching.embed(crops[:1])
    assert sizes == [1]


def test_two_lanes_run_side_by_side(encoder, crops):
    gated = Gated(encoder)
    batching = BatchingEncoder(gated, lanes=2)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(batching.embed, crops[:1]) for _ in range(2)]
        wait_until(lambda: gated.sizes == [1, 1])
        gated.gate.set()
        assert [len(each.result()) for each in both] == [1, 1]


def test_crops_that_cannot_be_embedded_hit_no_other_caller(encoder, crops):
    gated = Gated(encoder)
    batching = BatchingEncoder(gated, lanes=1)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batching.embed, crops[:1])
        wait_until(lambda: gated.sizes == [1])
        bad = pool.submit(batching.embed, crops[1:2].astype(np.float32))
        good = pool.submit(batching.embed, crops[2:3])
        wait_until(lambda: len(batching._waiting) == 2)
        gated.gate.set()
        assert len(first.result()) == 1
        with pytest.raises(ValueError, match="uint8"):
            bad.result()
        np.testing.assert_allclose(good.result(), encoder.embed(crops[2:3]), atol=1e-5)


@pytest.mark.parametrize(
    ("lanes", "wait_s", "companions", "sizes"),
    [
        (2, 0.0, 2, [1]),
        (1, 0.0, 6, [1, 2, 4, 6]),
        (2, 0.01, 2, [1, 2]),
        (1, 0.0, 99, [1, 2, 4, 8, 16]),
    ],
)
def test_the_sizes_that_can_come_are_warmed_up(encoder, lanes, wait_s, companions, sizes):
    gated = Gated(encoder)
    gated.gate.set()
    BatchingEncoder(gated, lanes=lanes, wait_s=wait_s).warm_up(companions)
    assert gated.sizes == sizes


def test_equal_crops_get_equal_bits_whatever_goes_with_them(encoder, crops):
    alone = encoder.embed(crops[:1])
    for count in (2, 3, 7, 16, 40):
        np.testing.assert_allclose(encoder.embed(crops[:count])[:1], alone, atol=1e-5)
