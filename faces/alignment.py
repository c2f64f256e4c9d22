"""Alignment: from a detected box to the square crop that an encoder sees.

    image + box --crop_face--> crop           what the encoder is given
    image + box --context_crop--> context     twice the box, kept in the gallery
    context     --crop_from_context--> crop   the same crop again, or one of another margin

`margin` is what is added on each side of the box, as a share of the box's side. Parts beyond the
picture are black. All crops are upright; docs/decisions/0003-upright-crops.md tells why the eyes
are not used.
"""

import cv2
import numpy as np

from faces.types import Box, Image

CONTEXT_MARGIN = 0.5
"""A context crop is twice the box wide: half a box more on each side."""

CONTEXT_MAX_PX = 320
"""Context crops are stored no larger, so the box inside has at most 160 px."""


def crop_face(image: Image, box: Box, *, margin: float, size_px: int) -> Image:
    """Cut the square around `box`, widened by `margin`, and scale it to `size_px`.

    Args:
        image: uint8 (H, W, 3).
        box: the detected face; a box that is not square is widened to one about its centre.
        margin: share of the box's side added on each side, 0 or more.
        size_px: side S of the result in pixels.

    Returns:
        uint8 (S, S, 3).
    """
    side = max(box.width, box.height) * (1 + 2 * margin)
    return _cut(image, box.left + box.width / 2, box.top + box.height / 2, side, size_px)


def context_crop(image: Image, box: Box) -> Image:
    """Cut the upright square of twice the box, at its own resolution but at most 320 px wide."""
    side = max(box.width, box.height) * (1 + 2 * CONTEXT_MARGIN)
    size_px = min(round(side), CONTEXT_MAX_PX)
    return crop_face(image, box, margin=CONTEXT_MARGIN, size_px=size_px)


def crop_from_context(context: Image, *, margin: float, size_px: int) -> Image:
    """Cut a crop of another margin from a context crop.

    Raises:
        ValueError: `margin` is more than the context holds.
    """
    if margin > CONTEXT_MARGIN:
        raise ValueError(f"margin {margin} is more than a context crop holds ({CONTEXT_MARGIN})")
    centre = context.shape[0] / 2
    side = context.shape[0] * (1 + 2 * margin) / (1 + 2 * CONTEXT_MARGIN)
    return _cut(context, centre, centre, side, size_px)


def _cut(image: Image, centre_x: float, centre_y: float, side: float, size_px: int) -> Image:
    """Cut a square at whole pixels (black beyond the picture) and scale it to `size_px`."""
    side_px = max(1, round(side))
    left, top = round(centre_x - side_px / 2), round(centre_y - side_px / 2)
    height, width = image.shape[:2]
    square = np.zeros((side_px, side_px, 3), np.uint8)
    x0, x1 = np.clip((left, left + side_px), 0, width)
    y0, y1 = np.clip((top, top + side_px), 0, height)
    square[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    if side_px == size_px:
        return square
    shrink = cv2.INTER_AREA if size_px < side_px else cv2.INTER_LINEAR
    return cv2.resize(square, (size_px, size_px), interpolation=shrink).astype(np.uint8, copy=False)
