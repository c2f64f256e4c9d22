"""Detection: the faces of an image, by the votes of four Haar cascades.

    image -> grey -> coarse look (whole image, all views) ---.
                  -> fine look (large images, small faces) --+-> votes -> faces with a confidence
    nothing found -> one more look, with a border around the image and in smaller steps of size

Two frontal cascades and the profile cascade with its mirror image vote (`faces.cascades`); what
their votes are worth was fitted (`faces.voting`). Figures: `benchmarks/detection.py`.

OpenCV shares one call's work among its threads while they are idle, and runs a call that finds
them busy in its own thread. So a lone photo gets all cores and a pool of workers gets one each;
`cv2.setNumThreads` is left alone. Windows are sorted afterwards: results do not depend on it.
"""

from dataclasses import replace

import cv2
import numpy as np

from faces.alignment import within
from faces.cascades import FRONTAL, FRONTAL_ALT, LEFT, RIGHT, Cascades, View, Votes
from faces.types import DetectedFace, Grey, Image
from faces.voting import Candidate, confidence, gather, without_duplicates

VIEWS = (FRONTAL, FRONTAL_ALT, LEFT, RIGHT)
FINE_VIEWS = VIEWS[:2]
"""Small faces are looked for from the front only: profiles of so few pixels are mostly false."""

CLOSE_VIEWS = tuple(replace(view, scale_step=view.scale_step**0.5) for view in VIEWS)
"""For the one more look: twice as many sizes, so about twice as many votes."""

COARSE_PX = 400
"""Longer side of the image in the coarse look. Faces of 6 % of it and more are found there."""

GLANCE_VIEWS = (FRONTAL_ALT,)
GLANCE_PX = 140
"""Longer side of the image for a glance. Faces of 14 % of it and more are found there."""

FINE_FROM_PX = 800
"""Longer side from which on an image is worth a fine look."""

FINE_PX = 1200
"""Longer side of the image in the fine look. Faces of 2 % of it and more are found there."""

BORDER = 0.3
"""Added on each side in the one more look, as a share of the shorter side: a face that fills the
image has no room for its window."""

THRESHOLD = 0.12
"""A candidate of at least this confidence is a face. On single photos of the set that it was fitted
on, that leaves one false box in a hundred photos."""

CLOSE_THRESHOLD = 0.3
"""The same in the one more look, whose votes are more."""


class HaarDetector:
    """Finds faces with OpenCV's Haar cascades. Thread-safe and deterministic."""

    def __init__(
        self, threshold: float = THRESHOLD, close_threshold: float = CLOSE_THRESHOLD
    ) -> None:
        """Set from which confidence on, 0 to 1, a candidate is a face.

        Args:
            threshold: in the first look.
            close_threshold: in the one more look at an image in which nothing was found.
        """
        self._threshold = threshold
        self._close_threshold = close_threshold
        self._cascades = Cascades()

    def detect(self, image: Image, *, only_largest: bool = False) -> list[DetectedFace]:
        """Faces in `image` (uint8 RGB), largest first; an empty list when there is none."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        found = _decide(self.candidates(grey), self._threshold)
        if not found:
            found = _decide(self.candidates(grey, closer=True), self._close_threshold)
        height, width = grey.shape
        faces = [
            DetectedFace(
                within(*candidate.square.tolist(), width=width, height=height), round(score, 4)
            )
            for score, candidate in found
        ]
        faces.sort(key=by_size)
        return faces[:1] if only_largest else faces

    def glance(self, grey: Grey) -> list[Candidate]:
        """Squares that one cascade sees in a small image, in pixels of `grey`; most votes first.

        A twentieth of the work of `candidates`, and fit for those who know a face when they see it.
        """
        votes = self._votes(grey, GLANCE_VIEWS, GLANCE_PX)
        found = gather(votes, len(GLANCE_VIEWS))
        return sorted(found, key=lambda item: -int(item.counts.sum()))

    def candidates(self, grey: Grey, *, closer: bool = False) -> list[tuple[float, Candidate]]:
        """Every square of `grey` that cascades vote for, in its pixels, with a confidence.

        Those of one more look, `closer`, may reach beyond the image.
        """
        votes = self._look_closer(grey) if closer else self._look(grey)
        return [(confidence(item), item) for item in gather(votes, len(VIEWS))]

    def _look(self, grey: Grey) -> Votes:
        """The votes of a coarse look and, for a large image, of a fine one, in pixels of `grey`."""
        votes = self._votes(grey, VIEWS, COARSE_PX)
        if max(grey.shape) < FINE_FROM_PX:
            return votes
        largest = round(FRONTAL.window_px * FINE_PX / COARSE_PX)  # above it, coarse will do
        fine = self._votes(grey, FINE_VIEWS, FINE_PX, largest_px=largest)
        return Votes(
            np.concatenate([votes.squares, fine.squares]), np.concatenate([votes.views, fine.views])
        )

    def _look_closer(self, grey: Grey) -> Votes:
        """The votes of one more look, in pixels of `grey`."""
        border = round(BORDER * min(grey.shape))
        padded = cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE)
        votes = self._votes(padded.astype(np.uint8, copy=False), CLOSE_VIEWS, COARSE_PX)
        return Votes(votes.squares - np.array([border, border, 0]), votes.views)

    def _votes(
        self, grey: Grey, views: tuple[View, ...], longer_px: int, *, largest_px: int = 0
    ) -> Votes:
        """Votes on `grey` shrunk to `longer_px`, in pixels of `grey`."""
        shrunk, scale = _shrunk(grey, longer_px)
        votes = self._cascades.votes(shrunk, views, largest_px=largest_px)
        return Votes(votes.squares / scale, votes.views)


def by_size(face: DetectedFace) -> tuple[float, ...]:
    """Sorts faces: the largest first, of equals the surest."""
    return -face.box.area, -face.confidence, face.box.left, face.box.top


def _decide(
    candidates: list[tuple[float, Candidate]], threshold: float
) -> list[tuple[float, Candidate]]:
    """Those with a confidence of at least `threshold`, surest first, without duplicates."""
    return without_duplicates([item for item in candidates if item[0] >= threshold])


def _shrunk(grey: Grey, longer_px: int) -> tuple[Grey, float]:
    """`grey` with its longer side at most `longer_px`, and the scale by which it was shrunk."""
    scale = longer_px / max(grey.shape)
    if scale >= 1:
        return grey, 1.0
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    shrunk = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk.astype(np.uint8, copy=False), scale
