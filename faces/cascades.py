"""Cascades: the windows of a grey image in which Haar cascades of OpenCV see a face.

    grey image -> each cascade at each size -> accepted windows, ungrouped -> one box convention

A cascade accepts a true face in many windows that differ by a pixel or two, and most false ones in
few. So every accepted window is kept as one vote, of a cascade for a box; `faces.voting` counts
them.

The one box convention is that of haarcascade_frontalface_default: a square with the eyes at 0.39
and the mouth at 0.78 of its height. Encoders are trained on crops of exactly that framing.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from faces.types import Grey

Squares: TypeAlias = npt.NDArray[np.float64]
"""Square boxes: float64, shape (M, 3): left, top and side in pixels."""


@dataclass(frozen=True, slots=True)
class View:
    """One cascade, as it is run.

    Attributes:
        name: of the file that OpenCV ships, without `haarcascade_` and `.xml`.
        window_px: side of the smallest window, which the cascade was trained on.
        scale_step: between the sizes that are tried. The profile cascade accepts faces of a wider
            range of sizes and costs most, so it takes wider steps.
        shift_x: to the one box convention, in window sides: how far right its centre lies.
        shift_y: the same, how far down.
        scale: the same, its side.
        mirrored: run on the mirror image; the profile cascade knows only faces that look left.
    """

    name: str
    window_px: int
    scale_step: float
    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0
    mirrored: bool = False


# The shifts are the median offsets on train/celeba (benchmarks/detection_fit.py prints them).
FRONTAL = View("frontalface_default", 24, 1.1)
FRONTAL_ALT = View("frontalface_alt2", 20, 1.1, 0.0, 0.006, 1.025)
LEFT = View("profileface", 20, 1.33, -0.12, 0.033, 0.875)
RIGHT = View("profileface", 20, 1.33, 0.12, 0.033, 0.875, mirrored=True)


@dataclass(frozen=True, slots=True)
class Votes:
    """Accepted windows.

    Attributes:
        squares: (M, 3), in the one box convention and in pixels of the grey image.
        views: int (M,), which of the views accepted it, as its place in the list that was run.
    """

    squares: Squares
    views: npt.NDArray[np.intp]


class Cascades:
    """Loaded cascades. `cv2.CascadeClassifier` is not thread-safe: each thread loads its own."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def votes(self, grey: Grey, views: tuple[View, ...], *, largest_px: int = 0) -> Votes:
        """Run each of `views` over the whole of `grey`.

        Args:
            grey: uint8 (H, W).
            views: what to run.
            largest_px: side of the largest window that is tried; 0 for no bound.
        """
        squares = [self._squares(grey, view, largest_px) for view in views]
        counts = [len(item) for item in squares]
        return Votes(np.concatenate(squares), np.repeat(np.arange(len(views)), counts))

    def _squares(self, grey: Grey, view: View, largest_px: int) -> Squares:
        """The windows that one view accepts, in the one box convention."""
        seen = cv2.flip(grey, 1) if view.mirrored else grey
        # with minNeighbors=0 OpenCV gives every accepted window, ungrouped
        windows = self._classifier(view.name).detectMultiScale(
            seen, view.scale_step, 0, maxSize=(largest_px, largest_px)
        )
        if len(windows) == 0:
            return np.empty((0, 3))
        left, top, width, _ = np.asarray(windows, np.float64).T
        if view.mirrored:
            left = grey.shape[1] - left - width
        side = view.scale * width
        centre_x = left + (0.5 + view.shift_x) * width
        centre_y = top + (0.5 + view.shift_y) * width
        # workers of OpenCV return windows in any order
        return _in_order(np.stack([centre_x - side / 2, centre_y - side / 2, side], axis=1))

    def _classifier(self, name: str) -> cv2.CascadeClassifier:
        loaded: dict[str, cv2.CascadeClassifier] = self._of_thread.__dict__
        if name not in loaded:
            folder = Path(cv2.__file__).parent / "data"
            loaded[name] = cv2.CascadeClassifier(str(folder / f"haarcascade_{name}.xml"))
        return loaded[name]


def _in_order(squares: Squares) -> Squares:
    """Sorted by side, top and left, largest first."""
    order = np.lexsort((squares[:, 0], squares[:, 1], -squares[:, 2]))
    return squares[order]
