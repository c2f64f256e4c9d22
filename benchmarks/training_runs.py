"""Which choices of training help: many short runs on the same photos and budget, judged alike.

    python benchmarks/training_runs.py [--faces ../shared/faces] [--work runs/table]
        [--only PART-OF-A-NAME ...] [--json benchmarks/results/training_runs.json]

Each run sees the same number of pictures. Most see train/celeba only (5,463 photos of 264 people):
twice where the objective wants one view of a photo, once where it wants two. Those with other parts
of the data see as many pictures, of photos drawn from all their parts. A run goes on where it was
stopped, and a finished one is not done again. Judged are LFW pairs (accuracy over 10 folds), and
how often the nearest photo of photos_dev and celebs_dev shows the same person.

The runs from "simclr" start from the folder given by --simclr, a run of the recipe simclr-resnet18.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import encoders
from faces.card import InputSpec
from faces.confirmation import ConfirmingDetector
from faces.encoder import OnnxEncoder
from faces.landmarks import LandmarkNetwork
from faces.sources import open_source
from faces.types import Crops, Detector, Embeddings
from training.baselines import floors_by_name
from training.config import TrainConfig
from training.data import TrainingData, load_training_data
from training.evaluation.pairs import read_pairs
from training.evaluation.probes import Probes, load_probes
from training.evaluation.retrieval import retrieve
from training.evaluation.verification import similarities, verify
from training.export import export_run
from training.loop import train
from training.network import MEAN, STD
from training.objectives import OBJECTIVES
from training.teachers import with_teacher

PICTURES = 2 * 5463
"""Seen by each run: both passes over train/celeba of an objective with one view."""

PARTS = (
    "celeba",
    "celeba_small",
    "fiw",
    "glint",
    "unlabelled",
    "unlabelled_celeba_crops",
    "unlabelled_utk",
)
"""Of ../shared/faces/train."""

NARROW = ("celeba",)
UNNAMED = ("unlabelled", "unlabelled_celeba_crops", "unlabelled_utk")

SIMCLR = "simclr"
"""Stands for the run that --simclr names."""

DLIB, HOG = "dlib", "hog"
"""Teachers: dlib's network (--teacher), and whitened histograms of gradients, without names."""


@dataclass(frozen=True)
class Choice:
    """One run: what differs from the common settings, and which parts of the data it sees."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = NARROW


CHOICES = (
    Choice("ntxent", {"objective": "ntxent"}),
    Choice("ntxent, from simclr", {"objective": "ntxent", "start": SIMCLR}),
    Choice("ntxent, views simclr", {"objective": "ntxent", "views": "simclr"}),
    Choice("ntxent, views pad_rotate_scale", {"objective": "ntxent", "views": "pad_rotate_scale"}),
    Choice("dcl", {"objective": "dcl"}),
    Choice("nnclr", {"objective": "nnclr"}),
    Choice("distill hog", {"objective": "distill", "teacher": HOG}),
    Choice("distill hog, from simclr", {"objective": "distill", "teacher": HOG, "start": SIMCLR}),
    Choice("supcon, from simclr", {"objective": "supcon", "start": SIMCLR}),
    Choice("triplet_margin, from simclr", {"objective": "triplet_margin", "start": SIMCLR}),
    Choice("cosface", {"objective": "cosface"}),
    Choice("cosface, from simclr", {"objective": "cosface", "start": SIMCLR}),
    Choice("cosface, views none", {"objective": "cosface", "views": "none"}),
    Choice("cosface, upright boxes", {"objective": "cosface", "alignment": "box"}),
    Choice("cosface, 96 px", {"objective": "cosface", "size_px": 96}),
    Choice("distill dlib", {"objective": "distill", "teacher": DLIB}),
    Choice("distill dlib, from simclr", {"objective": "distill", "teacher": DLIB, "start": SIMCLR}),
    Choice(
        "distill dlib, upright boxes",
        {"objective": "distill", "teacher": DLIB, "alignment": "box"},
    ),
    Choice(
        "distill dlib, with unnamed photos",
        {"objective": "distill", "teacher": DLIB},
        NARROW + UNNAMED,
    ),
    Choice(
        "distill dlib, with fiw",
        {"objective": "distill", "teacher": DLIB},
        (*NARROW, "fiw"),
    ),
    Choice("distill dlib, with all", {"objective": "distill", "teacher": DLIB}, PARTS),
    Choice("ntxent, with all", {"objective": "ntxent"}, PARTS),
)


class Judge:
    """The sets that runs are judged on, cropped once for each kind of crop."""

    def __init__(self, faces: Path, detector: Detector) -> None:
        self._faces = faces
        self._detector = detector
        self._probes: dict[tuple[str, InputSpec], Probes] = {}

    def figures(self, embed: Callable[[Crops], Embeddings], spec: InputSpec) -> dict[str, float]:
        """All figures of one embedder."""
        found = {}
        lfw = self._of("lfw_dev", spec)
        embeddings = embed(lfw.crops)
        pairs = read_pairs(self._faces / "lfw_dev" / "pairs.csv", lfw.photos, lfw.people)
        verified = verify(similarities(embeddings, pairs.first, pairs.second), pairs, lfw.people)
        found["LFW pairs"] = verified["accuracy"]["value"]
        for name in ("photos_dev", "celebs_dev"):
            probes = self._of(name, spec)
            found[f"{name} hit@1"] = float(
                retrieve(embed(probes.crops), probes.people).hit_at_1.mean()
            )
        return found

    def _of(self, name: str, spec: InputSpec) -> Probes:
        if (name, spec) not in self._probes:
            photos = list(open_source(self._faces / name))
            self._probes[name, spec] = load_probes(photos, self._detector, spec)
        return self._probes[name, spec]


def config_of(choice: Choice, options: argparse.Namespace) -> TrainConfig:
    """The settings of a run: the common ones, and its own."""
    own = dict(choice.settings)
    if own.get("start") == SIMCLR:
        own["start"] = str(options.simclr)
    if teacher := own.get("teacher"):
        own["teacher"] = str(options.teacher) if teacher == DLIB else teacher
    common: dict[str, Any] = {
        "sources": tuple(str(options.faces / "train" / part) for part in PARTS),
        "max_per_person": PICTURES,
        "alignment": "landmarks",
        "size_px": 64,
        "epochs": 2 if OBJECTIVES[own["objective"]].views == 1 and choice.parts == NARROW else 1,
        "batch": 128,
        "knn_every": 0,
        "threads": options.threads,
        "device": options.device,
    }
    return TrainConfig(**{**common, **own})


def detector_of(options: argparse.Namespace) -> Detector:
    """Finds the faces of photos whose manifest does not say where they are."""
    return ConfirmingDetector(LandmarkNetwork(options.landmarks))


def seen_by(choice: Choice, data: TrainingData, config: TrainConfig) -> TrainingData:
    """The photos of a run's parts, drawn at random where that is more than the budget."""
    rows = np.flatnonzero(np.isin(data.sources, [PARTS.index(part) for part in choice.parts]))
    budget = PICTURES // (config.epochs * OBJECTIVES[config.objective].views)
    if len(rows) > budget:
        rows = np.sort(np.random.default_rng(config.seed).choice(rows, budget, replace=False))
    return replace(
        data,
        crops=data.crops[rows],
        people=data.people[rows],
        sources=data.sources[rows],
        teacher=None if data.teacher is None else data.teacher[rows],
    )


