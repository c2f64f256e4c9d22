"""What similarities mean to a user: probabilities, and whether a probe is somebody unknown.

card.calibration + settings -> Meaning -> answers, /info

Without a calibration in the encoder's card nothing is claimed: every answer is null.
"""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from faces.calibration import Calibration, read_calibration
from faces.card import Card
from service.settings import Settings

TOLD_RATES = (0.1, 0.01, 0.001, 0.0001, 0.00001)


class FalseMatchRate(BaseModel):
    """How often strangers reach a similarity."""

    rate: float = Field(description="Share of pairs of two different people.")
    similarity: float = Field(description="What that share reaches.")
    expected_in_gallery: float = Field(
        description="Faces of others expected to reach it in a search of this gallery."
    )


class CalibrationInfo(BaseModel):
    """What similarities mean with this encoder, as measured on people it was not trained on."""

    prior: float = Field(description="Of `same_person_probability`, before looking.")
    unknown_below: float | None = Field(
        description="A probe whose best match is less similar is `unknown`; null where the chosen "
        "false-match rate is smaller than was measured."
    )
    people: int = Field(description="How many people the measurement rests on.")
    false_match_rates: list[FalseMatchRate]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Reads similarities.

    Attributes:
        calibration: of the encoder; None where its card has none.
        prior: probability that two photos show one person, before looking.
        unknown_rate: false-match rate that a best match must stay under to count as known.
    """

    calibration: Calibration | None
    prior: float
    unknown_rate: float

    @classmethod
    def of(cls, card: Card, settings: Settings) -> "Meaning":
        """From the encoder's card and the operator's choices.

        Raises:
            BadCard: the card's calibration cannot be read.
        """
        block = card.calibration
        calibration = None if block is None else read_calibration(block)
        return cls(calibration, settings.prior, settings.unknown_rate)

    def probability(self, similarity: float) -> float | None:
        """Probability that two photos of this similarity show one person."""
        if self.calibration is None:
            return None
        return round(self.calibration.same_person_probability(similarity, self.prior), 4)

    @property
    def unknown_below(self) -> float | None:
        """The similarity under which a best match does not count; None where it is not known."""
        if self.calibration is None:
            return None
        try:
            return self.calibration.similarity_at(self.unknown_rate)
        except ValueError:  # a smaller rate than was measured
            return None

    def unknown(self, best_similarity: float | None) -> bool | None:
        """Whether a probe with this best match (None: it has none) is somebody unknown."""
        threshold = self.unknown_below
        if threshold is None:
            return None
        return best_similarity is None or best_similarity < threshold

    def info(self, faces: int) -> CalibrationInfo | None:
        """All of it, for a gallery of so many faces."""
        found = self.calibration
        if found is None:
            return None
        least = found.least_false_match_rate * (1 - 1e-9)  # it comes out of a logarithm
        rates = [rate for rate in TOLD_RATES if rate >= least]
        return CalibrationInfo(
            prior=self.prior,
            unknown_below=self.unknown_below,
            people=found.people,
            false_match_rates=[
                FalseMatchRate(
                    rate=rate,
                    similarity=round(found.similarity_at(rate), 4),
                    expected_in_gallery=rate * faces,
                )
                for rate in rates
            ],
        )
