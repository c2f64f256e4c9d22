"""encoders: the recipes behind the encoders that ship, so that anyone can train them again.

for each encoder: its recipes, one after the other -> runs -> export -> encoder folder
    -> hit@1 on photos of other people, beside the encoder that ships
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import encoders
from faces.confirmation import ConfirmingDetector, open_detector
from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.landmarks import LandmarkNetwork
from faces.sources import open_source
from faces.types import Detector
from studies.journal import Figures
from studies.people import draw_people
from studies.recipe import StudyRecipe
from studies.report import Report, Table
from studies.study import Step, Study
from training.config import TrainConfig
from training.data import TrainingData, load_training_data
from training.errors import BadConfig, BadTeacher
from training.evaluation.people import mean_over_photos
from training.evaluation.probes import load_probes
from training.evaluation.retrieval import retrieve
from training.export import export_run
from training.loop import train
from training.recipe import read_recipe
from training.teachers import with_teacher

NAME = "encoders"
OWN_RUNS = "runs/"
"""What begins the paths in the training recipes that other recipes, or other commands, make."""

CHAINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "simclr-resnet18": ("simclr", "simclr-resnet18"),
        "simclr-resnet18-tuned": ("simclr", "simclr-resnet18-tuned"),
    }
)
"""The recipes of training/recipes/ behind each encoder, in order; the last one is exported."""


SHORTER = (
    "This run was shorter than the recipes ask for: it shows that the way is whole, not how good "
    "its end is."
)
WHOLE = "Each recipe was run in full; the table sets what came of it beside what ships."
DIFFERENCES = (
    (
        "The tuned encoder that ships came in two runs of 7 and 8 epochs, the second at a lower "
        "rate (docs/training-log.md); the recipe makes one of 15."
    ),
    "Sources, size and batch are the recipes' own unless the settings below say otherwise.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(StudyRecipe):
    """Settings of the study.

    Attributes:
        data: labelled photos to judge by, of people that are not trained on.
        epochs: passes of each recipe, where its own are more.
        encoders: which of them are made.
        teacher: folder of the tuned encoder's teacher (`lookalike data teacher`).
        sources: to train on, in place of the recipes' own; none: theirs.
        train_on_data: train on the photos to judge by; only to try the way.
        size_px: side of the crops; 0: the recipes' own.
        batch: photos in a step; 0: the recipes' own.
    """

    encoders: tuple[str, ...] = tuple(CHAINS)
    teacher: str = "runs/teachers/dlib"
    sources: tuple[str, ...] = ()
    train_on_data: bool = False
    size_px: int = 0
    batch: int = 0

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        StudyRecipe.__post_init__(self)
        if unknown := [name for name in self.encoders if name not in CHAINS]:
            raise BadConfig(f"encoders = {unknown[0]!r} is none of {', '.join(CHAINS)}")


def steps(recipe: Recipe, folder: Path) -> Sequence[Step]:
    """Each recipe once, then each encoder: exported, and judged beside the one that ships."""
    open_source(Path(recipe.data))  # a wrong path is told before hours of training
    names = dict.fromkeys(name for encoder in recipe.encoders for name in CHAINS[encoder])
    configs = {name: _config(recipe, name, folder) for name in names}
    found = [
        Step(f"train/{name}", partial(_train, config, folder, name))
        for name, config in configs.items()
    ]
    for name in recipe.encoders:
        made = folder / "encoders" / name
        last = CHAINS[name][-1]
        found += [
            Step(f"export/{name}", partial(_export, configs[last], folder, last, made)),
            Step(f"judge/{name}", partial(_judge, recipe, made)),
            Step(f"judge/{name} as shipped", partial(_judge, recipe, encoders.shipped(name))),
        ]
    return found


def generate(folder: Path) -> Path:
    """Four made-up people with four photos each."""
    return draw_people(folder, {"Ada": 4, "Ben": 4, "Cleo": 4, "Dan": 4})


def _config(recipe: Recipe, name: str, folder: Path) -> TrainConfig:
    """The settings of a training recipe, its paths within the study's folder."""
    values: dict[str, Any] = read_recipe(name)
    values["epochs"] = min(values["epochs"], recipe.epochs)
    if recipe.sources or recipe.train_on_data:
        values["sources"] = recipe.sources or (recipe.data,)
    start = values.get("start", "")
    if start.startswith(OWN_RUNS):
        values["start"] = str(folder / "runs" / Path(start).name)
    if values.get("teacher", "").startswith(OWN_RUNS):
        values["teacher"] = recipe.teacher
        if not Path(recipe.teacher).exists():
            raise BadTeacher(
                f"{recipe.teacher} is not there; `lookalike data teacher --to {recipe.teacher}` "
                "makes it, or name other encoders in a recipe of your own"
            )
    own = {"size_px": recipe.size_px, "batch": recipe.batch, "threads": recipe.threads}
    values |= {key: value for key, value in own.items() if value}
    return TrainConfig(**values, seed=recipe.seeds[0], tensorboard=False)


