"""Calibration: what a similarity means, as the card of an encoder tells it.

    card.calibration -> Calibration -> false-match rate, probability of the same person

The block in the card, version 1, is a JSON object:

    version               1
    protocol              a sentence: which pairs, of which photos, fitted how
    photos                names of the sets of photos
    people                how many people the pairs are of; none of them was trained on
    same_person_pairs     how many pairs show one person twice
    cross_person_pairs    how many pairs show two people
    false_match_rate      {"similarity": [...], "rate": [...]}: share of cross-person pairs at least
                          that similar; similarities rise, rates fall and stay above 0
    log_likelihood_ratio  {"similarity": [...], "value": [...]}: the natural logarithm of how many
                          times likelier the similarity is for one person than for two; both rise
                          (values may stay level)
    method                how log_likelihood_ratio was fitted: "logistic" or "isotonic"

Between two knots the logarithms are interpolated linearly. Beyond the outer knots there is no
evidence, so the outer values hold: a false-match rate is never told smaller than was measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from faces.errors import BadCard

VERSION = 1
LEAST_KNOTS = 2


@dataclass(frozen=True, slots=True)
class Curve:
    """A monotone curve over similarity: knots at rising similarities."""

    similarity: tuple[float, ...]
    value: tuple[float, ...]

    def __call__(self, similarity: float) -> float:
        """The value at a similarity; that of the nearest knot beyond the ends."""
        return float(np.interp(similarity, self.similarity, self.value))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What similarities of one encoder mean. They say nothing about those of another.

    Attributes:
        people: number of people it rests on.
        same_person_pairs: number of pairs showing one person that it rests on.
        cross_person_pairs: number of pairs showing two people that it rests on.
        log_rate: similarity -> logarithm of the false-match rate; strictly falling.
        log_likelihood_ratio: similarity -> logarithm of the likelihood ratio; never falling.
    """

    people: int
    same_person_pairs: int
    cross_person_pairs: int
    log_rate: Curve
    log_likelihood_ratio: Curve

    @property
    def least_false_match_rate(self) -> float:
        """The smallest rate that the pairs support; smaller ones cannot be told apart."""
        return math.exp(self.log_rate.value[-1])

    def false_match_rate(self, similarity: float) -> float:
        """Share of pairs of two different people that are at least this similar.

        Never less than `least_false_match_rate`, however high the similarity.
        """
        return math.exp(self.log_rate(similarity))

    def similarity_at(self, false_match_rate: float) -> float:
        """The similarity that this share of pairs of different people reaches.

        Raises:
            ValueError: the rate is over 1, or less than the pairs support.
        """
        if not self.least_false_match_rate * (1 - 1e-9) <= false_match_rate <= 1:
            raise ValueError(
                f"false_match_rate = {false_match_rate!r} is out of range: this calibration "
                f"supports {self.least_false_match_rate:.3g} to 1"
            )
        falling = [-value for value in self.log_rate.value]
        return float(np.interp(-math.log(false_match_rate), falling, self.log_rate.similarity))

    def same_person_probability(self, similarity: float, prior: float) -> float:
        """Probability that two photos of this similarity show one person (Bayes' rule).

        Args:
            similarity: of the two.
            prior: probability before looking, between 0 and 1: 0.5 where one photo of a person is
                compared with one that shows the person as likely as not; about 1 / n for one of n
                people.

        Raises:
            ValueError: the prior is not between 0 and 1.
        """
        if not 0 < prior < 1:
            raise ValueError(f"prior = {prior!r} is out of range: more than 0 and less than 1")
        log_odds = self.log_likelihood_ratio(similarity) + math.log(prior) - math.log1p(-prior)
        return float(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def read_calibration(block: Mapping[str, Any]) -> Calibration:
    """Read and check the calibration block of a card.

    Raises:
        BadCard: it is of another version, malformed, or not monotone.
    """
    if (version := block.get("version")) != VERSION:
        raise BadCard(f"calibration.version = {version!r} is not supported; this code reads 1")
    try:
        people, same, cross = (
            int(block[key]) for key in ("people", "same_person_pairs", "cross_person_pairs")
        )
        rate = _curve(block["false_match_rate"], "rate")
        evidence = _curve(block["log_likelihood_ratio"], "value")
    except (KeyError, TypeError, ValueError) as error:
        raise BadCard(f"calibration is malformed: {error!r}") from error
    if not (rate.value[-1] > 0 and rate.value[0] <= 1 and (np.diff(rate.value) < 0).all()):
        raise BadCard("calibration.false_match_rate.rate must fall, from at most 1 to more than 0")
    if (np.diff(evidence.value) < 0).any():
        raise BadCard("calibration.log_likelihood_ratio.value must not fall")
    log_rate = Curve(rate.similarity, tuple(math.log(value) for value in rate.value))
    return Calibration(people, same, cross, log_rate, evidence)


def _curve(table: Mapping[str, Any], key: str) -> Curve:
    """A curve from two lists of finite numbers.

    Raises:
        ValueError: the lists differ in length, are too short, or similarities do not rise.
        KeyError: one is missing.
    """
    similarity, value = (tuple(float(item) for item in table[k]) for k in ("similarity", key))
    if len(similarity) != len(value) or len(value) < LEAST_KNOTS:
        raise ValueError(f"similarity and {key} must be as long as each other, and {LEAST_KNOTS}")
    if not np.isfinite([similarity, value]).all() or not (np.diff(similarity) > 0).all():
        raise ValueError(f"{key} needs finite numbers at rising similarities")
    return Curve(similarity, value)
