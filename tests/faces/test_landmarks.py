"""The landmark network is shown the right square, and its answer is brought back to the photo.

The network is that of `tiny_landmarks`: it takes the middle of what is bright for a face's middle.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.alignment import TEMPLATE, mean_landmarks
from faces.errors import BadCard
from faces.landmarks import LandmarkNetwork
from faces.types import Box, Image

SPOT = np.array([150.0, 90.0])


@pytest.fixture(scope="module")
def network(tiny_landmarks: Path) -> LandmarkNetwork:
    return LandmarkNetwork(tiny_landmarks)


@pytest.fixture
def photo() -> Image:
    """A disc of 12 px about `SPOT` on a dark photo of 300 x 200 px."""
    image = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(image, (149, 89), 12, (255, 255, 255), -1)
    return image


def test_the_points_come_back_to_where_the_face_is_in_the_photo(network, photo) -> None:
    for box in (Box(110, 50, 80, 80), Box(120, 55, 90, 90), Box(95, 45, 70, 70)):
        found = network.locate(photo, [mean_landmarks(box)])[0]
        np.testing.assert_allclose(found.landmarks.mean(axis=0), SPOT, atol=1.5)
        eyes = found.landmarks[1] - found.landmarks[0]
        expected = (TEMPLATE[1] - TEMPLATE[0]) * 0.916 * box.width
        np.testing.assert_allclose(eyes, expected, rtol=0.02, atol=0.5)
        assert found.score > 0.5


def test_a_guess_that_is_tilted_gives_points_that_are_tilted(network, photo) -> None:
    turn = np.radians(25)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    guess = (mean_landmarks(Box(110, 50, 80, 80)) - SPOT) @ matrix.T + SPOT + [6, -4]
    found = network.locate(photo, [guess])[0]
    right, down = found.landmarks[1] - found.landmarks[0]
    assert np.degrees(np.arctan2(down, right)) == pytest.approx(25, abs=1)
    np.testing.assert_allclose(found.landmarks.mean(axis=0), SPOT, atol=1.5)


def test_many_guesses_are_answered_as_each_by_itself(network, photo) -> None:
    guesses = [mean_landmarks(Box(x, 50, 60, 60)) for x in range(0, 240, 3)]  # more than one call's
    together = network.locate(photo, guesses)
    assert len(together) == len(guesses) > 64
    for guess, item in zip(guesses, together, strict=True):
        alone = network.locate(photo, [guess])[0]
        assert item.score == pytest.approx(alone.score, abs=1e-5)
        np.testing.assert_allclose(item.landmarks, alone.landmarks, atol=1e-3)


def test_nothing_guessed_is_nothing_found(network, photo) -> None:
    assert network.locate(photo, []) == []


def test_where_no_face_is_there_is_no_second_look(network, photo) -> None:
    guess = mean_landmarks(Box(0, 120, 60, 60))
    first = network.locate(photo, [guess], least_score=0.9)[0]
    second = network.locate(photo, [guess], least_score=0)[0]
    assert first.score < 0.5
    assert not np.allclose(first.landmarks, second.landmarks)


def test_grey_is_as_good_as_colour_and_the_photo_is_left_as_it_was(network, photo) -> None:
    before = photo.copy()
    guess = mean_landmarks(Box(110, 50, 80, 80))
    in_colour = network.locate(photo, [guess])[0]
    in_grey = network.locate(photo[..., 0], [guess])[0]
    np.testing.assert_allclose(in_colour.landmarks, in_grey.landmarks)
    np.testing.assert_array_equal(photo, before)


def test_threads_that_share_a_network_find_what_one_finds(network, photo) -> None:
    guesses = [mean_landmarks(Box(100 + x, 50, 80, 80)) for x in range(20)]
    alone = [network.locate(photo, [guess])[0] for guess in guesses]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda guess: network.locate(photo, [guess])[0], guesses))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.landmarks, other.landmarks)


def test_a_guess_beyond_the_photo_is_looked_at_all_the_same(network, photo) -> None:
    found = network.locate(photo, [mean_landmarks(Box(-500, -500, 40, 40))], least_score=0)
    assert np.isfinite(found[0].landmarks).all()


def test_a_file_that_is_no_landmark_network_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no graph")
    for path in (damaged, tmp_path / "absent.onnx", tiny_encoder / "encoder.onnx"):
        with pytest.raises(BadCard, match=path.name):
            LandmarkNetwork(path)
