"""Grain: smooth random textures, sampled anywhere: skin, strands of hair, cloth, backgrounds."""

from functools import cache

import numpy as np

from samples.arrays import Floats, sample

SIDE = 256


@cache
def grain(seed: int) -> Floats:
    """A wrapping texture (SIDE, SIDE) of independent numbers with mean 0 and deviation 1."""
    texture = np.random.default_rng(seed).standard_normal((SIDE, SIDE), dtype=np.float32)
    texture.setflags(write=False)
    return texture


def at(texture: Floats, u: Floats, v: Floats) -> Floats:
    """The texture between its cells, at N places given in cells; it repeats for ever."""
    return sample(texture, v.ravel() % SIDE, u.ravel() % SIDE).reshape(u.shape)
