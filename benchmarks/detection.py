"""Recall, false boxes and time of face detection on photos_dev, for several settings.

    python benchmarks/detection.py [FACES] [--photos N] [--landmarks FILE] [--only WORD]

A hit is an annotated face that a box overlaps with IoU >= 0.4. Boxes on other real faces in the
picture, listed in other_faces.csv after looking at every unmatched box once, are neither hit nor
false. Time is that of finding faces in a decoded image, measured setting by setting on each photo
in turn, so that a busy machine slows all alike; read the ratios, not the milliseconds.
"""

import argparse
import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from annotated import Annotated, annotated, iou

import encoders
from faces.confirmation import ConfirmingDetector
from faces.detection import CLOSE_THRESHOLD, HaarDetector
from faces.landmarks import LandmarkNetwork
from faces.types import Box, Detector, Image

HIT_IOU = 0.4
HERE = Path(__file__).parent
BASELINE = "frontalface_default (1.1, 3)"

Find = Callable[[Image], list[Box]]


@dataclass(slots=True)
class Tally:
    """What one setting did so far."""

    hits: int = 0
    false: list[tuple[str, Box]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, photo: Annotated, others: list[Box], boxes: list[Box], seconds: float) -> None:
        """Count one photo's boxes."""
        self.seconds.append(seconds)
        self.hits += any(iou(box, photo.box) >= HIT_IOU for box in boxes)
        known = [photo.box, *(np.array([o.left, o.top, o.width, o.height]) for o in others)]
        unmatched = [box for box in boxes if all(iou(box, face) < HIT_IOU for face in known)]
        self.false += [(photo.name, box) for box in unmatched]

    def row(self, baseline: "Tally") -> dict[str, float]:
        """Recall, false boxes per image, median ms, total time as a multiple of the baseline's."""
        photos = len(self.seconds)
        return {
            "recall": round(self.hits / photos, 4),
            "false_per_image": round(len(self.false) / photos, 4),
            "median_ms": round(1000 * float(np.median(self.seconds)), 1),
            "times_baseline": round(sum(self.seconds) / sum(baseline.seconds), 2),
        }


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--landmarks", type=Path, default=encoders.landmark_network())
    parser.add_argument("--photos", type=int, help="only so many, at random")
    parser.add_argument("--only", default="", help="settings with this word, and the baseline")
    parser.add_argument("--list-false", action="store_true", help="print the unmatched boxes")
    arguments = parser.parse_args()
    settings = {
        name: find
        for name, find in _settings(LandmarkNetwork(arguments.landmarks)).items()
        if arguments.only in name or name == BASELINE
    }
    others = _other_faces()
    tallies = {name: Tally() for name in settings}
    for photo in annotated(arguments.faces / "photos_dev", sample=arguments.photos):
        for name, find in settings.items():
            start = time.perf_counter()
            boxes = find(photo.image)
            tallies[name].add(photo, others[photo.name], boxes, time.perf_counter() - start)
    rows = {name: tally.row(tallies[BASELINE]) for name, tally in tallies.items()}
    _report(rows, photos=len(tallies[BASELINE].seconds))
    if arguments.list_false:
        for name, tally in tallies.items():
            for photo_name, box in tally.false:
                print(f"{name};{photo_name};{box.left};{box.top};{box.width};{box.height}")


def _settings(network: LandmarkNetwork) -> dict[str, Find]:
    """Name -> finder: plain cascades, the votes of all, the same confirmed by the network."""
    settings = {
        BASELINE: _plain("frontalface_default", 3),
        "frontalface_default (1.1, 6)": _plain("frontalface_default", 6),
        "frontalface_alt2 (1.1, 3)": _plain("frontalface_alt2", 3),
        "profileface (1.1, 3)": _plain("profileface", 3),
        "votes, as shipped": _found(HaarDetector()),
    }
    for threshold in (0.05, 0.2, 0.5):
        detector = HaarDetector(threshold, close_threshold=max(threshold, CLOSE_THRESHOLD))
        settings[f"votes, confidence >= {threshold}"] = _found(detector)
    settings["votes, without the one more look"] = _found(HaarDetector(close_threshold=2))
    settings["confirmed, as shipped"] = _found(ConfirmingDetector(network))
    for confidence in (0.5, 0.95):
        confirming = ConfirmingDetector(network, confirmed_from=confidence)
        settings[f"confirmed, confidence >= {confidence}"] = _found(confirming)
    return settings


def _plain(name: str, neighbours: int) -> Find:
    path = Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"
    cascade = cv2.CascadeClassifier(str(path))

    def find(image: Image) -> list[Box]:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        boxes = cascade.detectMultiScale(grey, 1.1, neighbours)
        return [Box(*(int(value) for value in box)) for box in boxes]

    return find


def _found(detector: Detector) -> Find:
    return lambda image: [face.box for face in detector.detect(image)]


def _other_faces() -> dict[str, list[Box]]:
    """Photo -> boxes of real faces beside the annotated one, found by eye."""
    others: dict[str, list[Box]] = defaultdict(list)
    with (HERE / "other_faces.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            box = Box(*(int(row[key]) for key in ("left", "top", "width", "height")))
            others[row["photo"]].append(box)
    return others


def _report(rows: dict[str, dict[str, float]], photos: int) -> None:
    print(f"{'setting':34s} {'recall':>7s} {'false/image':>12s} {'median ms':>10s} {'x plain':>8s}")
    for name, row in rows.items():
        print(
            f"{name:34s} {row['recall']:7.3f} {row['false_per_image']:12.3f} "
            f"{row['median_ms']:10.1f} {row['times_baseline']:8.2f}"
        )
    path = HERE / "results" / "detection.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"settings": {}}
    settings = {**known["settings"], **rows}  # those that were not measured stay as they were
    content = {"set": "photos_dev", "photos": photos, "hit_iou": HIT_IOU, "settings": settings}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
