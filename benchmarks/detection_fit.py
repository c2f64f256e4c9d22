"""Fit what the votes of the cascades are worth: the constants in faces/cascades.py and voting.py.

    python -m benchmarks.detection_fit [FACES]

Uses train/celeba, split=train, only: single photos as they are, and small ones put together into
crowds, so that faces of few pixels, which get fewer votes, are known too. Prints the offset of each
view's box to the common convention, the regression, and recall against false boxes (five folds over
people) by threshold.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from benchmarks.annotated import Annotated, annotated, iou
from sklearn.linear_model import LogisticRegression

from faces.cascades import Cascades, Grey, View
from faces.detection import VIEWS
from faces.types import Box
from faces.voting import Candidate, features, gather, without_duplicates

HIT_IOU = 0.4
CROWD_ROWS, CROWD_COLUMNS = 4, 5
MTCNN_WIDTH = 0.81
"""MTCNN's box is 0.81 as wide as that of haarcascade_frontalface_default, about the same centre."""

Boxes = list[npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Scene:
    """An image with all its annotated faces; `person` decides its fold."""

    grey: Grey
    boxes: Boxes
    person: str


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--photos", type=int, default=1000)
    arguments = parser.parse_args()
    photos = annotated(
        arguments.faces / "train" / "celeba", split="train", sample=arguments.photos, seed=5
    )
    singles = [Scene(_grey(photo), [photo.box], photo.person) for photo in photos]
    cascades = Cascades()
    for view in VIEWS:
        _print_offset(cascades, view, singles[:300])
    crowds = list(_crowds(singles[: len(singles) // 2]))
    _fit(cascades, singles, crowds)


def _grey(photo: Annotated) -> Grey:
    return cv2.cvtColor(photo.image, cv2.COLOR_RGB2GRAY).astype(np.uint8)


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
        yield Scene(canvas, boxes, singles[start].person)


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


def _fit(cascades: Cascades, singles: list[Scene], crowds: list[Scene]) -> None:
    scenes = singles + crowds
    found: list[list[Candidate]] = [
        gather(cascades.votes(scene.grey, VIEWS), len(VIEWS)) for scene in scenes
    ]
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
    by_scene = [scores[owner == place] for place in range(len(scenes))]
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        one = _rates(singles, found[: len(singles)], by_scene[: len(singles)], threshold)
        many = _rates(crowds, found[len(singles) :], by_scene[len(singles) :], threshold)
        print(
            f"threshold {threshold}: singles recall {one[0]:.3f} false {one[1]:.3f}, "
            f"crowds recall {many[0]:.3f} false {many[1]:.3f}"
        )
    model = LogisticRegression(max_iter=2000).fit(table, truth)
    print(f"WEIGHTS = np.array({[round(float(value), 3) for value in model.coef_[0]]})")
    print(f"BIAS = {float(model.intercept_[0]):.3f}")


def _rates(
    scenes: list[Scene],
    found: list[list[Candidate]],
    scores: list[npt.NDArray[np.float64]],
    threshold: float,
) -> tuple[float, float]:
    """Recall, and false boxes per scene."""
    hits = faces = false = 0
    for scene, items, item_scores in zip(scenes, found, scores, strict=True):
        sure = [
            (float(score), item)
            for score, item in zip(item_scores, items, strict=True)
            if score >= threshold
        ]
        boxes = [_box(item) for _, item in without_duplicates(sure)]
        faces += len(scene.boxes)
        hits += sum(any(iou(box, face) >= HIT_IOU for box in boxes) for face in scene.boxes)
        false += sum(all(iou(box, face) < HIT_IOU for face in scene.boxes) for box in boxes)
    return hits / faces, false / max(1, len(scenes))


def _box(candidate: Candidate) -> Box:
    left, top, side = (round(float(value)) for value in candidate.square)
    return Box(left, top, side, side)


if __name__ == "__main__":
    main()
