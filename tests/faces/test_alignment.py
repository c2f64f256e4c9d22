"""Crops: upright squares about a box, black beyond the picture."""

import numpy as np
import pytest

from faces.alignment import context_crop, crop_face, crop_from_context
from faces.types import Box, Image


@pytest.fixture
def picture() -> Image:
    """A smooth picture in which every place has its own colour, 200 x 300."""
    y, x = np.mgrid[:200, :300]
    return np.stack([x * 255 // 299, y * 255 // 199, (x + y) * 255 // 498], axis=-1).astype(
        np.uint8
    )


def test_a_crop_without_margin_at_its_own_size_is_the_box(picture: Image) -> None:
    crop = crop_face(picture, Box(40, 30, 80, 80), margin=0, size_px=80)
    np.testing.assert_array_equal(crop, picture[30:110, 40:120])


def test_the_margin_is_a_share_of_the_box_on_each_side(picture: Image) -> None:
    crop = crop_face(picture, Box(40, 30, 80, 80), margin=0.25, size_px=120)
    np.testing.assert_array_equal(crop, picture[10:130, 20:140])


def test_a_box_that_is_not_square_is_widened_about_its_centre(picture: Image) -> None:
    crop = crop_face(picture, Box(100, 40, 40, 80), margin=0, size_px=80)
    np.testing.assert_array_equal(crop, picture[40:120, 80:160])


def test_parts_beyond_the_picture_are_black(picture: Image) -> None:
    crop = crop_face(picture, Box(0, 0, 100, 100), margin=0.5, size_px=200)
    np.testing.assert_array_equal(crop[50:, 50:], picture[:150, :150])
    assert not crop[:50].any()
    assert not crop[:, :50].any()


@pytest.mark.parametrize("size_px", [16, 64, 300])
def test_a_crop_has_the_size_that_was_asked_for(picture: Image, size_px: int) -> None:
    crop = crop_face(picture, Box(40, 30, 80, 80), margin=0.1, size_px=size_px)
    assert crop.shape == (size_px, size_px, 3)
    assert crop.dtype == np.uint8
    middle = crop[size_px // 2, size_px // 2].astype(int)
    np.testing.assert_allclose(middle, picture[70, 80], atol=4)


def test_cropping_leaves_the_picture_as_it_was(picture: Image) -> None:
    before = picture.copy()
    crop_face(picture, Box(0, 0, 50, 50), margin=0.3, size_px=32)[:] = 7
    np.testing.assert_array_equal(picture, before)


def test_a_context_is_twice_the_box_and_at_most_320_px(picture: Image) -> None:
    assert context_crop(picture, Box(40, 30, 80, 80)).shape == (160, 160, 3)
    assert context_crop(picture, Box(0, 0, 200, 200)).shape == (320, 320, 3)


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.35, 0.5])
def test_a_crop_from_the_context_is_the_crop_from_the_picture(
    picture: Image, margin: float
) -> None:
    box = Box(90, 50, 80, 80)
    direct = crop_face(picture, box, margin=margin, size_px=64)
    again = crop_from_context(context_crop(picture, box), margin=margin, size_px=64)
    assert np.abs(direct.astype(int) - again.astype(int)).mean() < 2


def test_a_context_holds_no_margin_beyond_a_half(picture: Image) -> None:
    context = context_crop(picture, Box(90, 50, 80, 80))
    with pytest.raises(ValueError, match=r"margin 0\.6"):
        crop_from_context(context, margin=0.6, size_px=64)
