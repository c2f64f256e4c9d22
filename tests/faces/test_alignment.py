"""Crops: the right part of the picture, at the right size, black where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faces.alignment import CONTEXT_MAX_PX, context_crop, crop_face, crop_from_context
from faces.types import Box, DetectedFace, largest


def ramp(height: int = 200, width: int = 300) -> np.ndarray:
    """Each pixel tells its place: red its column, green its row; blue is 255 everywhere."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns % 256, rows % 256, np.full_like(rows, 255)], axis=-1).astype(np.uint8)


def test_without_margin_and_scaling_the_crop_is_the_box():
    image = ramp()
    crop = crop_face(image, Box(40, 30, 50, 50), margin=0.0, size_px=50)
    assert np.array_equal(crop, image[30:80, 40:90])


def test_a_margin_widens_the_crop_about_the_same_centre():
    image = ramp()
    crop = crop_face(image, Box(40, 30, 50, 50), margin=0.2, size_px=70)
    assert np.array_equal(crop, image[20:90, 30:100])


def test_a_box_that_is_not_square_is_widened_to_one():
    image = ramp()
    crop = crop_face(image, Box(50, 30, 30, 50), margin=0.0, size_px=50)
    assert np.array_equal(crop, image[30:80, 40:90])


def test_beyond_the_picture_a_crop_is_black():
    crop = crop_face(ramp(), Box(0, 0, 40, 40), margin=0.5, size_px=80)
    assert not crop[:20].any()
    assert not crop[:, :20].any()
    assert (crop[20:, 20:, 2] == 255).all()


@given(
    left=st.integers(-500, 500),
    top=st.integers(-500, 500),
    side=st.integers(1, 400),
    margin=st.floats(0, 0.5),
    size_px=st.integers(1, 80),
)
def test_any_box_gives_a_crop_of_the_asked_size(left, top, side, margin, size_px):
    crop = crop_face(ramp(60, 80), Box(left, top, side, side), margin=margin, size_px=size_px)
    assert crop.shape == (size_px, size_px, 3)
    assert crop.dtype == np.uint8


def test_a_context_crop_is_twice_the_box_and_no_larger_than_its_limit():
    assert context_crop(ramp(), Box(100, 60, 50, 50)).shape == (100, 100, 3)
    assert context_crop(ramp(900, 900), Box(100, 100, 600, 600)).shape[0] == CONTEXT_MAX_PX


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5])
def test_a_crop_can_be_cut_from_the_context_again(margin):
    image = ramp(255, 255)
    box = Box(80, 80, 100, 100)
    direct = crop_face(image, box, margin=margin, size_px=64).astype(int)
    again = crop_from_context(context_crop(image, box), margin=margin, size_px=64).astype(int)
    assert np.abs(direct - again).max() <= 3


def test_more_margin_than_the_context_holds_is_refused():
    with pytest.raises(ValueError, match=r"margin 0\.6 is more than a context crop holds"):
        crop_from_context(ramp(), margin=0.6, size_px=64)


def test_the_largest_face_is_the_one_with_most_pixels_and_of_equals_the_surest():
    small, unsure, sure = (
        DetectedFace(Box(0, 0, side, side), confidence)
        for side, confidence in ((10, 0.9), (20, 0.5), (20, 0.8))
    )
    assert largest([small, unsure, sure]) is sure
    assert largest([]) is None
