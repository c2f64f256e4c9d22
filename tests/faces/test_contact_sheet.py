import numpy as np
import pytest

from faces.contact_sheet import Answer, Neighbour, contact_sheet, write_picture
from faces.decode import decode_image
from faces.types import Box

PHOTO = np.full((300, 400, 3), 90, np.uint8)


def answer(count, caption=("Ana", "0.731")):
    crop = np.full((50, 50, 3), (10, 200, 30), np.uint8)
    return Answer(Box(100, 50, 80, 80), [Neighbour(crop, caption) for _ in range(count)])


def green(sheet):
    """How many pixels are of the neighbours' colour."""
    return int((sheet == (10, 200, 30)).all(axis=2).sum())


def test_each_face_gets_a_row_of_its_look_alikes():
    sheet = contact_sheet(PHOTO, [answer(3), answer(2)])
    assert green(sheet) == 5 * 144 * 144
    taller = contact_sheet(PHOTO, [answer(3), answer(2), answer(1)])
    assert taller.shape[0] > sheet.shape[0]


def test_the_box_is_drawn_about_the_face():
    sheet = contact_sheet(PHOTO, [answer(0)])
    marked = np.argwhere((sheet == (225, 60, 40)).all(axis=2)[: 300 + 12])
    top, left = marked.min(axis=0)
    bottom, right = marked.max(axis=0)
    assert (left, top) == (112, 62)
    assert (right, bottom) == (192, 142)


def test_a_large_photo_is_scaled_to_fit():
    sheet = contact_sheet(np.zeros((3000, 1500, 3), np.uint8), [])
    assert sheet.shape == (640 + 24, 320 + 24, 3)


@pytest.mark.parametrize("name", ["x" * 200, "明" * 60, ""])
def test_any_name_fits_below_its_tile(name):
    short, long = (contact_sheet(PHOTO, [answer(2, (text,))]) for text in ("Ana", name))
    assert short.shape == long.shape


def test_a_picture_is_written_in_the_format_of_its_suffix(tmp_path):
    write_picture(tmp_path / "a.png", PHOTO)
    assert np.array_equal(decode_image((tmp_path / "a.png").read_bytes()), PHOTO)
    with pytest.raises(ValueError, match="unknown file extension"):
        write_picture(tmp_path / "a.nonsense", PHOTO)
