"""The parts of a face that have a name, as soft masks over an encoder's crop.

    InputSpec -> where eyes, nose and mouth lie in its crops -> {"eyes": mask (S, S), ...}

An encoder's crop shows every face in the same place, so a part of the face is a part of the crop.
Where it shows less than the whole part (hair, in crops from brows to chin), `seen` says how much.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from faces.alignment import TEMPLATE_LEFT, TEMPLATE_SIDE, TEMPLATE_TOP
from faces.card import InputSpec

Mask = npt.NDArray[np.float32]
"""How much each pixel belongs to a part: float32 (S, S), 0 to 1."""

# Ellipses as (x, y, half width, half height) in shares of the side of an aligned crop without
# margin, which reaches from the brows to the chin; drawn about `faces.alignment.TEMPLATE`.
ELLIPSES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    "eyes": ((0.302, 0.290, 0.150, 0.085), (0.706, 0.290, 0.150, 0.085)),
    "brows": ((0.302, 0.135, 0.185, 0.075), (0.706, 0.135, 0.185, 0.075)),
    "nose": ((0.501, 0.455, 0.125, 0.150),),
    "mouth": ((0.504, 0.725, 0.235, 0.110),),
    "jaw": (
        (0.220, 0.920, 0.170, 0.130),
        (0.504, 0.960, 0.250, 0.110),
        (0.790, 0.920, 0.170, 0.130),
    ),
    "hair": ((0.504, -0.330, 0.750, 0.300),),
    "silhouette": ((-0.130, 0.450, 0.170, 0.550), (1.140, 0.450, 0.170, 0.550)),
}

EDGE = 0.25
"""Width of a mask's soft edge, as a share of the ellipse's radius."""

FINE = 4
"""Samples along a pixel's side."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the face in the crops of one card.

    Attributes:
        name: one of `ELLIPSES`.
        mask: float32 (S, S), 0 to 1.
        seen: share of the part that the crop shows, 0 to 1.
    """

    name: str
    mask: Mask
    seen: float


@lru_cache(maxsize=4)  # a tenth of a second each, and a service has one card
def regions_of(spec: InputSpec) -> tuple[Region, ...]:
    """The parts of a face in the crops that `spec` describes, in the order of `ELLIPSES`."""
    return tuple(_region(name, spec) for name in ELLIPSES)


def _region(name: str, spec: InputSpec) -> Region:
    # a square of three crops' sides about the crop: no part reaches beyond it
    side = spec.size_px * FINE
    line = ((np.arange(3 * side) + 0.5) / side - 1).astype(np.float32)
    across, down = _template(line, spec, TEMPLATE_LEFT), _template(line, spec, TEMPLATE_TOP)
    whole = np.zeros((len(line), len(line)), np.float32)
    for x, y, half_width, half_height in ELLIPSES[name]:
        radius = np.hypot(*np.meshgrid((across - x) / half_width, (down - y) / half_height))
        np.maximum(whole, np.clip((1 + EDGE / 2 - radius) / EDGE, 0, 1), out=whole)
    inside = whole[side : 2 * side, side : 2 * side]
    mask = inside.reshape(spec.size_px, FINE, spec.size_px, FINE).mean(axis=(1, 3))
    mask = mask.astype(np.float32)
    mask.flags.writeable = False  # it is shared
    return Region(name, mask, float(inside.sum() / whole.sum()))


def _template(line: Mask, spec: InputSpec, corner: float) -> Mask:
    """From shares of the crop's side to shares of the template's."""
    margin = spec.crop_margin
    shares = line * (1 + 2 * margin) - margin
    if spec.alignment == "box":  # the crop is the box, and the template lies within it
        shares = (shares - corner) / TEMPLATE_SIDE
    return shares.astype(np.float32, copy=False)
