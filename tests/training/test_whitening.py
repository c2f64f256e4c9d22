"""Feature maps: what is equal within people afterwards, and who is told apart better."""

import numpy as np
import pytest

from training.whitening import FeatureMap, component_whitening, within_person_whitening


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray]:
    """People differ along 4 directions; the light of each photo drowns them along 3 others."""
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 5)
    who = random.normal(size=(60, 4))[people] + random.normal(0, 0.3, (300, 4))
    light = random.normal(0, 3, (300, 3))
    mixed = np.concatenate([who, light], axis=1) @ random.normal(size=(7, 7))
    return (mixed + 40).astype(np.float32), people


def test_without_a_ridge_the_covariance_within_people_becomes_the_identity(features):
    values, people = features
    fitted = within_person_whitening(values, people, ridge=0.0)
    mapped = (values - fitted.mean) @ fitted.matrix
    centres = np.stack([mapped[people == person].mean(axis=0) for person in range(60)])
    within = mapped - centres[people]
    assert np.allclose(within.T @ within / (300 - 60), np.eye(7), atol=1e-3)


def test_whitening_finds_the_same_person_where_light_hides_it(features):
    values, people = features
    fitted = within_person_whitening(values, people, ridge=0.003)
    plain = FeatureMap(values.mean(axis=0), np.eye(7))
    assert nearest_is_same(values, people, fitted) > 2 * nearest_is_same(values, people, plain)


def test_photos_that_are_alone_or_unnamed_count_for_the_mean_only(features):
    values, people = features
    strangers = np.concatenate([values, values[:2] + 9])
    named = np.concatenate([people, [-1, 60]])
    with_them = within_person_whitening(strangers, named)
    assert np.allclose(with_them.mean, strangers.mean(axis=0), atol=1e-4)
    assert np.isfinite(with_them.matrix).all()


def test_a_feature_that_never_fires_stays_finite_and_small(features):
    values, people = features
    dead = np.concatenate([values, np.zeros((300, 1), np.float32)], axis=1)
    fitted = within_person_whitening(dead, people)
    assert np.abs(fitted.matrix).max() < 1e4
    mapped = (dead - fitted.mean) @ fitted.matrix
    assert np.abs(mapped[:, -1]).max() < 1e-6


def test_whitened_components_have_one_variance_and_no_correlation(features):
    values, _ = features
    fitted = component_whitening(values, components=7)
    mapped = (values - fitted.mean) @ fitted.matrix
    assert np.allclose(np.cov(mapped.T), np.eye(7), atol=1e-3)


def test_the_strongest_components_are_kept(features):
    values, _ = features
    fitted = component_whitening(values, components=3)
    variances = np.sort(np.linalg.eigvalsh(np.cov(values.T.astype(float))))
    lengths = np.linalg.norm(fitted.matrix, axis=0)
    assert np.allclose(np.sort(lengths**-2), variances[-3:], rtol=1e-3)


def test_few_photos_support_few_components(features):
    values, _ = features
    assert component_whitening(values[:32]).matrix.shape == (7, 4)


def nearest_is_same(values, people, fitted) -> float:
    mapped = (values - fitted.mean) @ fitted.matrix
    mapped /= np.linalg.norm(mapped, axis=1, keepdims=True)
    similarity = mapped @ mapped.T - 9 * np.eye(len(mapped))
    return float((people[similarity.argmax(axis=1)] == people).mean())
