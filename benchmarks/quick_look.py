"""A quick look before the whole detection: could most photos do without the rest?

    python benchmarks/quick_look.py FACES [--photos N]

Detection takes nearly all of a search's processor time, and the cascades nearly all of detection.
Where only the largest face is asked for, a look at a smaller image with one or two cascades may do,
if the landmark network then is sure of a face. Each setting: processor ms a photo, in how many
photos it is sure, in how many of those the face is the one that whole detection gives (IoU >= 0.6),
and how like the two embeddings are. No setting is used by the service yet.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from annotated import annotated, iou

import encoders
from faces.alignment import mean_landmarks_in
from faces.cascades import FRONTAL, FRONTAL_ALT, Cascades, View
from faces.confirmation import as_face, open_detector, without_repeats
from faces.encoder import OnnxEncoder
from faces.landmarks import LandmarkNetwork, grey_of
from faces.portraits import encoder_crop
from faces.types import DetectedFace, Detector, Image, largest
from faces.voting import gather

HERE = Path(__file__).parent
SURE_FROM = 0.9
MOST_SQUARES = 20
SAME_IOU = 0.6
SETTINGS = {
    f"{px} px, {len(views)} cascade{'s' * (len(views) - 1)}": (px, views)
    for px in (160, 200, 280)
    for views in ((FRONTAL,), (FRONTAL, FRONTAL_ALT))
}

T = TypeVar("T")


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "quick_look.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    encoder = OnnxEncoder(encoders.shipped(), device="cpu", threads=1)
    detector, cascades = open_detector(encoder), Cascades()
    assert encoder.landmarks is not None
    images = [
        photo.image for photo in annotated(arguments.faces / "photos_dev", sample=arguments.photos)
    ]
    whole = [timed(partial(whole_look, detector, image)) for image in images]
    rows: dict[str, Any] = {
        "whole": {"cpu_ms": mean_ms(whole), "found": sum(face is not None for face, _ in whole)}
    }
    for name, (px, views) in SETTINGS.items():
        quick = [
            timed(partial(quick_look, cascades, encoder.landmarks, image, px, views))
            for image in images
        ]
        pairs = [
            (image, one, other)
            for image, (one, _), (other, _) in zip(images, quick, whole, strict=True)
            if one is not None and other is not None and same(one, other)
        ]
        alike = [likeness(encoder, *pair) for pair in pairs]
        rows[name] = {
            "cpu_ms": mean_ms(quick),
            "sure": sum(face is not None for face, _ in quick),
            "the_same_face": len(pairs),
            "embeddings_alike_median": float(np.median(alike)),
            "embeddings_alike_5th_percentile": float(np.percentile(alike, 5)),
        }
        print(name, rows[name], flush=True)
    result = {"photos": len(images), "sure_from": SURE_FROM, "settings": rows}
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    print(rows["whole"])


def whole_look(detector: Detector, image: Image) -> DetectedFace | None:
    """The largest face, by the detection that the service uses."""
    return largest(detector.detect(image))


def quick_look(
    cascades: Cascades, network: LandmarkNetwork, image: Image, px: int, views: tuple[View, ...]
) -> DetectedFace | None:
    """The largest face of which the network alone is sure, among what few cascades see."""
    grey = grey_of(image)
    scale = min(1.0, px / max(grey.shape))
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    votes = cascades.votes(small, views)
    found = sorted(gather(votes, len(views)), key=lambda item: -int(item.counts.sum()))
    guesses = [mean_landmarks_in(*(item.square / scale).tolist()) for item in found[:MOST_SQUARES]]
    located = [item for item in network.locate(grey, guesses) if item.score >= SURE_FROM]
    return largest([as_face(image, item) for item in without_repeats(located)])


def same(one: DetectedFace, other: DetectedFace) -> bool:
    """Whether two faces are one."""
    box = other.box
    return iou(one.box, np.array([box.left, box.top, box.width, box.height])) >= SAME_IOU


def likeness(encoder: OnnxEncoder, image: Image, one: DetectedFace, other: DetectedFace) -> float:
    """Similarity of a face to itself, found in two ways."""
    crops = [encoder_crop(image, face, encoder.card.input) for face in (one, other)]
    first, second = encoder.embed(np.stack(crops))
    return float(first @ second)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """A result, and the processor's seconds in this thread."""
    start = time.thread_time()
    result = work()
    return result, time.thread_time() - start


def mean_ms(results: list[tuple[Any, float]]) -> float:
    """Mean milliseconds."""
    return round(1000 * float(np.mean([took for _, took in results])), 1)


if __name__ == "__main__":
    main()
