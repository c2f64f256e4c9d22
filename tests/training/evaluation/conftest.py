"""Made-up embeddings of made-up people."""

import numpy as np
import pytest


@pytest.fixture
def some() -> tuple[np.ndarray, np.ndarray]:
    """60 embeddings of 14 people with 1 to 9 photos; people are alike to themselves somewhat."""
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(14), [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5])
    people = people[random.permutation(len(people))]
    vectors = random.normal(size=(len(people), 6)) + 1.2 * random.normal(size=(14, 6))[people]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), people
