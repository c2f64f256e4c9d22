"""Landmarks: a small network that tells whether a square shows a face, and where its points are.

    image + guessed landmarks -> square about them, grey -> landmarks.onnx -> score, landmarks
                                 ^                                                     |
                                 `--------------------- once more ---------------------'

The first guess is the mean face of a detected box; the second look is taken upright and centred, as
the first one found the face. `landmarks.onnx` takes float32 (N, 1, S, S) in the range 0-1 and
returns `points` (N, 5, 2), in shares of the square's side, and `score` (N,), how probable a face
is, 0 to 1. Its metadata say how wide the square is (`margin`, as in `faces.alignment`). It was
trained (`training.landmarks`) on boxes and landmarks that another network made, MTCNN: it can be no
truer than those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from faces.alignment import to_template, warp
from faces.errors import BadCard
from faces.similarity import Points, Similarity, inverse, moved
from faces.types import Grey, Image

Pixels: TypeAlias = npt.NDArray[np.float32]

MARGIN_KEY = "margin"
"""In the graph's metadata: added on each side of the template, as a share of its side."""

LOOKS = 2
"""A third look moves the points by less than they are uncertain."""

LEAST_SCORE = 0.02
"""Below it the first look is the last: most proposals are no face, and that ends them."""

TOGETHER = 64
"""Squares in one call of the graph."""


@dataclass(frozen=True, slots=True)
class Located:
    """What the network makes of one guess.

    Attributes:
        score: how probable a face is, 0 to 1.
        landmarks: its five points in pixels of the image: float64 (5, 2). Meaningless where no face
            is.
    """

    score: float
    landmarks: Points


class LandmarkNetwork:
    """`landmarks.onnx`, ready to run. Sessions of ONNX Runtime are thread-safe, so is this."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the graph.

        Args:
            path: the .onnx file.
            threads: for one call of the graph; it is too small to gain by more than one.

        Raises:
            BadCard: the file is missing or no such graph.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
            graph_input = self._session.get_inputs()[0]
            self.margin = float(self._session.get_modelmeta().custom_metadata_map[MARGIN_KEY])
            self.size_px = int(graph_input.shape[-1])
        except Exception as error:  # ONNX Runtime's errors share no base below Exception
            raise BadCard(f"{path} cannot be used as landmark network: {error}") from error
        self._input_name = graph_input.name

    def locate(
        self,
        image: Image,
        guesses: Sequence[npt.ArrayLike],
        *,
        least_score: float = LEAST_SCORE,
    ) -> list[Located]:
        """Look where faces are guessed to be.

        Args:
            image: uint8 (H, W, 3), or (H, W) where it is grey already.
            guesses: the landmarks (5, 2) of each, in pixels; a mean face will do
                (`faces.alignment.mean_landmarks`).
            least_score: below it the first look is the last; 0 where a face is known to be there.

        Returns:
            One answer a guess, in their order.
        """
        grey = grey_of(image)
        found = [Located(1.0, np.array(guess, np.float64)) for guess in guesses]
        for _ in range(LOOKS):
            likely = [place for place, item in enumerate(found) if item.score >= least_score]
            for start in range(0, len(likely), TOGETHER):
                places = likely[start : start + TOGETHER]
                guessed = [found[place].landmarks for place in places]
                better = self._look([grey] * len(places), guessed)
                for place, item in zip(places, better, strict=True):
                    found[place] = item
        return found

    def locate_each(
        self, images: Sequence[Image], guesses: Sequence[npt.ArrayLike]
    ) -> list[Points]:
        """The landmarks (5, 2) of one face in each of many images, where a face is known to be.

        As `locate` with a least score of 0, but the graph is called once for many images.
        """
        greys = [grey_of(image) for image in images]
        found = [np.array(guess, np.float64) for guess in guesses]
        for _ in range(LOOKS):
            for start in range(0, len(found), TOGETHER):
                part = slice(start, start + TOGETHER)
                found[part] = [item.landmarks for item in self._look(greys[part], found[part])]
        return found

    def run(self, squares: Pixels) -> tuple[Pixels, Pixels]:
        """Points (N, 5, 2) in shares of the side, and scores (N,), of squares (N, 1, S, S)."""
        points, scores = self._session.run(["points", "score"], {self._input_name: squares})
        return points, scores

    def _look(self, greys: Sequence[Grey], guesses: Sequence[Points]) -> list[Located]:
        """One look at each guess in its own image."""
        transforms = [
            to_template(guess, size_px=self.size_px, margin=self.margin) for guess in guesses
        ]
        squares = np.stack(
            [
                view(grey, transform, self.size_px)
                for grey, transform in zip(greys, transforms, strict=True)
            ]
        )
        points, scores = self.run(squares[:, None].astype(np.float32) / np.float32(255))
        return [
            Located(float(score), moved(item.astype(np.float64) * self.size_px, inverse(transform)))
            for score, item, transform in zip(scores, points, transforms, strict=True)
        ]


def grey_of(image: Grey) -> Grey:
    """An image (H, W, 3) or (H, W) as grey: uint8 (H, W)."""
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def view(grey: Grey, transform: Similarity, size_px: int) -> Grey:
    """The square that the network is given: uint8 (S, S).

    Beyond the picture its edge is repeated: black would tell a tight crop, in which there nearly
    always is a face, from a photo.
    """
    return warp(grey, transform, size_px, border=cv2.BORDER_REPLICATE)
