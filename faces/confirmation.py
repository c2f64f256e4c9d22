"""Confirmation: the cascades propose freely, the landmark network says what is a face.

    image -> cascades -> every square with a vote -> landmark network -> score and landmarks
          -> confidence of both -> of those on one face the surest -> box, yaw, quality
    nothing confirmed -> the cascades' one more look, confirmed alike

    only the largest face is asked for -> a glance of one cascade at a small image -> network
          -> it is sure of a face, and in doubt of none larger: that is all; else as above

The cascades alone must trade missed faces against false ones at one threshold. Here they may
propose what few of them vote for, and the network tells faces from folds of clothes. Figures:
`benchmarks/detection.py`, docs/decisions/0004-aligned-crops.md.
"""

from dataclasses import replace

import numpy as np

from faces.alignment import box_of, mean_landmarks_in
from faces.detection import HaarDetector, by_size
from faces.encoder import LoadedEncoder
from faces.landmarks import LandmarkNetwork, Located, grey_of
from faces.pose import yaw_deg
from faces.quality import face_quality
from faces.types import DetectedFace, Detector, Grey, Image, five_points

MOST_PROPOSED = 200
"""Squares shown to the network of one look at one image: the surest. A crowd of a hundred faces has
about as many."""

CONFIRMED_FROM = 0.8
"""Confidence from which on a square is a face; see `joint_confidence`."""

MOST_GLANCED = 12
"""Squares of a glance that are shown to the network: those with most votes."""

SURE_FROM = 0.9
"""Score of the network from which on it is sure of a face by itself."""

DOUBTFUL_FROM = 0.1
"""Score from which on it does not rule a face out."""

LARGER = 1.1
"""A square is larger than a face if its side is, times that."""

ONE_FACE = 1.1
"""Faces whose middles are nearer than that, in distances of the larger one's eyes, are one. It is
0.4 of a box: the small "faces" that cascades see in eyes and mouths go this way too."""

EYES_PER_SPREAD = 0.705
"""Of `faces.alignment.TEMPLATE`: the distance of the eyes over the root of the squared distances of
all points from their middle."""

LEAST_EYES_PX = 4.0
"""Between the eyes: a face of fewer pixels has no landmarks worth the name."""


class ConfirmingDetector:
    """Haar cascades and a landmark network. Thread-safe and deterministic."""

    def __init__(self, network: LandmarkNetwork, *, confirmed_from: float = CONFIRMED_FROM) -> None:
        """Set what is a face.

        Args:
            network: confirms.
            confirmed_from: joint confidence, 0 to 1, from which on a square is a face.
        """
        self._cascades = HaarDetector()
        self._network = network
        self._confirmed_from = confirmed_from

    def detect(self, image: Image, *, only_largest: bool = False) -> list[DetectedFace]:
        """Faces in `image` (uint8 RGB), largest first; an empty list when there is none."""
        grey = grey_of(image)
        if only_largest and (found_at_once := self._glanced(grey)):
            return [as_face(image, found_at_once)]
        found = self._confirmed(grey, closer=False) or self._confirmed(grey, closer=True)
        faces = [as_face(image, item) for item in without_repeats(found)]
        return sorted(faces, key=by_size)

    def _glanced(self, grey: Grey) -> Located | None:
        """The largest face, if a glance leaves no doubt of it."""
        squares = [item.square for item in self._cascades.glance(grey)[:MOST_GLANCED]]
        guesses = [mean_landmarks_in(*square.tolist()) for square in squares]
        located = self._network.locate(grey, guesses)
        sure = [item for item in located if item.score >= SURE_FROM and self._is_face(item, grey)]
        largest = max(sure, key=_size, default=None)
        if largest is None:
            return None
        height, width = grey.shape
        side = LARGER * box_of(largest.landmarks, width=width, height=height).width
        larger_ones = (
            DOUBTFUL_FROM <= item.score < SURE_FROM and square[2] > side
            for item, square in zip(located, squares, strict=True)
        )
        return None if any(larger_ones) else largest

    def _confirmed(self, grey: Grey, *, closer: bool) -> list[Located]:
        """What the network confirms of what the cascades propose, with both's confidence."""
        proposals = self._cascades.candidates(grey, closer=closer)
        ranked = sorted(proposals, key=lambda item: -item[0])[:MOST_PROPOSED]
        guesses = [mean_landmarks_in(*item.square.tolist()) for _, item in ranked]
        located = [
            replace(item, score=joint_confidence(votes, item.score))
            for (votes, _), item in zip(ranked, self._network.locate(grey, guesses), strict=True)
        ]
        return [item for item in located if self._is_face(item, grey)]

    def _is_face(self, item: Located, grey: Grey) -> bool:
        """Whether it is surely a face, of some size, with its middle in the picture."""
        height, width = grey.shape
        x, y = item.landmarks.mean(axis=0)
        inside = 0 <= x < width and 0 <= y < height
        return item.score >= self._confirmed_from and inside and _size(item) >= LEAST_EYES_PX


def open_detector(encoder: LoadedEncoder) -> Detector:
    """The detector of an encoder: with its landmark network, where it has one."""
    if encoder.landmarks is None:
        return HaarDetector()
    return ConfirmingDetector(encoder.landmarks)


def joint_confidence(votes: float, score: float) -> float:
    """What two witnesses make together: the odds of votes and score multiplied, 0 to 1.

    Right where they err independently and a square is as often a face as not beforehand. Fitted
    weights did no better.
    """
    votes, score = (min(max(value, 1e-6), 1 - 1e-6) for value in (votes, score))
    odds = votes / (1 - votes) * score / (1 - score)
    return odds / (1 + odds)


def as_face(image: Image, item: Located) -> DetectedFace:
    """A located face with box, yaw and quality, in pixels of `image` (uint8 RGB)."""
    height, width = image.shape[:2]
    yaw = yaw_deg(item.landmarks)
    return DetectedFace(
        box=box_of(item.landmarks, width=width, height=height),
        confidence=round(item.score, 4),
        landmarks=five_points(item.landmarks),
        yaw_deg=round(yaw, 1),
        quality=face_quality(image, item.landmarks, yaw),
    )


def without_repeats(found: list[Located]) -> list[Located]:
    """Of proposals that lead to one face only the surest (of equals the largest), surest first."""
    kept: list[Located] = []
    for item in sorted(found, key=lambda item: (-round(item.score, 4), -_size(item))):
        if not any(_same_face(item, other) for other in kept):
            kept.append(item)
    return kept


def _same_face(one: Located, other: Located) -> bool:
    apart = float(np.linalg.norm(one.landmarks.mean(axis=0) - other.landmarks.mean(axis=0)))
    return apart < ONE_FACE * max(_size(one), _size(other))


def _size(item: Located) -> float:
    """The distance of the eyes of a face from the front that is as large as this one.

    A turned head's eyes are near each other, while its face is no smaller.
    """
    return EYES_PER_SPREAD * float(np.linalg.norm(item.landmarks - item.landmarks.mean(axis=0)))
