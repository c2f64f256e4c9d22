"""What an answer says of a face's quality, and what it advises."""

import pytest

from faces.types import Box, DetectedFace, FaceQuality
from service.schemas import FoundFace

POINTS = ((1.0, 1.0), (2.0, 1.0), (1.5, 2.0), (1.0, 3.0), (2.0, 3.0))


def found(
    *, width_px: int = 90, yaw_deg: float = -12.5, sharpness: float = 0.9, light: float = 0.8
) -> FoundFace:
    """A face that is good but for what is given."""
    quality = FaceQuality(size=1.0, sharpness=sharpness, light=light, pose=1.0)
    box = Box(0, 0, width_px, width_px)
    return FoundFace.of(DetectedFace(box, 0.97, POINTS, yaw_deg, quality))


def test_a_good_face_needs_no_advice() -> None:
    assert found().model_dump()["quality"] == {
        "width_px": 90,
        "sharpness": 0.9,
        "light": 0.8,
        "yaw_deg": -12.5,
        "advice": [],
    }


@pytest.mark.parametrize(
    ("face", "advice"),
    [
        (found(sharpness=0.4), "the face is blurred (sharpness 0.4 of 1); hold the camera still"),
        (found(light=0.1), "the face is too dark, too bright or too flat; light it from the front"),
        (found(width_px=38), "the face is 38 px wide; 40 or more works better"),
        (found(yaw_deg=-52.4), "the head is turned by 52°; 45° or less works better"),
    ],
)
def test_what_is_poor_is_what_is_advised_with_its_figures(face: FoundFace, advice: str) -> None:
    assert face.quality is not None
    assert face.quality.advice == [advice]


def test_everything_that_is_poor_is_told() -> None:
    face = found(width_px=20, sharpness=0.1, light=0.0, yaw_deg=60)
    assert face.quality is not None
    assert len(face.quality.advice) == 4


def test_without_landmarks_nothing_is_said_of_quality() -> None:
    assert FoundFace.of(DetectedFace(Box(0, 0, 9, 9), 0.5)).quality is None
