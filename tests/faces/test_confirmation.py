"""Only what the network confirms is a face, each face once, where its landmarks are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from faces.alignment import mean_landmarks
from faces.confirmation import (
    ConfirmingDetector,
    joint_confidence,
    open_detector,
    without_repeats,
)
from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.landmarks import Located
from faces.types import Box, Image
from samples.generator import make_person
from samples.landmarks import landmarks

SIZE_PX = 320


class FakeNetwork:
    """Believes in the faces that it was told of, and in those that are near enough to them."""

    def __init__(self, *truth: np.ndarray, score: float = 0.9) -> None:
        self.truth = truth
        self.score = score
        self.asked = 0

    def locate(self, image: Image, guesses: Sequence, *, least_score: float = 0) -> list[Located]:
        self.asked += len(guesses)
        return [self._nearest(np.asarray(guess)) for guess in guesses]

    def _nearest(self, guess: np.ndarray) -> Located:
        eyes = float(np.linalg.norm(guess[1] - guess[0]))
        for points in self.truth:
            if np.linalg.norm(points.mean(axis=0) - guess.mean(axis=0)) < eyes:
                return Located(self.score, points)
        return Located(1e-6, guess)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Landmarks of person 1 on 320 px, (5, 2)."""
    drawn = landmarks(make_person(1), size_px=SIZE_PX)
    return np.array(
        [drawn.left_eye, drawn.right_eye, drawn.nose, drawn.mouth_left, drawn.mouth_right]
    )


def test_a_confirmed_face_has_landmarks_yaw_quality_and_the_box_about_them(
    make_face, truth
) -> None:
    faces = ConfirmingDetector(FakeNetwork(truth)).detect(make_face(1))
    assert len(faces) == 1
    face = faces[0]
    np.testing.assert_allclose(face.landmarks, truth, atol=0.01)
    assert 0.9 < face.confidence <= 1
    assert abs(face.yaw_deg) < 10
    assert face.quality.size == 1
    np.testing.assert_allclose(
        mean_landmarks(face.box).mean(axis=0), truth.mean(axis=0), atol=0.1 * face.box.width
    )


def test_what_the_network_does_not_confirm_is_no_face(make_face) -> None:
    network = FakeNetwork()
    assert ConfirmingDetector(network).detect(make_face(1)) == []
    assert network.asked > 0


def test_the_confidence_that_confirms_can_be_set(make_face, truth) -> None:
    network = FakeNetwork(truth, score=0.6)
    for confirmed_from, faces in ((0.5, 1), (1.0, 0)):
        detector = ConfirmingDetector(network, confirmed_from=confirmed_from)
        assert len(detector.detect(make_face(1))) == faces


def test_what_few_cascades_vote_for_is_shown_to_the_network_too(make_face) -> None:
    network = FakeNetwork()
    picture = np.full((SIZE_PX, 2 * SIZE_PX, 3), 128, np.uint8)
    picture[:, SIZE_PX:] = make_face(1)
    picture[::7, :SIZE_PX:5] = 30
    ConfirmingDetector(network).detect(picture)
    assert network.asked > len(HaarDetector().detect(picture))


@pytest.mark.parametrize(
    ("votes", "score", "joint"),
    [(0.5, 0.8, 0.8), (0.8, 0.5, 0.8), (0.2, 0.8, 0.5), (0.9, 0.9, 81 / 82), (0.0, 1.0, 0.5)],
)
def test_odds_are_multiplied(votes: float, score: float, joint: float) -> None:
    assert joint_confidence(votes, score) == pytest.approx(joint)


def test_faces_come_largest_first_and_each_once(make_face, truth) -> None:
    picture = np.full((SIZE_PX, 2 * SIZE_PX, 3), 128, np.uint8)
    picture[:160, :160] = make_face(1, size_px=160)
    picture[:, SIZE_PX:] = make_face(1)
    network = FakeNetwork(truth / 2, truth + np.array([SIZE_PX, 0]))
    faces = ConfirmingDetector(network).detect(picture)
    assert len(faces) == 2
    assert faces[0].box.left > SIZE_PX > faces[1].box.left
    assert faces[0].box.area > faces[1].box.area


