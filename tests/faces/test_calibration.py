"""What a similarity means: read from a block, monotone, and never beyond the evidence."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faces.calibration import read_calibration
from faces.errors import BadCard

BLOCK = {
    "version": 1,
    "protocol": "made up",
    "photos": ["none"],
    "people": 40,
    "same_person_pairs": 900,
    "cross_person_pairs": 100_000,
    "false_match_rate": {"similarity": [-0.4, 0.2, 0.5, 0.8], "rate": [1.0, 0.1, 0.01, 1e-4]},
    "log_likelihood_ratio": {"similarity": [-0.2, 0.3, 0.7], "value": [-4.0, 0.0, 5.0]},
    "method": "logistic",
}
similarities = st.floats(-1, 1)


def test_rates_are_those_of_the_knots_and_logarithmic_between():
    calibration = read_calibration(BLOCK)
    assert (calibration.people, calibration.same_person_pairs) == (40, 900)
    assert calibration.cross_person_pairs == 100_000
    for similarity, rate in zip(*BLOCK["false_match_rate"].values(), strict=True):
        assert calibration.false_match_rate(similarity) == pytest.approx(rate)
        assert calibration.similarity_at(rate) == pytest.approx(similarity)
    assert calibration.false_match_rate(0.65) == pytest.approx(math.sqrt(0.01 * 1e-4))
    assert calibration.false_match_rate(-1) == 1
    assert calibration.false_match_rate(1) == pytest.approx(calibration.least_false_match_rate)


def test_the_probability_is_bayes_rule_on_the_likelihood_ratio():
    calibration = read_calibration(BLOCK)
    ratio = math.exp(2.5)  # half-way between 0 and 5
    for prior in (0.5, 0.01, 1e-6):
        expected = ratio * prior / (ratio * prior + 1 - prior)
        assert calibration.same_person_probability(0.5, prior) == pytest.approx(expected)
    assert calibration.same_person_probability(0.3, 0.2) == pytest.approx(0.2)
    beyond = calibration.same_person_probability(1.0, 0.5)
    assert beyond == calibration.same_person_probability(0.7, 0.5)


@settings(deadline=None)
@given(first=similarities, second=similarities, prior=st.floats(1e-9, 1 - 1e-9))
def test_more_alike_never_means_a_higher_rate_or_a_lower_probability(first, second, prior):
    calibration = read_calibration(BLOCK)
    low, high = sorted((first, second))
    assert calibration.false_match_rate(low) >= calibration.false_match_rate(high)
    less, more = (calibration.same_person_probability(at, prior) for at in (low, high))
    assert 0 <= less <= more <= 1


@settings(deadline=None)
@given(rate=st.floats(1e-4, 1))
def test_similarity_at_is_the_inverse_of_the_rate(rate):
    calibration = read_calibration(BLOCK)
    assert calibration.false_match_rate(calibration.similarity_at(rate)) == pytest.approx(rate)


@pytest.mark.parametrize("rate", [0.0, -1.0, 1e-5, 1.01, math.nan])
def test_a_rate_that_the_pairs_do_not_support_is_refused(rate):
    with pytest.raises(ValueError, match=r"supports 0.0001 to 1"):
        read_calibration(BLOCK).similarity_at(rate)


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.5, math.nan])
def test_a_prior_that_settles_the_question_is_refused(prior):
    with pytest.raises(ValueError, match="prior"):
        read_calibration(BLOCK).same_person_probability(0.3, prior)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "version = 2"),
        ({"people": None}, "malformed"),
        ({"false_match_rate": {"similarity": [0.1, 0.2]}}, "malformed"),
        ({"false_match_rate": {"similarity": [0.1], "rate": [0.5]}}, "malformed"),
        ({"false_match_rate": {"similarity": [0.1, 0.2], "rate": [0.5]}}, "malformed"),
        ({"false_match_rate": {"similarity": [0.2, 0.1], "rate": [1, 0.5]}}, "rising"),
        ({"false_match_rate": {"similarity": [0.1, 0.2], "rate": [0.5, 0.6]}}, "must fall"),
        ({"false_match_rate": {"similarity": [0.1, 0.2], "rate": [0.5, 0.0]}}, "must fall"),
        ({"false_match_rate": {"similarity": [0.1, 0.2], "rate": [1.5, 0.2]}}, "must fall"),
        ({"log_likelihood_ratio": {"similarity": [0, 1], "value": [1, 0]}}, "must not fall"),
        ({"log_likelihood_ratio": {"similarity": [0, 1], "value": [1, math.nan]}}, "finite"),
        ({"log_likelihood_ratio": [1, 2]}, "malformed"),
    ],
)
def test_a_block_that_is_not_sound_is_no_calibration(change, told):
    with pytest.raises(BadCard, match=told):
        read_calibration({**BLOCK, **change})
