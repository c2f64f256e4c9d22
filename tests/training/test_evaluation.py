"""Retrieval figures against a slow count, intervals, and the floors."""

import cv2
import numpy as np
import pytest

from faces.sources import Photo
from faces.types import Box, DetectedFace
from training.baselines import eigenfaces, random_network
from training.errors import BadTrainingData
from training.evaluation import Probes, bootstrap_difference, probe_crops, retrieve


def png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


def test_figures_agree_with_a_slow_count_and_misses_are_failures():
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(5), [2, 3, 4, 12, 3])
    missed = np.array([1, 0, 2, 0, 0])
    embeddings = random.normal(size=(len(people), 6)) + 0.8 * people[:, None]
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype("f4")
    probes = Probes(np.zeros((len(people), 1, 1, 3), np.uint8), people, missed, tuple("abcde"))
    found = retrieve(probes, embeddings)
    hits, precisions = [], []
    for probe in range(len(people)):
        others = [other for other in range(len(people)) if other != probe]
        others.sort(key=lambda other: -float(embeddings[probe] @ embeddings[other]))
        same = [people[other] == people[probe] for other in others[:9]]
        hits.append(same[0])
        precisions.append(sum(same) / 9)
    ceilings = [
        min(9, (people == person).sum() + missed[person] - 1) / 9 for person in [*people, 0, 2, 2]
    ]
    assert found.hit_at_1.tolist() == [*map(float, hits), 0, 0, 0]
    assert np.allclose(found.precision_at_9, [*precisions, 0, 0, 0])
    assert np.allclose(found.ceiling_at_9, ceilings)
    assert (found.precision_at_9 <= found.ceiling_at_9 + 1e-9).all()
    assert found.hit_at_9.mean() >= found.hit_at_1.mean()


def test_the_interval_over_people_holds_the_difference_and_grows_with_fewer_people():
    random = np.random.default_rng(0)
    many = np.repeat(np.arange(60), 8)
    first, second = (
        (random.random(480) < 0.7).astype(float),
        (random.random(480) < 0.5).astype(float),
    )
    difference, low, high = bootstrap_difference(first, second, many)
    assert difference == pytest.approx(first.mean() - second.mean())
    assert 0 < low < difference < high
    _, few_low, few_high = bootstrap_difference(first[:64], second[:64], many[:64])
    assert few_high - few_low > high - low


class TopLeftDetector:
    """Finds a face in every picture but the black ones."""

    def detect(self, image):
        return [DetectedFace(Box(0, 0, 16, 16), 0.9)] if image.any() else []


def photo(name: str, person: str | None, data: bytes, **row: str) -> Photo:
    return Photo(name, person, row, lambda _place: data, name)


def test_near_duplicates_and_people_with_one_photo_are_no_probes():
    face, black = png(np.full((20, 20, 3), 200, np.uint8)), png(np.zeros((20, 20, 3), np.uint8))
    probes = probe_crops(
        [
            photo("a1", "ann", face),
            photo("a2", "ann", black),
            photo("a3", "ann", b"no photo"),
            photo("a4", "ann", face, near_dup_of="a1"),
            photo("b1", "bo", face),
            photo("c1", None, face),
        ],
        TopLeftDetector(),
        margin=0.0,
        size_px=16,
    )
    assert probes.names == ("ann",)
    assert probes.crops.shape == (1, 16, 16, 3)
    assert probes.missed.tolist() == [2]


def test_nothing_to_retrieve_is_an_error():
    face, black = png(np.full((20, 20, 3), 200, np.uint8)), png(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(BadTrainingData, match="two labelled photos"):
        probe_crops([photo("a", "ann", face)], TopLeftDetector(), margin=0, size_px=16)
    with pytest.raises(BadTrainingData, match="found no face in 2 photos"):
        probe_crops([photo(n, "ann", black) for n in "ab"], TopLeftDetector(), margin=0, size_px=16)


@pytest.mark.parametrize("floor", [eigenfaces, random_network])
def test_the_floors_give_unit_length_and_tell_very_different_pictures_apart(floor):
    random = np.random.default_rng(0)
    patterns = random.integers(0, 255, (3, 64, 64, 3))
    crops = np.repeat(patterns, 12, axis=0) + random.integers(-6, 6, (36, 64, 64, 3))
    embeddings = floor(np.clip(crops, 0, 255).astype(np.uint8))
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    probes = Probes(crops, np.repeat(np.arange(3), 12), np.zeros(3, int), tuple("abc"))
    assert retrieve(probes, embeddings).hit_at_1.mean() == 1
