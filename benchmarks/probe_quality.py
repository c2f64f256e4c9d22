"""How much the quality of a probe matters: hit@1 of worse and worse photos among good ones.

    python -m benchmarks.probe_quality [--faces ../shared/faces] [--encoder FOLDER]
        [--json benchmarks/results/probe_quality.json]

Each photo of photos_dev whose face the detector finds is cut to three times that face, made worse
(smaller, blurred, darker), and searched among the unchanged others by the service's own pipeline.
A face that is not found any more is a miss. Poses cannot be made; photos are told apart by theirs.
What `faces.quality` measured of the worse photo stands beside the hits, so that its bounds can be
set where hits are lost.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import encoders
from faces.confirmation import open_detector
from faces.decode import decode_image
from faces.encoder import OnnxEncoder
from faces.errors import NoFace
from faces.jpeg import encode_jpeg
from faces.pipeline import EmbeddedFace, Pipeline
from faces.sources import open_source
from faces.types import Box, Image

WIDTHS_PX = (16, 24, 32, 40, 48, 60, 72, 96, 128)
BLURS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12)
"""Standard deviations as shares of the face's width."""
BRIGHTNESSES = (1.0, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)
PROBE_EVERY = 3
"""Of the photos, so many are made worse; all are searched among."""
YAWS_DEG = (0, 10, 20, 30, 45, 90)
MOST_PX = 200
"""Faces are made no larger than that before they are made worse: a camera's noise is no detail."""

Row = dict[str, float | int | str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Good:
    """An unchanged photo, cut to three times its face, and what the pipeline says of it."""

    person: str
    image: Image
    box: Box
    found: EmbeddedFace


def main() -> None:
    """Measure, print the table, and write JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--encoder", type=Path, default=encoders.shipped())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    encoder = OnnxEncoder(options.encoder, threads=1)
    pipeline = Pipeline(open_detector(encoder), encoder)
    photos = list(good_photos(pipeline, options.faces / "photos_dev"))
    rows = [
        *worse(pipeline, photos, "width_px", WIDTHS_PX, resized),
        *worse(pipeline, photos, "blur", BLURS, blurred),
        *worse(pipeline, photos, "brightness", BRIGHTNESSES, darkened),
        *by_yaw(photos),
    ]
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    if options.json:
        told = {"encoder": encoder.card.name, "photos": len(photos), "rows": rows}
        options.json.write_text(json.dumps(told, indent=1) + "\n")


def good_photos(pipeline: Pipeline, folder: Path) -> Iterator[Good]:
    """The photos that evaluations use, where a face is found and its person has another one."""
    for photo in open_source(folder):
        if photo.person is None or photo.row.get("near_dup_of") or photo.row.get("label_issue"):
            continue
        whole = decode_image(photo.read())
        faces = pipeline.detect(encode_jpeg(whole, 95)).faces
        if not faces:
            continue
        image = cut(whole, faces[0].box)
        scale = min(1.0, MOST_PX / faces[0].box.width)
        scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        changed = np.asarray(scaled, np.uint8)
        if found := probe(pipeline, changed):
            yield Good(photo.person, changed, found.face.box, found)


def cut(image: Image, box: Box) -> Image:
    """Three times the box, as far as the image goes."""
    side, half = box.width, box.width // 2
    row, col = box.top + half, box.left + half
    reach = side + half
    return image[max(0, row - reach) : row + reach, max(0, col - reach) : col + reach]


def worse(
    pipeline: Pipeline,
    photos: list[Good],
    name: str,
    amounts: tuple[float, ...],
    change: Callable[[Good, float], Image],
) -> Iterator[Row]:
    """One row for each amount of a change."""
    for amount in amounts:
        answers = [
            probe(pipeline, change(photo, amount)) if place % PROBE_EVERY == 0 else None
            for place, photo in enumerate(photos)
        ]
        yield row_of(name, amount, photos, answers, only=np.arange(len(photos)) % PROBE_EVERY == 0)


def probe(pipeline: Pipeline, image: Image) -> EmbeddedFace | None:
    """What the service sees of a photo; None where it finds no face."""
    try:
        return pipeline.embed(encode_jpeg(image, 95)).faces[0]
    except NoFace:
        return None


def by_yaw(photos: list[Good]) -> Iterator[Row]:
    """The unchanged photos, by how far the head is turned."""
    turns = np.array([abs(photo.found.face.yaw_deg or 0.0) for photo in photos])
    for low, high in pairwise(YAWS_DEG):
        answers = [
            photo.found if low <= turn < high else None
            for photo, turn in zip(photos, turns, strict=True)
        ]
        yield row_of("yaw_deg", low, photos, answers, only=(turns >= low) & (turns < high))


def row_of(
    name: str,
    amount: float,
    photos: list[Good],
    answers: list[EmbeddedFace | None],
    only: npt.NDArray[np.bool_],
) -> Row:
    """Hits among all unchanged photos but the probe's own, and the qualities' medians."""
    gallery = np.stack([photo.found.embedding for photo in photos])
    people = np.array([photo.person for photo in photos])
    counted = only & np.array([(people == person).sum() > 1 for person in people])
    hits = []
    for place in np.flatnonzero(counted):
        answer = answers[place]
        if answer is None:
            hits.append(False)
            continue
        similarity = gallery @ answer.embedding
        similarity[place] = -1
        hits.append(people[similarity.argmax()] == people[place])
    seen = [answers[place] for place in np.flatnonzero(counted)]
    found = [answer.face.quality for answer in seen if answer is not None]
    medians = {
        key: round(float(np.median([getattr(quality, key) for quality in found])), 2)
        if found
        else None
        for key in ("size", "sharpness", "light", "pose")
    }
    return {
        "change": name,
        "amount": amount,
        "probes": int(counted.sum()),
        "found": round(len(found) / max(1, len(seen)), 3),
        "hit@1": round(float(np.mean(hits)), 3) if hits else None,
        **medians,
    }


def resized(photo: Good, width_px: float) -> Image:
    """The photo at a size at which its face is so wide; never enlarged."""
    scale = min(1.0, width_px / photo.box.width)
    small = cv2.resize(photo.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def blurred(photo: Good, share: float) -> Image:
    """Blurred by a share of the face's width."""
    if not share:
        return photo.image
    return np.asarray(cv2.GaussianBlur(photo.image, (0, 0), share * photo.box.width), np.uint8)


def darkened(photo: Good, brightness: float) -> Image:
    """With so much of its light, and the noise that goes with it."""
    dice = np.random.default_rng(0)
    noise = dice.normal(0, 2.0, photo.image.shape)
    return np.clip(photo.image * brightness + noise, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
