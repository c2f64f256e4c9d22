"""The floors: unit length, and enough to tell very different pictures apart."""

import numpy as np
import pytest

from training.baselines import (
    HOG_CELL_PX,
    eigenfaces,
    oriented_gradients,
    random_network,
    whitened_gradients,
)
from training.evaluation.retrieval import retrieve


@pytest.mark.parametrize(
    "floor", [eigenfaces, random_network, oriented_gradients, whitened_gradients]
)
def test_the_floors_give_unit_length_and_tell_very_different_pictures_apart(floor):
    random = np.random.default_rng(0)
    patterns = random.integers(0, 255, (3, 64, 64, 3))
    crops = np.repeat(patterns, 12, axis=0) + random.integers(-6, 6, (36, 64, 64, 3))
    embeddings = floor(np.clip(crops, 0, 255).astype(np.uint8))
    assert embeddings.dtype == np.float32
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert retrieve(embeddings, np.repeat(np.arange(3), 12)).hit_at_1.mean() == 1


def test_histograms_of_gradients_agree_with_a_slow_loop():
    """Dalal and Triggs 2005, section 6, one vote at a time."""
    crops = np.random.default_rng(1).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    expected = []
    for crop in crops:
        grey = crop.astype(float).mean(axis=2)
        down, across = np.gradient(grey)
        cells = np.zeros((8, 8, 9))
        for y in range(64):
            for x in range(64):
                degrees = np.degrees(np.arctan2(down[y, x], across[y, x])) % 180
                place = degrees / 20 - 0.5  # centres of the 9 bins lie at 10, 30, ... 170 degrees
                lower = int(np.floor(place))
                strength = np.hypot(down[y, x], across[y, x])
                cell = cells[y // HOG_CELL_PX, x // HOG_CELL_PX]
                cell[lower % 9] += strength * (1 - (place - lower))
                cell[(lower + 1) % 9] += strength * (place - lower)
        blocks = []
        for i in range(7):
            for j in range(7):
                block = np.concatenate(
                    [cells[i, j], cells[i, j + 1], cells[i + 1, j], cells[i + 1, j + 1]]
                )
                block = np.minimum(block / np.linalg.norm(block), 0.2)
                blocks.append(block / np.linalg.norm(block))
        expected.append(np.concatenate(blocks))
    centred = np.array(expected) - np.mean(expected, axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    assert np.allclose(oriented_gradients(crops), centred, atol=1e-4)


def test_a_mirrored_crop_is_the_same_to_whitened_gradients():
    crops = np.random.default_rng(3).integers(0, 256, (40, 64, 64, 3)).astype(np.uint8)
    crops[1] = crops[0, :, ::-1]
    embeddings = whitened_gradients(crops)
    cosines = embeddings @ embeddings[0]
    assert cosines[1] > 0.9
    assert cosines[2:].max() < 0.9
