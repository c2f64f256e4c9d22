"""Alignment: from a detected face to the square crop that an encoder sees.

    image + box --crop_face--> crop               upright, where the card says alignment = "box"
    image + landmarks --align_face--> crop        turned, where it says alignment = "landmarks"
    image + box --context_crop--> context         twice the box, upright, kept in the gallery
    context     --crop_from_context--> crop       the upright crop again, or one of another margin

`margin` is what is added on each side of the box, or of the template, as a share of its side. Parts
beyond the picture are black. docs/decisions/0004-aligned-crops.md tells which one is used and why.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faces.similarity import Points, Similarity, fit, scale_of, shifted
from faces.types import Box, Image

CONTEXT_MARGIN = 0.5
"""A context crop is twice the box wide: half a box more on each side."""

TEMPLATE = np.array(
    [(0.302, 0.286), (0.706, 0.284), (0.501, 0.533), (0.326, 0.711), (0.683, 0.711)]
)
"""Where the landmarks of an aligned face lie, in shares of the crop's side, from brows to chin.
Medians over 1,000 faces of ../shared/faces, brought together by eyes and nose."""

# Where the template lies in the box of the frontal cascade, in shares of its side: by the eyes and
# the mouth of 557 faces of train/celeba (docs/training-log.md).
TEMPLATE_SIDE = 0.916
TEMPLATE_LEFT, TEMPLATE_TOP = 0.047, 0.128

MAX_OVERSAMPLING = 16

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


def as_context(picture: Image) -> Image:
    """A picture that is cut as a context crop is, as one: square, and at most 320 px wide.

    The same array where it is both already; black where it has to be widened.
    """
    height, width = picture.shape[:2]
    if width == height <= CONTEXT_MAX_PX:
        return picture
    size_px = min(max(width, height), CONTEXT_MAX_PX)
    return crop_face(picture, Box(0, 0, width, height), margin=0, size_px=size_px)


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


def context_box(context: Image) -> Box:
    """Where the detected box lies in a context crop: the middle, half as wide."""
    side = context.shape[0] / (1 + 2 * CONTEXT_MARGIN)
    start = (context.shape[0] - side) / 2
    return Box(round(start), round(start), round(side), round(side))


def align_face(
    image: Image, landmarks: npt.ArrayLike, *, size_px: int, margin: float = 0.0
) -> Image:
    """Turn, scale and shift a face so that its five landmarks come nearest to `TEMPLATE`.

    Args:
        image: uint8 (H, W, 3).
        landmarks: (5, 2), in pixels of the image.
        size_px: side S of the result in pixels.
        margin: share of the template's side added on each side.

    Returns:
        uint8 (S, S, 3).

    Raises:
        ValueError: the landmarks are all in one place.
    """
    transform = to_template(landmarks, size_px=size_px, margin=margin)
    return warp(image, transform, size_px, border=cv2.BORDER_CONSTANT)


def to_template(landmarks: npt.ArrayLike, *, size_px: int, margin: float = 0.0) -> Similarity:
    """The similarity that brings `landmarks` (5, 2) nearest to `TEMPLATE` in an aligned crop.

    Raises:
        ValueError: the landmarks are all in one place.
    """
    return fit(np.asarray(landmarks, np.float64), template_in_crop(margin) * size_px)


def template_in_crop(margin: float) -> Points:
    """`TEMPLATE` in shares of a crop's side that is wider by `margin` on each side: (5, 2)."""
    points: Points = (TEMPLATE + margin) / (1 + 2 * margin)
    return points


def warp(image: Image, transform: Similarity, size_px: int, *, border: int) -> Image:
    """The square of `size_px` that `transform` makes of `image` (uint8, grey or RGB).

    Args:
        image: uint8 (H, W) or (H, W, 3).
        transform: from pixels of the image to pixels of the square.
        size_px: side of the square.
        border: what lies beyond the picture, as one of OpenCV's BORDER constants.
    """
    # Sampled at about the image's own resolution and then averaged: plain sampling would alias.
    fine = int(np.clip(round(1 / scale_of(transform)), 1, MAX_OVERSAMPLING))
    # A pixel's centre lies half a pixel beyond its index.
    matrix = shifted(transform * fine, 0.5)
    fine_px = size_px * fine
    warped = cv2.warpAffine(
        image, matrix, (fine_px, fine_px), flags=cv2.INTER_LINEAR, borderMode=border
    )
    if fine > 1:
        warped = cv2.resize(warped, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return warped.astype(np.uint8, copy=False)


def mean_landmarks(box: Box) -> Points:
    """Where the landmarks of an upright face in a detected `box` are on average: (5, 2).

    A box that is not square, as it was cut at the picture's edge, is widened about its centre.
    """
    side = max(box.width, box.height)
    left = box.left + (box.width - side) / 2
    return mean_landmarks_in(left, box.top + (box.height - side) / 2, side)


def mean_landmarks_in(left: float, top: float, side: float) -> Points:
    """The same for a square that may reach beyond the picture."""
    corner = np.array([TEMPLATE_LEFT, TEMPLATE_TOP])
    points: Points = np.array([left, top]) + side * (corner + TEMPLATE_SIDE * TEMPLATE)
    return points


def box_of(landmarks: npt.ArrayLike, *, width: int, height: int) -> Box:
    """The box that a detector would give a face with these landmarks (5, 2), cut to the image.

    Args:
        landmarks: (5, 2), in pixels of the image.
        width: of the image.
        height: of the image.
    """
    transform = to_template(landmarks, size_px=1)
    side = 1 / scale_of(transform) / TEMPLATE_SIDE
    middle = (0.5 - np.array([TEMPLATE_LEFT, TEMPLATE_TOP])) / TEMPLATE_SIDE
    x, y = np.linalg.solve(transform[:, :2], middle - transform[:, 2])
    return within(x - side / 2, y - side / 2, side, width=width, height=height)


def within(left: float, top: float, side: float, *, width: int, height: int) -> Box:
    """A square in whole pixels, cut to an image of `width` x `height`; at least one pixel."""
    x0 = int(np.clip(round(left), 0, width - 1))
    y0 = int(np.clip(round(top), 0, height - 1))
    x1, y1 = min(width, round(left + side)), min(height, round(top + side))
    return Box(x0, y0, max(1, x1 - x0), max(1, y1 - y0))


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
