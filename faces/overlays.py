"""Heat maps as pictures: a coloured layer that is laid over the face it is about.

heat (G, G) -> smooth (S, S) -> opacity of one colour -> PNG with transparency
"""

import cv2
import numpy as np
import numpy.typing as npt

from faces.types import Image

Colour = tuple[int, int, int]

ALIKE: Colour = (0, 158, 115)
DIFFERENT: Colour = (213, 94, 0)
"""Bluish green and vermilion: told apart by the colour-blind too (Okabe and Ito 2008)."""

MOST_OPAQUE = 0.75
"""Where the heat is greatest, the face still shows through."""


def overlay(
    heat: npt.NDArray[np.float32], colour: Colour, *, strongest: float, size_px: int
) -> bytes:
    """A layer to be laid over a face, as PNG (size_px, size_px) with transparency.

    Args:
        heat: (G, G); what is below 0 is not shown.
        colour: red, green, blue.
        strongest: heat that is shown at its most opaque; one number for layers to be compared.
        size_px: side of the layer.
    """
    shown = np.maximum(heat, 0) / max(strongest, 1e-9)
    smooth = cv2.resize(shown, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    layer = np.empty((size_px, size_px, 4), np.uint8)
    layer[:, :, :3] = colour[::-1]  # OpenCV wants blue first
    layer[:, :, 3] = np.rint(255 * MOST_OPAQUE * np.clip(smooth, 0, 1))
    return _png(layer)


def as_png(image: Image) -> bytes:
    """An image (H, W, 3) as PNG."""
    return _png(np.ascontiguousarray(image[:, :, ::-1]))


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    assert done  # only an unknown format or a broken array fails
    return data.tobytes()
