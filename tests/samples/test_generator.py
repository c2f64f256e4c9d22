"""The generator: the same call gives the same pixels, and each argument changes what it says."""

from dataclasses import replace

import numpy as np
import pytest

from samples.generator import landmarks, make_person, render

SIZE_PX = 200


def changed(one, other):
    """Rows and columns of pixels that differ."""
    return np.nonzero(np.any(one != other, axis=2))


def test_the_same_call_gives_the_same_pixels():
    def take():
        return render(make_person(5), yaw_deg=8, light_deg=20, smile=0.5, size_px=160, seed=3)

    assert np.array_equal(take(), take())


@pytest.mark.parametrize("size_px", [64, 161, 320])
def test_a_picture_is_rgb_bytes_of_the_asked_size(size_px):
    picture = render(make_person(2), size_px=size_px)
    assert picture.shape == (size_px, size_px, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 20


def test_neighbouring_seeds_are_different_people():
    people = [make_person(seed) for seed in range(200)]
    assert len(set(people)) == 200


def test_traits_stay_in_their_range_and_vary_fairly():
    people = [make_person(seed) for seed in range(1, 121)]
    widths = np.array([person.mouth_width for person in people])
    assert widths.min() >= -1
    assert widths.max() <= 1
    assert np.histogram(widths, 4, (-1, 1))[0].min() >= 24  # 30 each would be perfectly even
    assert sum(person.presentation == "feminine" for person in people) == 60
    brightness = np.array([sum(person.skin) / 3 for person in people])
    assert (brightness < 110).sum() >= 20
    assert (brightness > 180).sum() >= 30
    assert min(person.age for person in people) < 25
    assert max(person.age for person in people) > 65
    assert len({person.hair_style for person in people}) == 9
    assert all(person.beard == "none" for person in people if person.presentation == "feminine")


@pytest.mark.parametrize(
    ("trait", "value", "top", "bottom"),
    [
        ("mouth_width", 1.0, -0.10, 0.235),
        ("lip_fullness", 1.0, -0.10, 0.26),
        ("nose_length", 1.0, -0.18, 0.19),
        ("eye_colour", (84, 124, 250), -0.21, -0.06),
        ("brow_thickness", 1.0, -0.28, -0.09),
    ],
)
def test_one_trait_changes_one_part_and_no_pixel_elsewhere(trait, value, top, bottom):
    traits = replace(make_person(17), mouth_width=0.0, lip_fullness=0.0, nose_length=0.0)
    view = {"yaw_deg": 6, "light_deg": 20, "smile": 0.2, "size_px": 320, "seed": 4}
    before, after = render(traits, **view), render(replace(traits, **{trait: value}), **view)
    rows, _ = changed(before, after)
    nose = landmarks(traits, yaw_deg=6, smile=0.2, size_px=320).nose[1]
    assert rows.size > 60
    assert rows.min() >= nose + top * 320
    assert rows.max() <= nose + bottom * 320


def test_the_seed_changes_the_scene_and_hardly_the_face():
    traits = make_person(9)
    one, other = (render(traits, size_px=SIZE_PX, seed=seed).astype(float) for seed in (1, 2))
    box = landmarks(traits, size_px=SIZE_PX).box
    away = np.abs(one - other).mean(axis=2)
    face = away[
        box.top + box.height // 4 : box.top + box.height * 3 // 4,
        box.left + box.width // 4 : box.left + box.width * 3 // 4,
    ]
    corners = np.concatenate([away[:40, :30], away[:40, -30:]])
    assert corners.mean() > 2 * face.mean()


@pytest.mark.parametrize("light_deg", [-45, 45])
def test_the_lit_side_of_the_face_is_brighter(light_deg):
    traits = replace(make_person(17), glasses="none", hair_style="bun")
    picture = render(traits, light_deg=light_deg, size_px=SIZE_PX).astype(float).mean(axis=2)
    box = landmarks(traits, size_px=SIZE_PX).box
    rows = slice(box.top + box.height // 2, box.top + box.height * 3 // 4)
    left = picture[rows, box.left + box.width // 6 : box.left + box.width // 3].mean()
    right = picture[rows, box.left + box.width * 2 // 3 : box.left + box.width * 5 // 6].mean()
    assert (right > left + 15) if light_deg > 0 else (left > right + 15)
