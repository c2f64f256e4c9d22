"""The turn of a head comes back from its five points."""

import numpy as np
import pytest

from faces.pose import HEAD, yaw_deg


def seen(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """The mean head's points as a camera far away sees them, the head turned (all in degrees)."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return 40 * (HEAD @ about_y.T @ about_x.T @ about_z.T)[:, :2] + [100, 70]


@pytest.mark.parametrize("yaw", [-70, -35, 0, 20, 60])
@pytest.mark.parametrize("pitch", [-15, 0, 20])
def test_the_yaw_of_the_mean_head_comes_back(yaw: float, pitch: float) -> None:
    assert yaw_deg(seen(yaw, pitch)) == pytest.approx(yaw, abs=0.1)


def test_a_nose_on_the_right_of_the_eyes_is_a_turn_to_the_right() -> None:
    points = np.array([(40, 40), (80, 40), (72, 62), (44, 84), (76, 84)])
    assert yaw_deg(points) > 15
    mirrored = (points * [-1, 1])[[1, 0, 2, 4, 3]]
    assert yaw_deg(mirrored) == pytest.approx(-yaw_deg(points))


def test_a_head_that_is_tilted_is_not_thereby_turned() -> None:
    assert yaw_deg(seen(25, roll=20)) == pytest.approx(25, abs=3)


def test_points_in_one_place_have_no_turn() -> None:
    assert yaw_deg(np.ones((5, 2))) == 0
