"""Beards: where they grow, and the strands that cover the skin there."""

import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step
from samples.grain import at, grain
from samples.layers import Layer
from samples.surface import bump
from samples.traits import PersonTraits


def beard_area(a: Anatomy, across: Floats, y: Floats, *, soft: float) -> Floats:
    """Where a full beard grows, 0 to 1, at a distance `across` from the middle of the face.

    `soft` is how many cm its upper edge takes to thin out.
    """
    cheek = 6.3 - 5.6 * step(3.2, 7.0, across)
    lower = step(-soft, soft, y - cheek)
    lips = np.hypot(across / (a.mouth_half_width + 0.1), (y - _lips_centre(a)) / _lips_half(a))
    area: Floats = np.maximum(lower, _moustache(a, across, y)) * step(0.9, 1.12, lips)
    return area


def beard_layers(a: Anatomy, traits: PersonTraits, x: Floats, y: Floats) -> list[Layer]:
    """The beard of `traits`, of short strands that hang down and outwards."""
    if traits.beard == "none":
        return []
    part = np.flatnonzero(y > 0)
    across, v = np.abs(x[part]), y[part]
    area = beard_area(a, across, v, soft=0.8)
    mask = {
        "stubble": 0.42 * area,
        "full": area,
        "moustache": area * _moustache(a, across, v),
        "goatee": area * np.clip(_moustache(a, across, v) + _goatee(a, across, v), 0, 1),
    }[traits.beard]
    strands = at(grain(23), x[part] * 13, v * 3.2 + across * 1.5)
    strands = strands + 0.6 * at(grain(24), x[part] * 25, v * 6)
    alpha = np.clip(mask * (1 + 0.28 * strands) + 1.2 * mask * (1 - mask) * strands, 0, 0.96)
    tone = (0.74 + 0.15 * strands)[:, None] * np.array(traits.hair_colour, np.float32) / 255
    return [Layer(part, alpha, tone, np.full(part.size, 0.1, np.float32))]


def _lips_centre(a: Anatomy) -> float:
    return a.mouth_y + (a.lower_lip + a.mouth_gap - a.upper_lip) / 2


def _lips_half(a: Anatomy) -> float:
    return (a.upper_lip + a.lower_lip + a.mouth_gap) / 2 + 0.12


def _moustache(a: Anatomy, across: Floats, y: Floats) -> Floats:
    top, bottom = a.nose_tip + 1.2, a.mouth_y - 0.8 * a.upper_lip
    droop = 0.05 * across**2
    middle = (top + bottom) / 2 + droop
    half = (bottom - top) / 2 + 0.15
    bell = bump(across, y - middle, (0, 0), (3.6, 1.5 * half))
    return step(0.42, 0.62, bell) * step(3.4, 2.7, across)


def _goatee(a: Anatomy, across: Floats, y: Floats) -> Floats:
    """A tuft on the chin, and a rim about the mouth."""
    bottom = a.mouth_y + a.lower_lip + a.mouth_gap
    tuft = step(2.9, 2.1, np.hypot(across, (y - bottom - 1.9) * 0.95))
    tuft = tuft * step(bottom, bottom + 0.4, y)
    rim = step(3.5, 3.0, across) * step(2.4, 2.75, across) * step(5.4, 6.2, y)
    result: Floats = np.maximum(tuft, rim)
    return result
