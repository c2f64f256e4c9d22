"""celebrity-transfer: does SimCLR know six people less well than transfer learning does?

photos of people with many -> 80/10/10 -> SimCLR -> the contrastive task's own accuracy
                                                 -> linear probe: which of the six?
                                                 -> fine-tuned: which of the six?
                                       -> ResNet-18, cross-entropy: which of the six?
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from studies.celebrity_transfer_report import make_report
from studies.journal import Figures
from studies.people import People, draw_people, features, load_people, projections
from studies.probing import Answers, probe
from studies.recipe import StudyRecipe
from studies.study import Step, Study
from training.checkpoint import OBJECTIVE, load_weights
from training.config import TrainConfig
from training.data import TrainingData
from training.loop import train
from training.network import Network, make_network
from training.views import make_views, view_policy

NAME = "celebrity-transfer"
CLASSIFIER = f"{OBJECTIVE}classifier."
EVERYONE = 10**9
PLACES = (1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(StudyRecipe):
    """Settings of the study; `epochs` are SimCLR's.

    Attributes:
        min_images: people with fewer photos are left out.
        max_images: photos of a person that are used; 0: all.
        cropped: photos are cut to a face already: no face is looked for.
        size_px: side of what the network sees.
        start: of both models: imagenet or random.
        views: policy of SimCLR's views.
        batch: photos in a step.
        temperature: of InfoNCE.
        learning_rate: of SimCLR.
        transfer_epochs: of cross-entropy.
        transfer_rate: of cross-entropy.
        transfer_decay: weight decay of cross-entropy.
    """

    min_images: int = 200
    max_images: int = 0
    cropped: bool = False
    size_px: int = 224
    start: str = "imagenet"
    views: str = "simclr"
    batch: int = 128
    temperature: float = 0.1
    learning_rate: float = 1e-3
    transfer_epochs: int = 5
    transfer_rate: float = 3e-4
    transfer_decay: float = 8e-4


def steps(recipe: Recipe, folder: Path) -> Sequence[Step]:
    """For each seed: SimCLR, its probe, its fine-tuning, and the transfer beside it."""
    load = cache(partial(_load, recipe, folder))
    load()  # what is wrong with the data is said before the first run
    found = [
        Step("data", partial(_describe, load)),
        Step("untrained", partial(_untrained, recipe, load)),
    ]
    for seed in recipe.seeds:
        pretrained = folder / "runs" / f"simclr-seed-{seed}"
        found += [
            Step(f"simclr/seed {seed}", partial(_simclr, recipe, load, pretrained, seed)),
            Step(
                f"fine-tuned/seed {seed}",
                partial(_classify, recipe, load, folder, "fine-tuned", str(pretrained), seed),
            ),
            Step(
                f"transfer/seed {seed}",
                partial(_classify, recipe, load, folder, "transfer", recipe.start, seed),
            ),
        ]
    return found


def generate(folder: Path) -> Path:
    """Three made-up people with twelve photos each."""
    return draw_people(folder, {"Ada": 12, "Ben": 12, "Cleo": 12})


Load = Callable[[], People]


def _config(recipe: Recipe, **settings: Any) -> TrainConfig:  # noqa: ANN401  # TrainConfig's own
    common: dict[str, Any] = {
        "sources": (recipe.data,),
        "size_px": recipe.size_px,
        "max_per_person": EVERYONE,
        "batch": recipe.batch,
        "threads": recipe.threads,
        "knn_every": 1,
        "tensorboard": False,
    }
    return TrainConfig(**(common | settings))


def _load(recipe: Recipe, folder: Path) -> People:
    return load_people(
        _config(recipe),
        folder / "crops",
        min_images=recipe.min_images,
        max_images=recipe.max_images,
        cropped=recipe.cropped,
    )


def _describe(load: Load) -> Figures:
    people = load()
    most = float(np.bincount(people.test.people).max() / len(people.test))
    return {"told": people.told, "photos": list(people.photos), "most common person": most}


def _untrained(recipe: Recipe, load: Load) -> Figures:
    torch.manual_seed(0)
    return _probe(make_network(_config(recipe)), load(), recipe.size_px).figures()


def _simclr(recipe: Recipe, load: Load, run: Path, seed: int) -> Figures:
    people = load()
    config = _config(
        recipe,
        objective="ntxent",
        temperature=recipe.temperature,
        views=recipe.views,
        learning_rate=recipe.learning_rate,
        epochs=recipe.epochs,
        start=recipe.start,
        seed=seed,
        checkpoint_every=10,
    )
    network = train(people.train, config, run, validation=people.val)
    told = {f"task top-{k}": v for k, v in contrastive_task(network, people.test, config).items()}
    return told | {"probe": _figures(_probe(network, people, recipe.size_px)), "log": _log(run)}


def _classify(
    recipe: Recipe, load: Load, folder: Path, name: str, start: str, seed: int
) -> Figures:
    people, run = load(), folder / "runs" / f"{name}-seed-{seed}"
    config = _config(
        recipe,
        objective="cross_entropy",
        views="mild",
        learning_rate=recipe.transfer_rate,
        weight_decay=recipe.transfer_decay,
        epochs=recipe.transfer_epochs,
        start=start,
        seed=seed,
    )
    network = train(people.train, config, run, validation=people.val)
    weights = load_weights(run)
    logits = functional.linear(
        projections(network, people.test, recipe.size_px),
        weights[f"{CLASSIFIER}weight"],
        weights.get(f"{CLASSIFIER}bias"),
    )
    answers = Answers(people.test.people, logits.numpy().astype(np.float32))
    return _figures(answers) | {"log": _log(run)}


def _probe(network: Network, people: People, size_px: int) -> Answers:
    parts = [features(network, part, size_px) for part in (people.train, people.test)]
    return probe(parts[0], people.train.people, parts[1], people.test.people)


def _figures(answers: Answers) -> Figures:
    return answers.figures() | {"by person": answers.by_class()}


@torch.inference_mode()
def contrastive_task(network: Network, data: TrainingData, config: TrainConfig) -> dict[int, float]:
    """Share of views whose partner is among the nearest 1 and 5 of a batch of views.

    It is what SimCLR is trained on, and what the write-up logged as accuracy: which of the other
    2 B - 1 views shows the same photo? Nothing in it asks who is on the photo.
    """
    network.eval()
    size = min(config.batch, len(data))
    generator = torch.Generator().manual_seed(config.seed)
    policy, ranks = view_policy(config.views), []
    for start in range(0, len(data) - size + 1, size):
        crops = torch.from_numpy(data.crops[start : start + size]).permute(0, 3, 1, 2)
        views = make_views(torch.cat([crops, crops]), config.size_px, policy, generator)
        units = functional.normalize(network(views))
        ranks.append(partner_ranks(units @ units.T))
    rank = torch.cat(ranks)
    return {places: float((rank < places).float().mean()) for places in PLACES}


def partner_ranks(similarity: torch.Tensor) -> torch.Tensor:
    """How many other views are nearer to each view than its partner is.

    Args:
        similarity: (2B, 2B); the partner of row i is row i + B, and the other way about.
    """
    count = len(similarity)
    rows = torch.arange(count)
    partner = (rows + count // 2) % count
    others = similarity.clone()
    others[rows, rows] = -torch.inf
    return (others > others[rows, partner][:, None]).sum(dim=1)


def _log(run: Path) -> dict[str, list[float | None]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {name: [line[name] for line in lines] for name in ("loss", "knn")}


STUDY = Study(NAME, Recipe, steps, make_report, generate)
