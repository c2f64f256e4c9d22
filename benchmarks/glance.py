"""Where only the largest face is asked for: how much a glance saves, and what it costs.

    python -m benchmarks.glance [--faces ../shared/faces] [--json benchmarks/results/glance.json]

Photos of photos_dev, by whole detection and by the glance that falls back to it: processor time,
how often both give the same face (IoU >= 0.6), how like its two embeddings are, and hit@1 of each
photo among all others, all of them found the same way. Then two photos beside each other, scaled at
random, so that there is a smaller face to be taken for the largest.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import encoders
from faces.confirmation import open_detector
from faces.decode import decode_image
from faces.encoder import OnnxEncoder
from faces.portraits import encoder_crop
from faces.sources import open_source
from faces.types import Box, DetectedFace, Detector, Embeddings, Image, largest

SAME_IOU = 0.6
SIDE_PX = 600
PAIRS = 100

Row = dict[str, float | int]


@dataclass(frozen=True)
class Looked:
    """The largest face by both ways, None where there is none, and their processor seconds."""

    whole: DetectedFace | None
    glance: DetectedFace | None
    whole_s: float
    glance_s: float


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    encoder = OnnxEncoder(encoders.shipped(), threads=1)
    detector = open_detector(encoder)
    photos = [
        photo
        for photo in open_source(options.faces / "photos_dev")
        if photo.person and not photo.row.get("near_dup_of") and not photo.row.get("label_issue")
    ]
    images = [decode_image(photo.read()) for photo in photos]
    singles = [both(detector, image) for image in images]
    pairs = [both(detector, image) for image in side_by_side(images)]
    told = {
        "encoder": encoder.card.name,
        "photos": agreement(singles) | likeness(encoder, images, singles)
        | hits(encoder, images, [str(photo.person) for photo in photos], singles),
        "two_photos_beside_each_other": agreement(pairs),
    }  # fmt: skip
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


def both(detector: Detector, image: Image) -> Looked:
    """Look at a photo in both ways."""
    began = time.thread_time()
    whole = largest(detector.detect(image))
    between = time.thread_time()
    glance = largest(detector.detect(image, only_largest=True))
    return Looked(whole, glance, between - began, time.thread_time() - between)


def side_by_side(images: Sequence[Image]) -> list[Image]:
    """Pairs of photos, the second at 0.4 to 1 times the size of the first."""
    dice = random.Random(0)
    made = []
    for _ in range(PAIRS):
        first, second = dice.sample(list(images), 2)
        left, right = scaled(first, 1.0), scaled(second, dice.uniform(0.4, 1))
        height = max(len(left), len(right))
        canvas = np.full((height, left.shape[1] + right.shape[1], 3), 128, np.uint8)
        canvas[: len(left), : left.shape[1]] = left
        canvas[: len(right), left.shape[1] :] = right
        made.append(canvas)
    return made


def scaled(image: Image, share: float) -> Image:
    """The photo with its longer side at a share of SIDE_PX."""
    scale = share * SIDE_PX / max(image.shape)
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)


def agreement(looked: Sequence[Looked]) -> Row:
    """How often both ways give the same face, and what each takes."""
    found = [(one.whole.box, one.glance.box) for one in looked if one.whole and one.glance]
    others = [(whole, glance) for whole, glance in found if iou(whole, glance) < SAME_IOU]
    return {
        "photos": len(looked),
        "whole_cpu_ms": round(1000 * float(np.mean([one.whole_s for one in looked])), 1),
        "glance_cpu_ms": round(1000 * float(np.mean([one.glance_s for one in looked])), 1),
        "found_by_whole": sum(one.whole is not None for one in looked),
        "found_by_glance": sum(one.glance is not None for one in looked),
        "another_face_smaller": sum(glance.area < whole.area for whole, glance in others),
        "another_face_larger": sum(glance.area >= whole.area for whole, glance in others),
    }


def likeness(encoder: OnnxEncoder, images: Sequence[Image], looked: Sequence[Looked]) -> Row:
    """How like the embeddings of the same face are when it was found in both ways."""
    alike = [
        float(np.prod(embedded(encoder, [(image, one.whole), (image, one.glance)]), axis=0).sum())
        for image, one in zip(images, looked, strict=True)
        if one.whole and one.glance and iou(one.whole.box, one.glance.box) >= SAME_IOU
    ]
    return {
        "alike_median": round(float(np.median(alike)), 4),
        "alike_5th_percentile": round(float(np.percentile(alike, 5)), 4),
    }


def hits(
    encoder: OnnxEncoder, images: Sequence[Image], people: Sequence[str], looked: Sequence[Looked]
) -> Row:
    """hit@1 of photos whose person has another one, where both ways find a face."""
    kept = [place for place, one in enumerate(looked) if one.whole and one.glance]
    names = np.array([people[place] for place in kept])
    counted = np.array([(names == name).sum() > 1 for name in names])
    shares = {}
    for way in ("whole", "glance"):
        faces = [(images[place], getattr(looked[place], way)) for place in kept]
        found = embedded(encoder, faces)
        similarity = found @ found.T
        np.fill_diagonal(similarity, -1)
        right = names[similarity.argmax(axis=1)] == names
        shares[f"hit@1_{way}"] = round(float(right[counted].mean()), 4)
    return shares


def embedded(
    encoder: OnnxEncoder, faces: Sequence[tuple[Image, DetectedFace | None]]
) -> Embeddings:
    """Embeddings (N, D) of faces in their photos."""
    crops = [encoder_crop(image, face, encoder.card.input) for image, face in faces if face]
    return encoder.embed(np.stack(crops))


def iou(one: Box, other: Box) -> float:
    """Intersection over union."""
    places: npt.NDArray[np.int64] = np.array(
        [[box.left, box.top, box.left + box.width, box.top + box.height] for box in (one, other)]
    )
    near, far = places[:, :2].max(axis=0), places[:, 2:].min(axis=0)
    common = float(np.clip(far - near, 0, None).prod())
    return common / (one.area + other.area - common)


if __name__ == "__main__":
    main()
