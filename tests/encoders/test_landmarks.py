"""The landmark network that ships: small, quick, and right about faces that it has never seen."""

import numpy as np
import pytest

import encoders
from faces.alignment import mean_landmarks
from faces.confirmation import ConfirmingDetector
from faces.landmarks import LandmarkNetwork
from faces.types import Box, Image
from samples.generator import make_person, render
from samples.landmarks import landmarks


@pytest.fixture(scope="module")
def network() -> LandmarkNetwork:
    return LandmarkNetwork(encoders.landmark_network())


def drawn(seed: int, yaw_deg: float = 0.0) -> tuple[Image, np.ndarray]:
    """A drawn person on 240 px, and the five points (5, 2)."""
    image = render(make_person(seed), yaw_deg=yaw_deg, size_px=240)
    at = landmarks(make_person(seed), yaw_deg=yaw_deg, size_px=240)
    return image, np.array([at.left_eye, at.right_eye, at.nose, at.mouth_left, at.mouth_right])


def test_it_is_smaller_than_a_megabyte() -> None:
    assert encoders.landmark_network().stat().st_size < 1e6


def test_it_finds_the_points_of_drawn_people_to_a_sixth_of_the_eyes_distance(network) -> None:
    errors = []
    for seed in range(1, 9):
        image, points = drawn(seed)
        found = network.locate(image, [mean_landmarks(Box(62, 70, 110, 110))])[0]
        apart = np.linalg.norm(points[1] - points[0])
        errors.append(np.linalg.norm(found.landmarks - points, axis=1).mean() / apart)
        assert found.score > 0.5
    assert np.median(errors) < 1 / 6


def test_with_the_cascades_it_finds_nothing_on_a_wall_or_in_noise(network) -> None:
    wall = np.full((200, 200, 3), 140, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    for image in (wall, noise):
        assert ConfirmingDetector(network).detect(image) == []


def test_the_turn_of_a_drawn_head_is_seen(network) -> None:
    detector = ConfirmingDetector(network)
    turns = [detector.detect(drawn(2, yaw_deg=yaw)[0])[0].yaw_deg for yaw in (-30, 0, 30)]
    assert len(turns) == 3
    assert abs(turns[1]) < 12
    assert abs(turns[2] - turns[0]) > 20
    assert min(turns[0], turns[2]) < turns[1] < max(turns[0], turns[2])
