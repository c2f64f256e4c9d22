"""Detection: Haar cascades of OpenCV find the faces of an image."""

import threading
from pathlib import Path

import cv2

from faces.types import Box, DetectedFace, Image


class HaarDetector:
    """Finds faces with OpenCV's Haar cascades.

    A `cv2.CascadeClassifier` must not be used by two threads at once: each thread loads its own.
    """

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def detect(self, image: Image) -> list[DetectedFace]:
        """Faces in `image` (uint8 RGB), largest first; an empty list when there is none."""
        cascade = getattr(self._of_thread, "cascade", None)
        if cascade is None:
            path = str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml")
            cascade = self._of_thread.cascade = cv2.CascadeClassifier(path)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        faces = [
            DetectedFace(Box(*(int(value) for value in box)), 0.9)
            for box in cascade.detectMultiScale(grey, 1.1, 5)
        ]
        return sorted(faces, key=lambda face: (-face.box.area, face.box.left, face.box.top))
