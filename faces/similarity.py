"""Similarities of the plane: turn, scale and shift, but neither shear nor mirror.

    points, targets --fit--> similarity --moved--> points
                                        `-inverse-> similarity

A similarity is the 2 x 3 matrix that OpenCV's warps take: x' = A x + b.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.float64]
"""Points of the plane, x and y: float64 (N, 2)."""

Similarity: TypeAlias = npt.NDArray[np.float64]
"""float64 (2, 3): A, which turns and scales, beside b, which shifts."""


def fit(points: Points, targets: Points) -> Similarity:
    """The similarity that brings `points` nearest to `targets` in the sense of least squares.

    Umeyama 1991, "Least-squares estimation of transformation parameters between two point
    patterns". With points as complex numbers it is the regression targets = a points + b.

    Raises:
        ValueError: the points are all in one place.
    """
    p, t = points @ [1, 1j], targets @ [1, 1j]
    p_mean, t_mean = p.mean(), t.mean()
    spread = float((np.abs(p - p_mean) ** 2).sum())
    if not spread > 0:
        raise ValueError("the landmarks are all in one place")
    a = (np.conj(p - p_mean) * (t - t_mean)).sum() / spread
    b = t_mean - a * p_mean
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def moved(points: Points, transform: Similarity) -> Points:
    """`points` (N, 2) where `transform` takes them."""
    result: Points = points @ transform[:, :2].T + transform[:, 2]
    return result


def inverse(transform: Similarity) -> Similarity:
    """The similarity that undoes `transform`."""
    back = np.linalg.inv(transform[:, :2])
    return np.column_stack([back, -back @ transform[:, 2]])


def scale_of(transform: Similarity) -> float:
    """By what factor `transform` makes lengths longer."""
    return float(np.hypot(transform[0, 0], transform[1, 0]))


def shifted(transform: Similarity, origin: float) -> Similarity:
    """The same transform where both sides count from `origin` instead of 0, on both axes."""
    result = transform.copy()
    result[:, 2] += transform[:, :2] @ [origin, origin] - origin
    return result
