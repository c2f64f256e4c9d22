"""Quality: each value falls with what it is named after, and with nothing else much."""

import cv2
import numpy as np
import pytest

from faces.alignment import mean_landmarks
from faces.quality import face_quality
from faces.types import Box, FaceQuality, Image

FACE = mean_landmarks(Box(96, 90, 130, 130))


@pytest.fixture(scope="module")
def portrait(make_face) -> Image:
    return make_face(1)


def of(image: Image, scale: float = 1.0, yaw_deg: float = 0.0) -> FaceQuality:
    return face_quality(image, scale * FACE, yaw_deg)


def test_a_large_sharp_lit_face_from_the_front_is_good(portrait) -> None:
    quality = of(portrait)
    assert (quality.size, quality.light, quality.pose) == (1, 1, 1)
    assert quality.sharpness > 0.3
    assert quality.overall == min(quality.size, quality.sharpness, quality.light, quality.pose)


def test_a_small_face_is_worse_by_its_size(portrait) -> None:
    sizes = []
    for side in (160, 80, 40):
        small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
        sizes.append(of(np.asarray(small, np.uint8), scale=side / 320).size)
    assert 1 > sizes[0] > sizes[1] > sizes[2] == 0


def test_a_blurred_face_is_worse_by_its_sharpness(portrait) -> None:
    blurred = np.asarray(cv2.GaussianBlur(portrait, (0, 0), 8), np.uint8)
    assert of(blurred).sharpness < of(portrait).sharpness - 0.2
    assert of(blurred).size == 1


@pytest.mark.parametrize("change", [(0.1, 0), (0.1, 220), (0.02, 128)])
def test_a_dark_a_burnt_out_and_a_flat_face_are_worse_by_their_light(portrait, change) -> None:
    gain, offset = change
    spoilt = np.clip(gain * portrait.astype(float) + offset, 0, 255).astype(np.uint8)
    assert of(spoilt).light < 0.5


def test_a_face_in_profile_is_worse_by_its_pose(portrait) -> None:
    poses = [of(portrait, yaw_deg=yaw).pose for yaw in (0, 30, -30, 60, 90)]
    assert poses[0] == 1
    assert poses[1] == poses[2] > poses[3] > poses[4] == 0


def test_a_blank_image_is_of_no_use_but_no_error() -> None:
    quality = of(np.zeros((50, 50, 3), np.uint8))
    assert (quality.sharpness, quality.light, quality.overall) == (0, 0, 0)
