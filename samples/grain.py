"""Grain: smooth random textures, sampled anywhere: skin, strands of hair, cloth, backgrounds."""

from functools import cache

import cv2
import numpy as np

from samples.arrays import Floats

SIDE = 256


@cache
def grain(seed: int) -> Floats:
    """A wrapping texture (SIDE, SIDE) of independent numbers with mean 0 and deviation 1."""
    texture = np.random.default_rng(seed).standard_normal((SIDE, SIDE), dtype=np.float32)
    texture.setflags(write=False)
    return texture


def at(texture: Floats, u: Floats, v: Floats) -> Floats:
    """The texture between its cells, at N places given in cells; it repeats for ever."""
    width = 512
    lines = -(-u.size // width)
    place = np.zeros((2, lines * width), np.float32)
    place[0, : u.size], place[1, : u.size] = u.ravel() % SIDE, v.ravel() % SIDE
    taken = cv2.remap(
        texture,
        place[0].reshape(lines, width),
        place[1].reshape(lines, width),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return taken.reshape(-1)[: u.size].reshape(u.shape)
