"""Landmarks lie where the picture shows the parts."""

from dataclasses import replace

import numpy as np
import pytest

from samples.generator import landmarks, make_person, render


@pytest.mark.parametrize("yaw_deg", [-15, 0, 15])
@pytest.mark.parametrize("pitch_deg", [-6, 6])
def test_recoloured_eyes_change_about_the_eye_landmarks(yaw_deg, pitch_deg):
    traits = replace(make_person(17), glasses="none", eye_colour=(60, 40, 25))
    pose = {"yaw_deg": yaw_deg, "pitch_deg": pitch_deg, "size_px": 320}
    brown = render(traits, **pose)
    blue = render(replace(traits, eye_colour=(90, 140, 235)), **pose)
    rows, columns = np.nonzero(np.abs(brown.astype(int) - blue).max(axis=2) > 25)
    found = landmarks(traits, **pose)
    middle = (found.left_eye[0] + found.right_eye[0]) / 2
    for eye, mine in ((found.left_eye, columns < middle), (found.right_eye, columns > middle)):
        assert np.hypot(columns[mine].mean() - eye[0], rows[mine].mean() - eye[1]) < 5


@pytest.mark.parametrize("yaw_deg", [-15, 0, 15])
def test_a_wider_mouth_changes_from_corner_to_corner(yaw_deg):
    narrow = replace(make_person(17), mouth_width=-0.5)
    wide = replace(narrow, mouth_width=0.5)
    pose = {"yaw_deg": yaw_deg, "smile": 0.1, "size_px": 320}
    differing = np.abs(render(narrow, **pose).astype(int) - render(wide, **pose)).max(axis=2) > 12
    rows, columns = np.nonzero(differing)
    found = landmarks(wide, **pose)
    assert abs(columns.min() - found.mouth_left[0]) < 8
    assert abs(columns.max() - found.mouth_right[0]) < 8
    assert abs(rows.mean() - (found.mouth_left[1] + found.mouth_right[1]) / 2) < 8


def test_parts_lie_in_order_within_the_box_for_everyone():
    for seed in range(1, 25):
        yaw = (seed % 5 - 2) * 7.0
        found = landmarks(make_person(seed), yaw_deg=yaw, smile=0.3, size_px=400)
        box = found.box
        assert found.left_eye[0] < found.nose[0] < found.right_eye[0]
        assert found.left_eye[1] < found.nose[1] < found.mouth_left[1]
        assert found.mouth_left[0] < found.mouth_right[0]
        for x, y in (found.left_eye, found.right_eye, found.nose, found.mouth_left):
            assert box.left < x < box.left + box.width
            assert box.top < y < box.top + box.height


def test_a_turn_moves_the_nose_to_the_side_that_the_face_turns_to():
    traits = make_person(3)
    places = [landmarks(traits, yaw_deg=yaw, size_px=320).nose[0] for yaw in (-15, 0, 15)]
    assert places[0] + 10 < places[1] < places[2] - 10


def test_landmarks_scale_with_the_picture():
    traits = make_person(3)
    small, large = (landmarks(traits, yaw_deg=5, size_px=size) for size in (200, 400))
    assert np.allclose(2 * np.array(small.nose), large.nose)
    assert abs(2 * small.box.width - large.box.width) <= 2
