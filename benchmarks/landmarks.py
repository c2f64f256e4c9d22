"""Landmarks of our network beside MTCNN's: distance, speed, and what alignment by them is worth.

    python benchmarks/landmarks.py LANDMARKS [FACES] [--teacher teacher.onnx] [--photos N]

Distances are in shares of the distance of the eyes (for turned heads too: as the spread of all five
points has it). MTCNN's points are what the network learnt from, on other photos; they are no ground
truth. The network starts from boxes that are off as the cascades' are: by a normal deviate of 6 %
of the side each way, and 8 % in size.

With a teacher (`training.dlib_teacher` makes it), lfw_dev/pairs.csv is judged with that encoder on
crops aligned by either, and on upright ones about the same boxes: 10 folds, the threshold from the
other nine. There the network starts from the middle of the photo and no annotation is used.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from annotated import Annotated, annotated

from faces.alignment import align_face, box_of, mean_landmarks, to_template
from faces.confirmation import EYES_PER_SPREAD
from faces.landmarks import LandmarkNetwork
from faces.pose import yaw_deg
from faces.similarity import scale_of
from faces.types import Box, Image

HERE = Path(__file__).parent
SETS = (("train/celeba", "val"), ("photos_dev", None), ("lfw_dev", None))
FOLDS = 10

SHIFT, SCALE = 0.06, 0.08
TEMPLATE_PER_BOX = 0.916

# What dlib's network takes: training/dlib_teacher.py. Its own crops leave a quarter around the
# landmarks' box; ours are as wide with TEMPLATE at 0.9 of the side.
TEACHER_PX = 150
TEACHER_MARGIN = (1 / 0.9 - 1) / 2
TEACHER_MEAN = np.array((122.782, 117.001, 104.298), np.float32)

Floats = npt.NDArray[np.float64]


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landmarks", type=Path)
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--photos", type=int, help="only so many of each set, at random")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    network = LandmarkNetwork(arguments.landmarks)
    figures: dict[str, object] = {"labels": "MTCNN's, not ground truth"}
    for name, split in SETS:
        photos = annotated(arguments.faces / name, split=split, sample=arguments.photos)
        figures[name] = _distances(network, photos)
        print(name, json.dumps(figures[name]))
    figures["CPU ms per face"] = _speed(network)
    print("CPU ms per face", figures["CPU ms per face"])
    if arguments.teacher:
        figures["lfw_dev pairs, dlib's encoder"] = _pairs(
            network, arguments.faces / "lfw_dev", arguments.teacher
        )
        print("pairs", figures["lfw_dev pairs, dlib's encoder"])
    path = HERE / "results" / "landmarks.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _distances(network: LandmarkNetwork, photos: Iterable[Annotated]) -> dict[str, float]:
    """Distance to MTCNN's points, and of the yaw from them."""
    random = np.random.default_rng(0)
    errors, plain, yaws, scores = [], [], [], []
    for photo in photos:
        start = mean_landmarks(_box(photo.landmarks, random))
        found = network.locate(photo.image, [start])[0]
        unit = EYES_PER_SPREAD * float(np.linalg.norm(photo.landmarks - photo.landmarks.mean(0)))
        errors.append(np.linalg.norm(found.landmarks - photo.landmarks, axis=1).mean() / unit)
        plain.append(np.linalg.norm(start - photo.landmarks, axis=1).mean() / unit)
        yaws.append(abs(yaw_deg(found.landmarks) - yaw_deg(photo.landmarks)))
        scores.append(found.score)
    return {
        "faces": len(errors),
        "mean": round(float(np.mean(errors)), 4),
        "median": round(float(np.median(errors)), 4),
        "share off by more than 0.1": round(float(np.mean(np.array(errors) > 0.1)), 4),
        "median of the mean face in its box": round(float(np.median(plain)), 4),
        "median difference of yaw, degrees": round(float(np.median(yaws)), 2),
        "share confirmed": round(float(np.mean(np.array(scores) >= 0.5)), 4),
    }


