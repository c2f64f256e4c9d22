"""What a context crop holds of the crop that an encoder's card asks for.

    InputSpec -> coverage -> share of the crop beyond the context, boxes whose pixels do not suffice

A gallery keeps of each photo a context crop only: the square of twice the box, at most 320 px wide.
Whoever embeds faces from it again wants to know first what the photo would have given and it does
not: a part of the region (black, beyond the context), or resolution.
"""

from dataclasses import dataclass

import numpy as np

from faces.alignment import (
    CONTEXT_MARGIN,
    CONTEXT_MAX_PX,
    TEMPLATE_LEFT,
    TEMPLATE_SIDE,
    TEMPLATE_TOP,
)
from faces.card import InputSpec
from faces.similarity import Points

TURNED_DEG = 20.0
"""A face so far from upright is still found by the detector; its aligned crop reaches further."""

SAMPLES = 200
"""Points along each side of the crop, to measure which share of it lies beyond."""

LARGEST_WHOLE_BOX_PX = round(CONTEXT_MAX_PX / (1 + 2 * CONTEXT_MARGIN))
"""The context of a larger box was scaled down."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far context crops go for one card.

    Attributes:
        beyond: share of the crop's area that lies beyond the context, 0 to 1, of an upright face.
        beyond_turned: the same of a face turned by 20 degrees, where the card turns faces.
        coarse_from_px: faces whose box was wider have fewer pixels in the context than the card
            wants and the photo had; None where there are enough for any face.
    """

    beyond: float
    beyond_turned: float
    coarse_from_px: int | None


def coverage(spec: InputSpec) -> Coverage:
    """What context crops hold of the crops of a card.

    The detector's box is the unit: the context reaches from -0.5 to 1.5 in both directions.
    """
    widened = 1 + 2 * spec.crop_margin
    if spec.alignment == "box":
        side, centre, turned = widened, (0.5, 0.5), 0.0
    else:
        half = TEMPLATE_SIDE / 2
        side, centre = TEMPLATE_SIDE * widened, (TEMPLATE_LEFT + half, TEMPLATE_TOP + half)
        turned = TURNED_DEG
    coarse = side * LARGEST_WHOLE_BOX_PX < spec.size_px
    return Coverage(
        beyond=_beyond(side, centre, 0.0),
        beyond_turned=_beyond(side, centre, turned),
        coarse_from_px=LARGEST_WHOLE_BOX_PX if coarse else None,
    )


def _beyond(side: float, centre: tuple[float, float], turned_deg: float) -> float:
    """Share of a turned square that lies beyond the context."""
    line = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    grid: Points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) * side
    angle = np.deg2rad(turned_deg)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = grid @ rotation.T + centre
    inside = np.all((points >= -CONTEXT_MARGIN) & (points <= 1 + CONTEXT_MARGIN), axis=1)
    return float(1 - inside.mean())
