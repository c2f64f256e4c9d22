"""Eyes by Haar cascades: what the pipeline would do if it used them, for alignment.py."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faces.types import Box, Grey

EYES_TOP, EYES_BOTTOM = 0.15, 0.62
"""Where eyes are looked for, as shares of the box's height."""

ENLARGED_PX = 200
"""Smaller faces are enlarged to this width first: an eye window has at least 20 px."""


class EyeFinder:
    """Finds both eyes of a detected face with one of OpenCV's eye cascades."""

    def __init__(self, name: str) -> None:
        """Load `haarcascade_NAME.xml`."""
        path = Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"
        self._cascade = cv2.CascadeClassifier(str(path))

    def find(self, grey: Grey, box: Box) -> npt.NDArray[np.float64] | None:
        """Both eyes (2, 2) as x and y, the one on the image's left first; None unless both."""
        top = round(box.top + EYES_TOP * box.height)
        region = grey[top : round(box.top + EYES_BOTTOM * box.height), box.left :][:, : box.width]
        if min(region.shape) < 10:
            return None
        scale = max(1.0, ENLARGED_PX / box.width)
        enlarged = cv2.resize(region, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        smallest, most = round(0.15 * box.width * scale), round(0.4 * box.width * scale)
        windows, _, weights = self._cascade.detectMultiScale3(
            enlarged,
            1.1,
            3,
            minSize=(smallest, smallest),
            maxSize=(most, most),
            outputRejectLevels=True,
        )
        if len(windows) < 2:
            return None
        centres = np.asarray(windows)[:, :2] + np.asarray(windows)[:, 2:] / 2
        points = centres / scale + np.array([box.left, top])
        return _pair(points, np.asarray(weights).ravel(), box)


def _pair(
    points: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], box: Box
) -> npt.NDArray[np.float64] | None:
    """The surest point of either half, if the two can be a pair of eyes."""
    on_left = points[:, 0] < box.left + box.width / 2
    if on_left.all() or not on_left.any():
        return None
    left, right = (
        points[half][np.argmax(weights[half])] for half in (on_left, np.logical_not(on_left))
    )
    apart_x, apart_y = right - left
    if not 0.25 * box.width < apart_x < 0.55 * box.width or abs(apart_y) > 0.4 * apart_x:
        return None
    return np.array([left, right])
