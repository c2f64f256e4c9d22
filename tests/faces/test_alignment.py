"""Crops: upright squares about a box, black beyond the picture."""

import numpy as np
import pytest

from faces.alignment import (
    TEMPLATE,
    align_face,
    box_of,
    context_box,
    context_crop,
    crop_face,
    crop_from_context,
    mean_landmarks,
)
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


def dotted(points: np.ndarray, size_px: int = 200) -> Image:
    """Five soft dots, each brightest at its point (counted from the picture's corner)."""
    y, x = np.mgrid[:size_px, :size_px] + 0.5
    light = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 2.5**2)) for px, py in points)
    return np.clip(255 * light, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def brightest(image: Image) -> np.ndarray:
    """The middle of what is bright, in pixels from the picture's corner."""
    weight = image[..., 0].astype(float)
    y, x = np.mgrid[: len(image), : len(image)] + 0.5
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("turn_deg", [0, 30, -45])
@pytest.mark.parametrize("scale", [0.4, 1.0, 1.6])
@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_an_aligned_face_has_its_points_where_the_template_has_them(
    turn_deg: float, scale: float, margin: float
) -> None:
    turn = np.radians(turn_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = 64 * scale * (TEMPLATE - 0.5) @ matrix.T + [101.3, 96.8]
    for number, expected in enumerate((TEMPLATE + margin) / (1 + 2 * margin) * 64):
        photo = dotted(points[number : number + 1])
        aligned = align_face(photo, points, size_px=64, margin=margin)
        assert aligned.shape == (64, 64, 3)
        np.testing.assert_allclose(brightest(aligned), expected, atol=0.4)


def test_points_that_are_not_the_templates_are_met_as_nearly_as_may_be() -> None:
    random = np.random.default_rng(4)
    points = 80 * TEMPLATE + 50 + random.normal(0, 3, (5, 2))
    photo = dotted(points.mean(axis=0)[None])
    aligned = align_face(photo, points, size_px=64)
    np.testing.assert_allclose(brightest(aligned), 64 * TEMPLATE.mean(axis=0), atol=0.4)


def test_beyond_the_picture_an_aligned_face_is_black() -> None:
    photo = np.full((50, 50, 3), 200, np.uint8)
    aligned = align_face(photo, 50 * TEMPLATE, size_px=64, margin=0.3)
    assert (aligned[0] == 0).all()
    assert (aligned[32, 32] == 200).all()


def test_a_face_much_larger_than_the_crop_is_averaged_not_sampled() -> None:
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255  # sampled, these would come out as 0 or 255
    aligned = align_face(stripes, 640 * TEMPLATE, size_px=64)
    assert np.abs(aligned[5:-5, 5:-5].astype(int) - 127).max() <= 8


def test_landmarks_in_one_place_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="one place"):
        align_face(np.zeros((50, 50, 3), np.uint8), np.ones((5, 2)), size_px=64)


def test_the_mean_landmarks_of_a_box_give_that_box_again() -> None:
    box = Box(40, 60, 90, 90)
    assert box_of(mean_landmarks(box), width=300, height=300) == box


def test_the_box_of_landmarks_lies_within_the_image() -> None:
    points = mean_landmarks(Box(-20, 250, 100, 100))
    assert box_of(points, width=300, height=300) == Box(0, 250, 80, 50)
    far = box_of(points + 5000, width=300, height=300)
    assert far.area >= 1
    assert far.left + far.width <= 300


def test_a_box_cut_at_the_edge_has_the_mean_landmarks_of_its_square() -> None:
    cut, whole = Box(0, 100, 80, 100), Box(-10, 100, 100, 100)
    np.testing.assert_allclose(mean_landmarks(cut), mean_landmarks(whole))


def test_the_box_in_a_context_crop_is_the_detected_one(picture: Image) -> None:
    box = Box(100, 80, 50, 50)
    context = context_crop(picture, box)
    again = crop_face(context, context_box(context), margin=0.0, size_px=50)
    np.testing.assert_array_equal(again, crop_face(picture, box, margin=0.0, size_px=50))
