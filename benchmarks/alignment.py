"""Is it better to align crops by the eyes than to take the upright box, and with which margin?

    python benchmarks/alignment.py [FACES] [--train N]

Crops are 64 x 64 px, grey. Encoders that need no network are fitted on train/celeba, split=train:
whitened PCA (eigenfaces), HOG, and LDA over HOG. Three ways to align:

    box       the detector's box, upright: what the pipeline does
    eyes      turned, scaled and shifted so that the eyes of a Haar cascade come to fixed places;
              where it finds no pair, the upright box
    landmarks the same by the annotated eyes, nose and mouth: what perfect eyes could give

Three measures: share of 2,000 lfw_dev pairs decided rightly (threshold from the other nine folds),
and hit@1, each photo against all others, on photos_dev and on train/celeba, split=val. Photos in
which the detector finds no annotated face are left out of all three ways alike.
"""

import argparse
import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from annotated import Annotated, annotated, iou
from eyes import EyeFinder
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from faces.detection import HaarDetector
from faces.types import Box, Grey

SIZE_PX = 64
MARGINS = (0.0, 0.1, 0.2, 0.35)
WAYS = ("box", "eyes", "landmarks")
PLACES = np.array([[0.32, 0.389], [0.69, 0.389], [0.505, 0.6], [0.36, 0.78], [0.655, 0.78]])
"""Eyes, nose and mouth corners in the detector's box of side 1: medians on train/celeba."""

Matrix = npt.NDArray[np.float64]
Crops = npt.NDArray[np.uint8]
Embed = Callable[[Crops], Matrix]


@dataclass(frozen=True, slots=True)
class Found:
    """A detected face: the photo in grey, its box, and its landmarks by either source."""

    name: str
    person: str
    grey: Grey
    box: Box
    landmarks: Matrix
    eyes: Matrix | None


def main() -> None:
    """Measure, print the tables and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--train", type=int, default=2000, help="photos to fit the encoders on")
    arguments = parser.parse_args()
    celeba = arguments.faces / "train" / "celeba"
    with (arguments.faces / "lfw_dev" / "pairs.csv").open(newline="", encoding="utf-8") as file:
        pairs = list(csv.DictReader(file))
    paired = {pair[key] for pair in pairs for key in ("path_a", "path_b")}
    sets = {
        "train": _find(annotated(celeba, split="train", sample=arguments.train)),
        "val": _find(annotated(celeba, split="val")),
        "photos_dev": _find(annotated(arguments.faces / "photos_dev")),
        "lfw_dev": _find(
            photo for photo in annotated(arguments.faces / "lfw_dev") if photo.name in paired
        ),
    }
    eyes = {name: _eye_figures(faces) for name, faces in sets.items()}
    rows = [
        {"way": way, "margin": margin} | _measure(sets, pairs, way, margin)
        for way in WAYS
        for margin in MARGINS
    ]
    _report(eyes, rows)


def _find(photos: Iterable[Annotated]) -> list[Found]:
    """The annotated faces that the detector finds, with Haar's eyes."""
    detector, finder = HaarDetector(), EyeFinder("eye")
    found = []
    for photo in photos:
        boxes = [face.box for face in detector.detect(photo.image)]
        box = max(boxes, key=lambda item: iou(item, photo.box), default=None)
        if box is None or iou(box, photo.box) < 0.3:
            continue
        grey = cv2.cvtColor(photo.image, cv2.COLOR_RGB2GRAY).astype(np.uint8)
        eyes = finder.find(grey, box)
        found.append(Found(photo.name, photo.person, grey, box, photo.landmarks, eyes))
    return found


def _eye_figures(faces: list[Found]) -> dict[str, float]:
    """How often both eyes are found, and their error as a share of the distance of the eyes."""
    errors = []
    for face in faces:
        if face.eyes is not None:
            apart = np.linalg.norm(face.landmarks[1] - face.landmarks[0])
            errors.append(np.linalg.norm(face.eyes - face.landmarks[:2], axis=1).mean() / apart)
    return {
        "faces": len(faces),
        "both_eyes_found": round(len(errors) / len(faces), 3),
        "median_error": round(float(np.median(errors)), 3),
        "error_over_a_quarter": round(float((np.array(errors) > 0.25).mean()), 4),
    }


def _crop(face: Found, way: str, margin: float) -> Crops:
    """One crop (S, S): shrunk with a filter first, so that a warp does not alias."""
    inner = SIZE_PX / (1 + 2 * margin)
    target = (PLACES + margin) * inner
    if way == "landmarks":
        warp = _similarity(face.landmarks, target)
    elif way == "eyes" and face.eyes is not None:
        warp = _similarity(face.eyes, target[:2])
    else:
        side = max(face.box.width, face.box.height)
        left = face.box.left + (face.box.width - side) / 2
        top = face.box.top + (face.box.height - side) / 2
        scale = inner / side
        shift = margin * inner
        warp = np.array([[scale, 0, shift - scale * left], [0, scale, shift - scale * top]])
    scale = float(np.hypot(*warp[:, 0]))
    source = face.grey
    if scale < 1:
        source = cv2.GaussianBlur(source, (0, 0), 0.5 / scale).astype(np.uint8)
    return cv2.warpAffine(source, warp, (SIZE_PX, SIZE_PX)).astype(np.uint8)


