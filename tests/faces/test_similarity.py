"""Similarities: the best one is found, and undone."""

import numpy as np
import pytest

from faces.similarity import fit, inverse, moved, scale_of, shifted


def similarity(scale: float, turn: float, shift: tuple[float, float]) -> np.ndarray:
    a, b = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[a, -b, shift[0]], [b, a, shift[1]]])


def test_a_similarity_is_found_from_what_it_does() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    truth = similarity(3.0, 0.7, (10, -4))
    found = fit(points, moved(points, truth))
    np.testing.assert_allclose(found, truth, atol=1e-9)
    assert scale_of(found) == pytest.approx(3.0)


def test_no_similarity_near_the_fitted_one_fits_better() -> None:
    random = np.random.default_rng(1)
    points, targets = random.normal(size=(2, 5, 2))
    best = fit(points, targets)
    least = ((moved(points, best) - targets) ** 2).sum()
    for _ in range(200):
        a, b, x, y = random.normal(0, 0.05, 4)
        other = best + np.array([[a, -b, x], [b, a, y]])
        assert ((moved(points, other) - targets) ** 2).sum() >= least


def test_the_inverse_undoes() -> None:
    points = np.random.default_rng(2).normal(size=(4, 2))
    transform = similarity(0.3, -2.0, (7, 8))
    np.testing.assert_allclose(moved(moved(points, transform), inverse(transform)), points)


def test_counting_from_another_origin_changes_no_place() -> None:
    points = np.random.default_rng(3).normal(size=(4, 2))
    transform = similarity(2.0, 0.4, (1, 2))
    # the same places, counted from (0.5, 0.5) on both sides
    np.testing.assert_allclose(
        moved(points - 0.5, shifted(transform, 0.5)), moved(points, transform) - 0.5
    )


def test_points_in_one_place_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="all in one place"):
        fit(np.ones((5, 2)), np.ones((5, 2)))
