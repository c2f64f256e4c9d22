"""Arrays: the one array type of the renderer, soft edges, and values between grid points."""

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"""Real numbers, mostly float32 for speed, whatever the shape; docstrings give it."""


def step(low: float, high: float, value: Floats) -> Floats:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger."""
    t = np.clip((value - low) / (high - low), 0, 1)
    result: Floats = t * t * (3 - 2 * t)
    return result


def sample(grid: Floats, row: Floats, col: Floats) -> Floats:
    """Values of a grid (R, C) or (R, C, K) between its points, for N places: (N,) or (N, K).

    Beyond its last row and column the grid begins again.
    """
    count = row.shape[0]
    lines = -(-count // _LINE)  # OpenCV refuses more than 32,767 places in one line
    place = np.zeros((2, lines * _LINE), np.float32)
    place[0, :count], place[1, :count] = col, row
    across, down = place.reshape(2, lines, _LINE)
    taken = cv2.remap(grid, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(taken, np.float32).reshape(lines * _LINE, *grid.shape[2:])[:count]


_LINE = 512