def _similarity(source: Matrix, target: Matrix) -> Matrix:
    """The turn, scale and shift (2, 3) that brings `source` nearest to `target` (least squares)."""
    a, b = source @ [1, 1j], target @ [1, 1j]
    a0, b0 = a - a.mean(), b - b.mean()
    turn = np.vdot(a0, b0) / np.vdot(a0, a0)
    shift = b.mean() - turn * a.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _encoders(crops: Crops, people: list[str]) -> dict[str, Embed]:
    """Name -> encoder from crops (N, S, S) to rows of unit length, fitted on `crops`."""
    pixels = _pixels(crops)
    mean = pixels.mean(axis=0)
    axes, spread = _principal(pixels - mean, 200)
    hogs = _hogs(crops)
    hog_mean = hogs.mean(axis=0)
    hog_axes, _ = _principal(hogs - hog_mean, 300)
    several = np.isin(people, [person for person in set(people) if people.count(person) > 1])
    lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, n_components=128)
    lda.fit(((hogs - hog_mean) @ hog_axes.T)[several], np.array(people)[several])
    return {
        "whitened PCA": lambda c: _unit((_pixels(c) - mean) @ axes.T / spread),
        "HOG": lambda c: _unit(_hogs(c) - hog_mean),
        "HOG + LDA": lambda c: _unit(lda.transform((_hogs(c) - hog_mean) @ hog_axes.T)),
    }


def _pixels(crops: Crops) -> Matrix:
    levelled = cv2.createCLAHE(2, (4, 4))
    return np.stack([levelled.apply(crop).ravel() for crop in crops]) / 255.0


def _hogs(crops: Crops) -> Matrix:
    hog = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9)
    return np.stack([np.asarray(hog.compute(crop), np.float64).ravel() for crop in crops])


def _principal(centred: Matrix, count: int) -> tuple[Matrix, Matrix]:
    """The first principal axes (count, F) of rows (N, F), and the spread along each (count,)."""
    values, vectors = np.linalg.eigh(centred @ centred.T)  # N x N: fewer rows than pixels
    spread = np.sqrt(values[::-1][:count])
    return (vectors[:, ::-1][:, :count].T @ centred) / spread[:, None], spread


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _measure(
    sets: dict[str, list[Found]], pairs: list[dict[str, str]], way: str, margin: float
) -> dict[str, dict[str, float]]:
    """Encoder -> the three measures, for one way to align and one margin."""
    crops = {
        name: np.stack([_crop(face, way, margin) for face in faces]) for name, faces in sets.items()
    }
    figures = {}
    for name, embed in _encoders(crops["train"], [face.person for face in sets["train"]]).items():
        places = {face.name: place for place, face in enumerate(sets["lfw_dev"])}
        figures[name] = {
            "lfw_dev pairs": _pairs_right(embed(crops["lfw_dev"]), places, pairs),
            "photos_dev hit@1": _hit_at_1(embed(crops["photos_dev"]), sets["photos_dev"]),
            "val hit@1": _hit_at_1(embed(crops["val"]), sets["val"]),
        }
    return figures


def _hit_at_1(embeddings: Matrix, faces: list[Found]) -> float:
    similarity = embeddings @ embeddings.T
    np.fill_diagonal(similarity, -1)
    people = np.array([face.person for face in faces])
    return round(float((people[similarity.argmax(axis=1)] == people).mean()), 4)


def _pairs_right(embeddings: Matrix, places: dict[str, int], pairs: list[dict[str, str]]) -> float:
    """Share of pairs decided rightly, each fold by the best threshold of the others."""
    usable = [pair for pair in pairs if pair["path_a"] in places and pair["path_b"] in places]
    first = embeddings[[places[pair["path_a"]] for pair in usable]]
    second = embeddings[[places[pair["path_b"]] for pair in usable]]
    similarity = (first * second).sum(axis=1)
    same = np.array([pair["same"] == "1" for pair in usable])
    fold = np.random.default_rng(0).permutation(len(same)) % 10
    right = np.zeros(len(same), bool)
    for held_out in range(10):
        rest, mine = fold != held_out, fold == held_out
        thresholds = np.quantile(similarity[rest], np.linspace(0, 1, 200))
        scores = [((similarity[rest] > t) == same[rest]).mean() for t in thresholds]
        right[mine] = (similarity[mine] > thresholds[int(np.argmax(scores))]) == same[mine]
    return round(float(right.mean()), 4)


def _report(eyes: dict[str, dict[str, float]], rows: list[dict[str, object]]) -> None:
    for name, figures in eyes.items():
        print(f"{name:11s} " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    print("\nlfw_dev pairs / photos_dev hit@1 / val hit@1, in percent")
    for row in rows:
        text = f"{row['way']!s:10s} margin {row['margin']!s:5s}"
        for encoder, measures in row.items():
            if isinstance(measures, dict):
                text += f"  {encoder} " + " / ".join(f"{100 * v:.1f}" for v in measures.values())
        print(text)
    path = Path(__file__).parent / "results" / "alignment.json"
    content = {"crop_px": SIZE_PX, "haar_eyes": eyes, "crops": rows}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