def _load(config: TrainConfig, folder: Path) -> TrainingData:
    detector, cache = _detector(config), folder / "crops"
    data = load_training_data(config, detector, cache)
    return with_teacher(data, config, detector, cache)


def _detector(config: TrainConfig) -> Detector:
    if config.alignment == "box":
        return HaarDetector()
    return ConfirmingDetector(LandmarkNetwork(encoders.landmark_network()))


def _train(config: TrainConfig, folder: Path, name: str) -> Figures:
    data, run = _load(config, folder), folder / "runs" / name
    train(data, config, run)
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    return {"faces": len(data), "epochs": config.epochs, "loss": last["loss"]}


def _export(config: TrainConfig, folder: Path, last: str, made: Path) -> Figures:
    data = _load(config, folder)
    beside = encoders.landmark_network() if config.alignment == "landmarks" else None
    run = folder / "runs" / last
    card = export_run(run, data, made, name=made.name, version="study", landmarks=beside)
    return {"dimension": card.dimension, "sha256": card.sha256}


def _judge(recipe: Recipe, encoder: Path) -> Figures:
    """hit@1 with its interval over people."""
    onnx = OnnxEncoder(encoder, device="cpu", threads=recipe.threads)
    photos = list(open_source(Path(recipe.data)))
    probes = load_probes(photos, open_detector(onnx), onnx.card.input)
    found = retrieve(onnx.embed(probes.crops), probes.people)
    hit = mean_over_photos(found.hit_at_1, found.people).as_dict()
    return {"hit@1": hit, "photos": len(probes.people), "people": len(probes.names)}


def make_report(recipe: Recipe, _folder: Path, figures: Mapping[str, Figures]) -> Report:
    """Write down what the steps gave."""
    rows = []
    for name in recipe.encoders:
        trained = [figures[f"train/{step}"] for step in CHAINS[name]]
        epochs = " + ".join(str(item["epochs"]) for item in trained)
        made, ships = (figures[f"judge/{name}{which}"]["hit@1"] for which in ("", " as shipped"))
        faces = str(trained[-1]["faces"])
        rows.append([name, ", ".join(CHAINS[name]), epochs, faces, _told(made), _told(ships)])
    judged = figures[f"judge/{recipe.encoders[0]}"]
    columns = ("encoder", "recipes", "epochs", "faces", "hit@1, trained here", "hit@1, as shipped")
    note = "In brackets: 95 % intervals over people. The encoders are in the folder encoders/."
    shorter = any(
        item["epochs"] < read_recipe(step.removeprefix("train/"))["epochs"]
        for step, item in figures.items()
        if step.startswith("train/")
    )
    return Report(
        study=NAME,
        title="The encoders that ship, trained again",
        question="Does the recipe behind each shipped encoder give that encoder again?",
        answer=SHORTER if shorter else WHOLE,
        data=f"Judged by {judged['photos']} photos of {judged['people']} people: each is searched "
        "among all others, and hit@1 is the share whose nearest shows the same person.",
        settings=recipe.as_dict(),
        claims=[],
        tables=[Table("Trained here, and as shipped", columns, rows, note)],
        plots={},
        differences=DIFFERENCES,
        figures=figures,
    )


def _told(figure: Mapping[str, Any]) -> str:
    low, high = figure["interval"]
    return f"{figure['value']:.3f} ({low:.3f} to {high:.3f})"


STUDY = Study(NAME, Recipe, steps, make_report, generate)