@pytest.fixture
def large_beside_small(make_face, truth) -> tuple[Image, np.ndarray, np.ndarray]:
    """A picture of two faces, and the landmarks of the large and of the small one."""
    picture = np.full((SIZE_PX, 2 * SIZE_PX, 3), 128, np.uint8)
    picture[:200, :200] = make_face(2, size_px=200)
    picture[:, SIZE_PX:] = make_face(1)
    return picture, truth + np.array([SIZE_PX, 0]), truth * 200 / SIZE_PX


def test_for_the_largest_face_alone_a_glance_is_enough(large_beside_small) -> None:
    picture, large, small = large_beside_small
    glancing, looking = FakeNetwork(large, small, score=0.95), FakeNetwork(large, small, score=0.95)
    [face] = ConfirmingDetector(glancing).detect(picture, only_largest=True)
    both = ConfirmingDetector(looking).detect(picture)
    assert face.box == both[0].box
    assert face.landmarks == both[0].landmarks
    assert glancing.asked < looking.asked


def test_a_larger_one_in_doubt_is_looked_at_more_closely(large_beside_small) -> None:
    picture, large, small = large_beside_small

    class Doubting(FakeNetwork):
        """Sure of the small face, and of the large one only when it has many guesses."""

        def locate(self, image, guesses, *, least_score=0):
            found = super().locate(image, guesses, least_score=least_score)
            sure = self.asked > len(guesses)  # in the second look
            return [
                Located(0.5, item.landmarks)
                if not sure and item.score > 0.1 and item.landmarks[0, 0] > SIZE_PX
                else item
                for item in found
            ]

    network = Doubting(large, small, score=0.95)
    face = ConfirmingDetector(network).detect(picture, only_largest=True)[0]
    assert face.box.left > SIZE_PX


def test_a_face_that_is_too_small_for_a_glance_is_found_all_the_same(make_face, truth) -> None:
    picture = np.full((600, 600, 3), 128, np.uint8)
    picture[:90, :90] = make_face(1, size_px=90)
    [face] = ConfirmingDetector(FakeNetwork(truth * 90 / SIZE_PX)).detect(
        picture, only_largest=True
    )
    assert face.box.width < 0.14 * 600


def test_of_points_on_one_face_the_surest_stay() -> None:
    face = mean_landmarks(Box(100, 100, 80, 80))
    mouth = mean_landmarks(Box(125, 135, 30, 30))
    beside = mean_landmarks(Box(190, 100, 80, 80))
    found = [Located(0.7, mouth), Located(0.8, face + 3), Located(0.9, face), Located(0.6, beside)]
    kept = without_repeats(found)
    assert [item.score for item in kept] == [0.9, 0.6]


def test_of_equally_sure_ones_the_largest_stays() -> None:
    face, part = mean_landmarks(Box(100, 100, 80, 80)), mean_landmarks(Box(120, 120, 40, 40))
    kept = without_repeats([Located(1.0, part), Located(1.0, face)])
    assert len(kept) == 1
    np.testing.assert_array_equal(kept[0].landmarks, face)


def test_points_too_near_each_other_or_beyond_the_picture_are_no_face(make_face, truth) -> None:
    tiny = truth.mean(axis=0) + (truth - truth.mean(axis=0)) / 50
    for points in (tiny, truth + np.array([400, 0])):

        class Stubborn(FakeNetwork):
            def locate(self, image, guesses, *, least_score=0, points=points):
                return [Located(0.99, points) for _ in guesses]

        assert ConfirmingDetector(Stubborn()).detect(make_face(1)) == []


def test_nothing_is_found_on_a_blank_image(truth) -> None:
    for shape in ((240, 320, 3), (1, 1, 3), (5000, 2, 3)):
        assert ConfirmingDetector(FakeNetwork(truth)).detect(np.full(shape, 90, np.uint8)) == []


def test_an_encoder_with_landmarks_confirms_and_one_without_does_not(
    tiny_encoder: Path, aligned_encoder: Path
) -> None:
    plain = OnnxEncoder(tiny_encoder, device="cpu", threads=1)
    aligned = OnnxEncoder(aligned_encoder, device="cpu", threads=1)
    assert type(open_detector(plain)) is HaarDetector
    assert type(open_detector(aligned)) is ConfirmingDetector
