"""A contact sheet: the probe with its boxes, and below it each face's look-alikes with names.

photo + answers -> one picture to look at
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from faces.types import Box, Image

PHOTO_MAX_PX = 640
"""The photo is shown no wider and no higher."""

TILE_PX = 144
GAP_PX = 12
CAPTION_PX = 18
"""Height of one line of a caption."""

_PAPER = (250, 250, 248)
_INK = (30, 30, 30)
_MARK = (225, 60, 40)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A look-alike: its crop, uint8 RGB (S, S, 3), and the lines below it."""

    crop: Image = field(repr=False)
    caption: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A face of the photo and its look-alikes, best first."""

    box: Box
    neighbours: Sequence[Neighbour]


def contact_sheet(photo: Image, answers: Sequence[Answer]) -> Image:
    """Draw the photo with numbered boxes, and below it one row of look-alikes for each face.

    Args:
        photo: uint8 RGB (H, W, 3).
        answers: with boxes in pixels of `photo`.

    Returns:
        uint8 RGB.
    """
    marked = _marked(photo, [answer.box for answer in answers])
    lines = max((len(n.caption) for answer in answers for n in answer.neighbours), default=0)
    row_px = TILE_PX + lines * CAPTION_PX + GAP_PX
    columns = max((len(answer.neighbours) for answer in answers), default=0)
    width = max(marked.width, CAPTION_PX + columns * (TILE_PX + GAP_PX) - GAP_PX) + 2 * GAP_PX
    height = marked.height + len(answers) * row_px + 2 * GAP_PX
    sheet = PillowImage.new("RGB", (width, height), _PAPER)
    sheet.paste(marked, (GAP_PX, GAP_PX))
    for number, answer in enumerate(answers, start=1):
        top = marked.height + 2 * GAP_PX + (number - 1) * row_px
        _draw_row(sheet, top, number, answer.neighbours)
    return np.array(sheet)


def write_picture(path: Path, image: Image) -> None:
    """Write uint8 RGB (H, W, 3) as a picture file whose format follows from its suffix.

    Raises:
        OSError: it cannot be written.
        ValueError: no format has this suffix.
    """
    PillowImage.fromarray(image).save(path)


def _marked(photo: Image, boxes: Sequence[Box]) -> PillowImage.Image:
    """The photo, scaled to fit, with a numbered frame about each box."""
    picture = PillowImage.fromarray(photo)
    scale = min(1.0, PHOTO_MAX_PX / max(picture.size))
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    draw = ImageDraw.Draw(picture)
    for number, box in enumerate(boxes, start=1):
        left, top = box.left * scale, box.top * scale
        right, bottom = left + box.width * scale, top + box.height * scale
        draw.rectangle((left, top, right, bottom), outline=_MARK, width=3)
        draw.rectangle((left, top, left + CAPTION_PX, top + CAPTION_PX), fill=_MARK)
        draw.text((left + 5, top + 1), str(number), fill=_PAPER, font=_font())
    return picture


def _draw_row(
    sheet: PillowImage.Image, top: int, number: int, neighbours: Sequence[Neighbour]
) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP_PX, top), str(number), fill=_MARK, font=_font())
    for column, neighbour in enumerate(neighbours):
        left = GAP_PX + CAPTION_PX + column * (TILE_PX + GAP_PX)
        crop = PillowImage.fromarray(neighbour.crop).resize((TILE_PX, TILE_PX))
        sheet.paste(crop, (left, top))
        for line, text in enumerate(neighbour.caption):
            place = (left, top + TILE_PX + line * CAPTION_PX)
            draw.text(place, _shortened(text), fill=_INK, font=_font())


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(CAPTION_PX - 4)


def _shortened(text: str) -> str:
    """As much of a line as fits below a tile."""
    font = _font()
    if font.getlength(text) <= TILE_PX:
        return text
    while text and font.getlength(text + "…") > TILE_PX:
        text = text[:-1]
    return text + "…"
