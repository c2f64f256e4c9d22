"""Negatives: squares of a photo that show no face, to learn from.

    image -> cascades, as it is or turned --boxes without the face--> guessed landmarks
          -> squares at random                --away from the face--'

What the cascades take for a face is what the network will be asked about. In a photo that is turned
by a quarter or a half, all they find is false: faces on their side count as none, as the cascades
find only upright ones.
"""

import numpy as np

from faces.alignment import box_of, mean_landmarks, mean_landmarks_in, within
from faces.detection import HaarDetector
from faces.landmarks import grey_of
from faces.similarity import Points
from faces.types import Box, Image

RANDOM_SQUARES = 2
"""Of each photo."""

FARTHEST_OVERLAP = 0.3
"""A box that overlaps the face more than that (IoU) may still lead the network to it."""


def others_in(
    image: Image, landmarks: Points, random: np.random.Generator, detector: HaarDetector | None
) -> list[Points]:
    """Guessed landmarks (5, 2) of squares that show no face.

    Args:
        image: uint8 (H, W, 3), with one face.
        landmarks: the face's (5, 2), in pixels.
        random: draws squares and turns.
        detector: looks too, where one is given; that takes some time.
    """
    height, width = image.shape[:2]
    face = box_of(landmarks, width=width, height=height)
    boxes = [_random_box(width, height, random) for _ in range(RANDOM_SQUARES)]
    found = [mean_landmarks(box) for box in boxes if overlap(box, face) < FARTHEST_OVERLAP]
    if detector is not None:
        quarters = int(random.integers(4))
        turned = np.ascontiguousarray(np.rot90(image, quarters))
        for _, candidate in detector.candidates(grey_of(turned)):
            left, top, side = candidate.square.tolist()
            box = within(left, top, side, width=turned.shape[1], height=turned.shape[0])
            if quarters or overlap(box, face) < FARTHEST_OVERLAP:
                guess = mean_landmarks_in(left, top, side)
                found.append(turned_back(guess, quarters, width, height))
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    return shared / (one.area + other.area - shared)


def _random_box(width: int, height: int, random: np.random.Generator) -> Box:
    """A square of a fifth to nine tenths of the shorter side, nearly within the photo."""
    side = random.uniform(0.2, 0.9) * min(width, height)
    left = random.uniform(-0.1 * side, width - 0.9 * side)
    top = random.uniform(-0.1 * side, height - 0.9 * side)
    return within(left, top, side, width=width, height=height)


def turned_back(points: Points, quarters: int, width: int, height: int) -> Points:
    """Points of an image turned by `np.rot90(image, quarters)`, in the image before.

    Args:
        points: (N, 2), in pixels of the turned image.
        quarters: how often it was turned, counter-clockwise.
        width: of the image before.
        height: of the image before.
    """
    for turn in range(quarters, 0, -1):
        # a quarter takes (x, y) of an image of width w to (y, w - x)
        before_width = width if turn % 2 else height
        points = np.column_stack([before_width - points[:, 1], points[:, 0]])
    return points
