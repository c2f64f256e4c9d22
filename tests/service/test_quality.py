"""What an answer says of a face's quality, and what it advises."""

import pytest

from faces.types import Box, DetectedFace, FaceQuality
from service.schemas import FoundFace

POINTS = ((1.0, 1.0), (2.0, 1.0), (1.5, 2.0), (1.0, 3.0), (2.0, 3.0))


def found(**values: float) -> FoundFace:
    """A face that is good but for `values`."""
    quality = FaceQuality(**{"size": 1.0, "sharpness": 0.9, "light": 0.8, "pose": 1.0} | values)
    return FoundFace.of(DetectedFace(Box(0, 0, 90, 90), 0.97, POINTS, -12.5, quality))


def test_a_good_face_needs_no_advice() -> None:
    assert found().model_dump()["quality"] == {
        "width_px": 90,
        "sharpness": 0.9,
        "light": 0.8,
        "yaw_deg": -12.5,
        "advice": [],
    }


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("size", "come nearer"),
        ("sharpness", "hold the camera still"),
        ("light", "find better light"),
        ("pose", "look at the camera"),
    ],
)
def test_what_is_poor_is_what_is_advised(key: str, advice: str) -> None:
    assert found(**{key: 0.1}).quality.advice == [advice]


def test_without_landmarks_nothing_is_said_of_quality() -> None:
    assert FoundFace.of(DetectedFace(Box(0, 0, 9, 9), 0.5)).quality is None
