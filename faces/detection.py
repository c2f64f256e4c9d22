"""Detection: the faces of an image, by the votes of four Haar cascades.

    image -> grey -> coarse look (whole image, all views) ---.
                  -> fine look (large images, small faces) --+-> votes -> faces with a confidence
    nothing found -> the same with a border around the image, for close-ups

Two frontal cascades and the profile cascade with its mirror image vote (`faces.cascades`); what
their votes are worth was fitted (`faces.voting`). Figures: `benchmarks/detection.py`.

OpenCV shares one call's work among its threads while they are idle, and runs a call that finds
them busy in its own thread. So a lone photo gets all cores and a pool of workers gets one each;
`cv2.setNumThreads` is left alone. Windows are sorted afterwards: results do not depend on it.
"""

import cv2
import numpy as np

from faces.cascades import FRONTAL, FRONTAL_ALT, LEFT, RIGHT, Cascades, Grey, Votes
from faces.types import Box, DetectedFace, Image
from faces.voting import Candidate, confidence, gather, without_duplicates

VIEWS = (FRONTAL, FRONTAL_ALT, LEFT, RIGHT)
FINE_VIEWS = VIEWS[:2]
"""Small faces are looked for from the front only: profiles of so few pixels are mostly false."""

COARSE_PX = 400
"""Longer side of the image in the coarse look. Faces of 6 % of it and more are found there."""

FINE_FROM_PX = 800
"""Longer side from which on an image is worth a fine look."""

FINE_PX = 960
"""Longer side of the image in the fine look. Faces of 2.5 % of it and more are found there."""

BORDER = 0.3
"""Added on each side for close-ups, as a share of the shorter side."""

THRESHOLD = 0.3
"""A candidate of at least this confidence is a face."""


class HaarDetector:
    """Finds faces with OpenCV's Haar cascades. Thread-safe and deterministic."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        """Take candidates of at least the confidence `threshold`, between 0 and 1, for faces."""
        self._threshold = threshold
        self._cascades = Cascades()

    def detect(self, image: Image) -> list[DetectedFace]:
        """Faces in `image` (uint8 RGB), largest first; an empty list when there is none."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        found = self._look(grey) or self._look_closer(grey)
        height, width = grey.shape
        faces = [
            DetectedFace(_box(candidate, width, height), round(score, 4))
            for score, candidate in found
        ]
        return sorted(
            faces, key=lambda face: (-face.box.area, -face.confidence, face.box.left, face.box.top)
        )

    def _look(self, grey: Grey) -> list[tuple[float, Candidate]]:
        """Candidates above the threshold, surest first, in pixels of `grey`."""
        votes = self._votes(grey)
        scored = [(confidence(item), item) for item in gather(votes, len(VIEWS))]
        sure = [item for item in scored if item[0] >= self._threshold]
        return without_duplicates(sure)

    def _look_closer(self, grey: Grey) -> list[tuple[float, Candidate]]:
        """Look again with a border: a face that fills the image has no room for its window."""
        border = round(BORDER * min(grey.shape))
        padded = cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE)
        shift = np.array([border, border, 0])
        return [
            (score, Candidate(item.square - shift, item.counts))
            for score, item in self._look(padded.astype(np.uint8, copy=False))
        ]

    def _votes(self, grey: Grey) -> Votes:
        """Votes of the coarse look and, for a large image, of the fine one."""
        small, scale = _shrunk(grey, COARSE_PX)
        coarse = self._cascades.votes(small, VIEWS)
        squares, views = [coarse.squares / scale], [coarse.views]
        if max(grey.shape) >= FINE_FROM_PX:
            larger, fine_scale = _shrunk(grey, FINE_PX)
            largest_px = round(FRONTAL.window_px * fine_scale / scale)
            fine = self._cascades.votes(larger, FINE_VIEWS, largest_px=largest_px)
            squares.append(fine.squares / fine_scale)
            views.append(fine.views)
        return Votes(np.concatenate(squares), np.concatenate(views))


def _shrunk(grey: Grey, longer_px: int) -> tuple[Grey, float]:
    """`grey` with its longer side at most `longer_px`, and the scale by which it was shrunk."""
    scale = longer_px / max(grey.shape)
    if scale >= 1:
        return grey, 1.0
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    shrunk = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk.astype(np.uint8, copy=False), scale


def _box(candidate: Candidate, width: int, height: int) -> Box:
    """The candidate's square in whole pixels, cut to an image of `width` x `height`."""
    left, top, side = candidate.square
    x0, y0 = max(0, round(left)), max(0, round(top))
    x1, y1 = min(width, round(left + side)), min(height, round(top + side))
    return Box(x0, y0, max(1, x1 - x0), max(1, y1 - y0))
