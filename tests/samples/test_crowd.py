"""A crowd: many faces, each where its box says."""

import numpy as np
import pytest

from faces.detection import HaarDetector
from samples.crowd import crowd


def test_every_person_has_a_box_within_the_picture():
    image, boxes = crowd(7, face_px=50)
    assert image.dtype == np.uint8
    assert len(boxes) == 7
    for box in boxes:
        assert 0 <= box.left < box.left + box.width <= image.shape[1]
        assert 0 <= box.top < box.top + box.height <= image.shape[0]


def test_the_same_seed_gives_the_same_crowd_and_another_seed_another():
    one, boxes = crowd(3, face_px=40, seed=1)
    again, same_boxes = crowd(3, face_px=40, seed=1)
    other, _ = crowd(3, face_px=40, seed=2)
    assert np.array_equal(one, again)
    assert boxes == same_boxes
    assert other.shape != one.shape or not np.array_equal(one, other)


@pytest.mark.slow
def test_the_detector_finds_at_least_27_of_30_faces():
    image, boxes = crowd(30)
    found = HaarDetector().detect(image)

    def holds(box):
        x, y = box.left + box.width / 2, box.top + box.height / 2
        return any(
            face.box.left < x < face.box.left + face.box.width
            and face.box.top < y < face.box.top + face.box.height
            and 0.4 < face.box.width / box.width < 2.5
            for face in found
        )

    assert sum(holds(box) for box in boxes) >= 27


def test_an_empty_crowd_is_refused_by_name_and_value():
    with pytest.raises(ValueError, match="people = 0"):
        crowd(0)