def _box(landmarks: Floats, random: np.random.Generator) -> Box:
    """A box as the cascades may give it for a face with these landmarks (5, 2)."""
    side = 1 / scale_of(to_template(landmarks, size_px=1)) / TEMPLATE_PER_BOX
    middle = landmarks.mean(axis=0) - 0.06 * side * np.array([0, 1])
    middle = middle + random.normal(0, SHIFT * side, 2)
    side *= float(np.exp(random.normal(0, SCALE)))
    left, top = middle - side / 2
    return Box(round(left), round(top), round(side), round(side))


def _speed(network: LandmarkNetwork) -> dict[str, float]:
    """CPU milliseconds for both looks at one face, and at each of sixteen, in a photo of 640 px.

    CPU time of the one thread, so that a busy machine does not count.
    """
    image = np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    result = {}
    for count in (1, 16):
        guesses = [mean_landmarks(Box(30 * place, 100, 160, 160)) for place in range(count)]
        start = time.process_time()
        for _ in range(100):
            network.locate(image, guesses, least_score=0)
        taken = time.process_time() - start
        result[f"{count} at once"] = round(1000 * taken / 100 / count, 2)
    return result


def _pairs(network: LandmarkNetwork, folder: Path, teacher: Path) -> dict[str, float]:
    """Accuracy of the teacher on pairs, by whose landmarks the crops were aligned."""
    with (folder / "pairs.csv").open(newline="", encoding="utf-8") as file:
        pairs = list(csv.DictReader(file))
    wanted = {pair[key] for pair in pairs for key in ("path_a", "path_b")}
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(teacher), options, providers=["CPUExecutionProvider"])
    embeddings: dict[str, dict[str, Floats]] = {"ours": {}, "MTCNN's": {}, "upright": {}}
    for photo in annotated(folder):
        if photo.name not in wanted:
            continue
        side = min(photo.image.shape[:2])
        middle = mean_landmarks(Box(0, 0, side, side))
        found = network.locate(photo.image, [middle], least_score=0)[0]
        height, width = photo.image.shape[:2]
        upright = mean_landmarks(box_of(found.landmarks, width=width, height=height))
        for name, points in (
            ("ours", found.landmarks),
            ("MTCNN's", photo.landmarks),
            ("upright", upright),
        ):
            embeddings[name][photo.name] = _embed(session, photo.image, points)
    return {name: _accuracy(pairs, found) for name, found in embeddings.items()}


def _embed(session: ort.InferenceSession, image: Image, landmarks: Floats) -> Floats:
    """The teacher's embedding of a crop and its mirror image, of unit length."""
    crop = align_face(image, landmarks, size_px=TEACHER_PX, margin=TEACHER_MARGIN)
    pixels = ((crop.astype(np.float32) - TEACHER_MEAN) / 256).transpose(2, 0, 1)
    both = np.ascontiguousarray(np.stack([pixels, pixels[..., ::-1]]))
    embedding: Floats = session.run(None, {"pixels": both})[0].sum(axis=0)
    return embedding / np.linalg.norm(embedding)


def _accuracy(pairs: list[dict[str, str]], embeddings: dict[str, Floats]) -> float:
    """Share of pairs decided rightly; a pair with a photo that has no landmarks is left out."""
    known = [p for p in pairs if p["path_a"] in embeddings and p["path_b"] in embeddings]
    alike = np.array([embeddings[p["path_a"]] @ embeddings[p["path_b"]] for p in known])
    same = np.array([p["same"] == "1" for p in known])
    fold = np.arange(len(known)) % FOLDS
    right = 0
    for held_out in range(FOLDS):
        train = fold != held_out
        thresholds = np.sort(alike[train])[::5]
        rates = [((alike[train] >= value) == same[train]).mean() for value in thresholds]
        best = thresholds[int(np.argmax(rates))]
        right += int(((alike[~train] >= best) == same[~train]).sum())
    return round(right / len(known), 4)


if __name__ == "__main__":
    main()
