"""Calibration: what is written into a card is true of the pairs, monotone, and can be read."""

import itertools

import numpy as np
import pytest

from faces.calibration import read_calibration
from training.calibration import (
    BINS,
    CENTRES,
    EDGES,
    Labelled,
    Tally,
    calibrate,
    false_match_knots,
    held_out_losses,
    isotonic_fit,
    logistic_fit,
    tally_of,
)
from training.errors import BadTrainingData
from training.evaluation.pairs import PAIRS_OF_PERSON


def made_up(people: int, photos: int, seed: int = 0, alike: float = 1.0) -> Labelled:
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), photos)
    vectors = alike * random.normal(size=(people, 16))[who] + random.normal(size=(len(who), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Labelled(f"set {seed}", vectors.astype(np.float32), who)


def drawn(kind, size, seed=0) -> np.ndarray:
    """A histogram of draws of a normal distribution."""
    mean, deviation = kind
    values = np.random.default_rng(seed).normal(mean, deviation, size)
    return np.histogram(np.clip(values, -1, 1), EDGES)[0]


def test_pairs_of_two_people_stay_within_their_set_and_nobody_has_too_many():
    sets = [made_up(12, 4, 0), made_up(3, 12, 1)]
    tally = tally_of(sets)
    assert tally.cross.sum() == (48 * 47 / 2 - 12 * 6) + (36 * 35 / 2 - 3 * 66)
    assert tally.same.sum() == 12 * 6 + 3 * PAIRS_OF_PERSON
    similarity = sets[0].embeddings @ sets[0].embeddings.T
    alone = tally_of(sets[:1])
    same = [similarity[a, b] for a, b in itertools.combinations(range(48), 2) if a // 4 == b // 4]
    assert alone.same @ CENTRES == pytest.approx(sum(same), abs=1e-2)


def test_rates_are_exact_at_their_knots_and_stop_where_ten_pairs_are_left():
    cross = drawn((0.0, 0.15), 50_000)
    knots = false_match_knots(cross)
    assert knots.value[0] == 1
    assert (np.diff(knots.value) < 0).all()
    assert (np.diff(knots.similarity) > 0).all()
    assert 10 <= round(knots.value[-1] * 50_000) <= 12
    for similarity, rate in zip(knots.similarity, knots.value, strict=True):
        assert cross[similarity - 1e-9 <= EDGES[:-1]].sum() / 50_000 == pytest.approx(rate)


@pytest.mark.parametrize(("fit", "tolerance"), [(logistic_fit, 0.1), (isotonic_fit, 0.5)])
def test_both_fits_find_the_true_likelihood_ratio(fit, tolerance):
    """Two normal distributions of one width: the logarithm of their ratio is a straight line."""
    friends, strangers = (0.4, 0.2), (0.0, 0.2)
    knots = fit(Tally(drawn(friends, 20_000), drawn(strangers, 200_000, 1)))
    at = np.array([-0.1, 0.1, 0.2, 0.3, 0.5])
    truth = (0.4 * at - 0.08) / 0.04
    assert np.abs(knots.at(at) - truth).max() < tolerance
    assert (np.diff(knots.value) >= 0).all()
    assert np.abs(knots.value).max() < np.log(200_000)


def test_the_fit_that_does_better_on_new_people_is_written(monkeypatch):
    sets = [made_up(60, 5, 0)]
    losses = held_out_losses(sets)
    block = calibrate(sets)
    best = min(losses, key=lambda name: losses[name]["logarithmic loss"])
    assert block["method"] == best
    assert block["held_out"] == losses
    assert 0 < losses[best]["logarithmic loss"] < np.log(2)
    assert losses[best]["calibration error"] < 0.1


def test_the_block_can_be_read_and_agrees_with_the_pairs():
    labelled = made_up(40, 5)
    calibration = read_calibration(calibrate([labelled, made_up(30, 3, 1)]))
    assert calibration.people == 70
    assert calibration.same_person_pairs == 40 * 10 + 30 * 3
    assert calibration.least_false_match_rate == pytest.approx(
        10 / calibration.cross_person_pairs, rel=0.2
    )
    similarity = labelled.embeddings @ labelled.embeddings.T
    strangers = similarity[labelled.people[:, None] != labelled.people[None, :]]
    threshold = calibration.similarity_at(0.01)
    assert (strangers >= threshold).mean() == pytest.approx(0.01, abs=0.005)
    alike = [calibration.same_person_probability(s, 0.5) for s in (-0.2, 0.1, 0.4, 0.7)]
    assert alike == sorted(alike)
    assert alike[0] < 0.2
    assert alike[-1] > 0.8


@pytest.mark.parametrize(
    "labelled", [made_up(6, 8), made_up(300, 1), made_up(12, 2)], ids=["people", "pairs", "few"]
)
def test_too_little_to_calibrate_by_is_said(labelled):
    with pytest.raises(BadTrainingData, match="calibration needs 10 people"):
        calibrate([labelled])


def test_similarities_that_mean_nothing_are_refused():
    level = np.zeros(BINS, int)
    level[BINS // 2] = 500
    with pytest.raises(BadTrainingData, match="as alike as friends"):
        isotonic_fit(Tally(level, level))
    with pytest.raises(BadTrainingData, match="as alike as friends"):
        logistic_fit(Tally(drawn((0.0, 0.1), 2000), drawn((0.3, 0.1), 2000)))
