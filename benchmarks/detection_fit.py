"""Fit what the votes of the cascades are worth: the constants in faces/cascades.py and voting.py.

    python benchmarks/detection_fit.py [FACES]

Uses train/celeba, split=train, only, in three kinds of scenes:

    single  the photos as they are
    turned  the same upside down or on their side, where every box is false: the photos are tight
            crops, and on larger ones most false boxes lie on clothes and background
    crowd   20 small photos in one picture: faces of few pixels get fewer votes

Prints the offset of each view's box to the common convention, recall and false boxes by threshold
(five folds over people), and the regression.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from annotated import Annotated, annotated, iou
from sklearn.linear_model import LogisticRegression

from faces.cascades import Cascades, View
from faces.detection import VIEWS, HaarDetector
from faces.types import Box, Grey
from faces.voting import Candidate, features, gather, without_duplicates

HIT_IOU = 0.4
KINDS = ("single", "turned", "crowd")
CROWD_ROWS, CROWD_COLUMNS = 4, 5
MTCNN_WIDTH = 0.81
"""MTCNN's box is 0.81 as wide as that of haarcascade_frontalface_default, about the same centre."""

Boxes = list[npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Scene:
    """An image with all its annotated faces; `person` decides its fold."""

    kind: str
    grey: Grey
    boxes: Boxes
    person: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A scene, its candidates, and their confidence by a regression that has not seen it."""

    scene: Scene
    candidates: list[Candidate]
    scores: npt.NDArray[np.float64]


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--photos", type=int, default=1000)
    arguments = parser.parse_args()
    photos = annotated(
        arguments.faces / "train" / "celeba", split="train", sample=arguments.photos, seed=5
    )
    singles = [Scene("single", _grey(photo), [photo.box], photo.person) for photo in photos]
    cascades = Cascades()
    for view in VIEWS:
        _print_offset(cascades, view, singles[:300])
    turned = list(_turned(singles))
    _fit(cascades, [*singles, *turned, *_crowds(singles)])
    print("the whole detector, with its one more look, by the constants that it has now:")
    for threshold in (0.1, 0.15, 0.2, 0.3):
        for close_threshold in (0.2, 0.3, 0.5):
            detector = HaarDetector(threshold, close_threshold)
            judged = [_detected(detector, scene) for scene in singles[:200] + turned[:200]]
            rates = (_rates(judged, kind, 0.0) for kind in KINDS[:2])
            print(f"thresholds {threshold:4.2f} and {close_threshold:4.2f}", *rates)


def _grey(photo: Annotated) -> Grey:
    return cv2.cvtColor(photo.image, cv2.COLOR_RGB2GRAY).astype(np.uint8)


def _turned(singles: list[Scene]) -> Iterator[Scene]:
    """Each photo upside down and on one side."""
    for place, single in enumerate(singles):
        for quarters in (2, 1 + 2 * (place % 2)):
            turned = np.ascontiguousarray(np.rot90(single.grey, quarters))
            yield Scene("turned", turned, [], single.person)


def _crowds(singles: list[Scene]) -> Iterator[Scene]:
    """Pictures of 20 faces of about 34 px each."""
    count = CROWD_ROWS * CROWD_COLUMNS
    cell_width, cell_height = 80, 92
    for start in range(0, len(singles) - count + 1, count):
        canvas = np.zeros((CROWD_ROWS * cell_height, CROWD_COLUMNS * cell_width), np.uint8)
        boxes: Boxes = []
        for place, single in enumerate(singles[start : start + count]):
            left = cell_width * (place % CROWD_COLUMNS)
            top = cell_height * (place // CROWD_COLUMNS)
            height, width = single.grey.shape
            scale = max(cell_width / width, cell_height / height)
            small = cv2.resize(single.grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            canvas[top : top + cell_height, left : left + cell_width] = small[
                :cell_height, :cell_width
            ]
            boxes.append(single.boxes[0] * scale + np.array([left, top, 0, 0]))
        yield Scene("crowd", canvas, boxes, singles[start].person)


def _print_offset(cascades: Cascades, view: View, scenes: list[Scene]) -> None:
    """Median offset of the view's raw box, in its own sides."""
    raw = View(view.name, view.window_px, view.scale_step, mirrored=view.mirrored)
    offsets = []
    for scene in scenes:
        candidates = gather(cascades.votes(scene.grey, (raw,)), 1)
        if not candidates:
            continue
        left, top, side = max(candidates, key=lambda item: int(item.counts[0])).square
        x, y, width, height = scene.boxes[0]
        offset_x = (x + width / 2 - left - side / 2) / side
        offset_y = (y + height / 2 - top - side / 2) / side
        if abs(offset_x) < 0.3 and abs(offset_y) < 0.3:
            offsets.append((offset_x, offset_y, width / MTCNN_WIDTH / side))
    shift_x, shift_y, scale = np.median(offsets, axis=0)
    name = f"{view.name}{' mirrored' if view.mirrored else ''}"
    print(f"{name}: shift_x {shift_x:.3f}, shift_y {shift_y:.3f}, scale {scale:.3f}")


def _fit(cascades: Cascades, scenes: list[Scene]) -> None:
    found = [gather(cascades.votes(scene.grey, VIEWS), len(VIEWS)) for scene in scenes]
    table = np.array([features(item.counts) for items in found for item in items])
    truth = np.array(
        [
            any(iou(_box(item), box) >= HIT_IOU for box in scene.boxes)
            for scene, items in zip(scenes, found, strict=True)
            for item in items
        ]
    )
    owner = np.repeat(np.arange(len(scenes)), [len(items) for items in found])
    people = {person: place for place, person in enumerate(sorted({s.person for s in scenes}))}
    fold = np.array([people[scenes[place].person] % 5 for place in owner])
    scores = np.zeros(len(truth))
    for held_out in range(5):
        model = LogisticRegression(max_iter=2000)
        model.fit(table[fold != held_out], truth[fold != held_out])
        scores[fold == held_out] = model.predict_proba(table[fold == held_out])[:, 1]
    judged = [
        Judged(scene, items, scores[owner == place])
        for place, (scene, items) in enumerate(zip(scenes, found, strict=True))
    ]
    for threshold in (0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5):
        print(f"threshold {threshold:4.2f}", *(_rates(judged, kind, threshold) for kind in KINDS))
    model = LogisticRegression(max_iter=2000).fit(table, truth)
    print(f"WEIGHTS = np.array({[round(float(value), 3) for value in model.coef_[0]]})")
    print(f"BIAS = {float(model.intercept_[0]):.3f}")


def _rates(judged: list[Judged], kind: str, threshold: float) -> str:
    """Recall, and false boxes per scene, over the scenes of one kind."""
    hits = faces = false = 0
    of_kind = [item for item in judged if item.scene.kind == kind]
    for item in of_kind:
        scored = zip(item.scores.tolist(), item.candidates, strict=True)
        sure = [(score, candidate) for score, candidate in scored if score >= threshold]
        boxes = [_box(candidate) for _, candidate in without_duplicates(sure)]
        known = item.scene.boxes
        faces += len(known)
        hits += sum(any(iou(box, face) >= HIT_IOU for box in boxes) for face in known)
        false += sum(all(iou(box, face) < HIT_IOU for face in known) for box in boxes)
    recall = f"recall {hits / faces:.3f} " if faces else ""
    return f"| {kind}: {recall}false {false / len(of_kind):.3f}"


def _detected(detector: HaarDetector, scene: Scene) -> Judged:
    """What the detector itself finds in a scene."""
    faces = detector.detect(cv2.cvtColor(scene.grey, cv2.COLOR_GRAY2RGB).astype(np.uint8))
    squares = [[face.box.left, face.box.top, face.box.width] for face in faces]
    candidates = [Candidate(np.array(square, float), np.zeros(4, int)) for square in squares]
    return Judged(scene, candidates, np.array([face.confidence for face in faces]))


def _box(candidate: Candidate) -> Box:
    left, top, side = (round(float(value)) for value in candidate.square)
    return Box(left, top, side, side)


if __name__ == "__main__":
    main()
