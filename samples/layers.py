"""Layers: one feature's share of the paint, laid over what is there."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from samples.arrays import Floats
from samples.traits import Colour

Places: TypeAlias = npt.NDArray[np.intp]
"""Indices into the N places that are painted."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Paint for some of the places.

    Attributes:
        where: (M,) indices into the N places.
        alpha: (M,) opacity, 0 to 1.
        colour: (M, 3) sRGB on the scale 0-1.
        gloss: (M,).
    """

    where: Places
    alpha: Floats
    colour: Floats
    gloss: Floats


def lay(colour: Floats, gloss: Floats, layer: Layer) -> None:
    """Blend `layer` into `colour` (N, 3) and `gloss` (N,), in place."""
    alpha = layer.alpha[:, None]
    colour[layer.where] += alpha * (layer.colour - colour[layer.where])
    gloss[layer.where] += layer.alpha * (layer.gloss - gloss[layer.where])


def near(x: Floats, y: Floats, at: tuple[float, float], size: tuple[float, float]) -> Places:
    """Indices of the places in the box of half-size `size` about `at`."""
    return np.flatnonzero((np.abs(x - at[0]) < size[0]) & (np.abs(y - at[1]) < size[1]))


def shade(skin: Colour, where: Places, alpha: Floats, depth: float = 1.0) -> Layer:
    """A shadow on skin: darker, and redder than grey."""
    dark = np.array(skin, np.float32) / 255 * np.array([0.42, 0.27, 0.23], np.float32) / depth
    return Layer(
        where,
        np.clip(alpha, 0, 1).astype(np.float32),
        np.broadcast_to(dark, (where.size, 3)),
        np.full(where.size, 0.1, np.float32),
    )