def run(choice: Choice, options: argparse.Namespace, judge: Judge) -> dict[str, Any]:
    """Train, export and judge one choice."""
    config = config_of(choice, options)
    folder = options.work / choice.name.replace(" ", "-").replace(",", "")
    began = time.perf_counter()
    detector, cache = detector_of(options), options.work / "crops"
    data = load_training_data(config, detector, cache)
    if config.teacher != HOG:  # which is fitted to what the run sees
        data = with_teacher(data, config, detector, cache)
    data = seen_by(choice, data, config)
    if config.teacher == HOG:
        data = with_teacher(data, config, detector, cache)
    train(data, config, folder)
    seconds = time.perf_counter() - began
    landmarks = options.landmarks if config.alignment == "landmarks" else None
    target = folder / "encoder"
    export_run(folder, data, target, name=choice.name, version="1", landmarks=landmarks)
    encoder = OnnxEncoder(target, threads=options.threads)
    return {**judge.figures(encoder.embed, encoder.card.input), "minutes": seconds / 60}


def floors(judge: Judge, threads: int) -> dict[str, dict[str, float]]:
    """What needs no training of a network, on aligned crops."""
    spec = InputSpec(64, MEAN, STD, 0.0, alignment="landmarks")
    embedders = floors_by_name(threads)
    return {f"floor: {name}": judge.figures(embed, spec) for name, embed in embedders.items()}


def main() -> None:
    """Do what is not done yet and print the table."""
    parser = argparse.ArgumentParser(description="Short runs of training, compared.")
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, default=Path("runs/table"))
    parser.add_argument("--simclr", type=Path, default=Path("runs/simclr-resnet18"))
    parser.add_argument("--teacher", type=Path, default=Path("runs/teachers/dlib"))
    parser.add_argument("--landmarks", type=Path, default=encoders.landmark_network())
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/training_runs.json"))
    options = parser.parse_args()
    results = json.loads(options.json.read_text("utf-8")) if options.json.is_file() else {}
    judge = Judge(options.faces, detector_of(options))
    if "floor: HOG" not in results:
        results |= floors(judge, options.threads)
    for choice in CHOICES:
        if choice.name not in results and any(part in choice.name for part in options.only):
            results[choice.name] = run(choice, options, judge)
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            print(choice.name, results[choice.name], flush=True)
    print(f"{'run':34}" + "".join(f"{name:>20}" for name in next(iter(results.values()))))
    for name, figures in results.items():
        print(f"{name:34}" + "".join(f"{value:20.3f}" for value in figures.values()))


if __name__ == "__main__":
    main()
