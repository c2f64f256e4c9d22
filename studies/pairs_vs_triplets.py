"""pairs-vs-triplets: which loss learns more from which augmentation?

    {pairs, triplets} x {none, pad_rotate_scale, simclr} x {MNIST, CIFAR-10}
        -> small network -> embeddings -> logistic regression, t-SNE

Beside the twelve scenarios: one run as long as 60,000 digits would make it, the losses that the
write-up only describes, and floors that have learnt nothing.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch

from studies.journal import Figures
from studies.pairs_vs_triplets_report import make_report
from studies.pictures import LOADERS, MNIST_SIDE, Pictures, PictureSet, as_training_data
from studies.probing import probe
from studies.recipe import StudyRecipe
from studies.sampled import CosinePairs, HadsellPairs, Triplets
from studies.scenarios import FLOORS, Scenario, map_file
from studies.small_network import SmallNetwork
from studies.study import Step, Study
from training.config import ObjectiveName, TrainConfig
from training.errors import BadConfig
from training.evaluation.plots import tsne
from training.loop import train
from training.objectives import Objective
from training.parts import Own
from training.views import POLICIES

NAME = "pairs-vs-triplets"
TOGETHER = 1024
EVERYONE = 10**9
"""No class is cut short: all its pictures are seen in every epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(StudyRecipe):
    """Settings of the study.

    Attributes:
        sets: of pictures.
        augmentations: policies of the views.
        batch: anchors in a step.
        optimizer: as TrainConfig has it.
        pairs_learning_rate: peak rate of the losses of pairs.
        triplets_learning_rate: peak rate of all others.
        pairs_margin: of the cosine embedding loss.
        triplets_margin: of the triplet loss, and of Hadsell's.
        temperature: of SupCon, NT-Xent and the debiased loss.
        class_prior: of the debiased loss: one of ten classes.
        both_augmented: whether anchors are augmented, too.
        long_epochs: passes of the run with as many updates as 60,000 digits give; 0: none.
        limit: pictures of a set to train on at most, so that both sets get as many updates;
            0: all.
        extended_sets: on which sets the other losses are run.
        mapped: test pictures on a t-SNE map.
    """

    free: ClassVar[tuple[str, ...]] = (*StudyRecipe.free, "extended_sets", "long_epochs")

    sets: tuple[str, ...] = ("MNIST", "CIFAR-10")
    augmentations: tuple[str, ...] = ("none", "pad_rotate_scale", "simclr")
    batch: int = 1024
    optimizer: str = "sgd"
    pairs_learning_rate: float = 0.05
    triplets_learning_rate: float = 0.15
    pairs_margin: float = 0.0
    triplets_margin: float = 1.0
    temperature: float = 0.5
    class_prior: float = 0.1
    both_augmented: bool = False
    long_epochs: int = 83
    limit: int = 0
    extended_sets: tuple[str, ...] = ("MNIST",)
    mapped: int = 1000

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        StudyRecipe.__post_init__(self)
        for key, known in {
            "sets": LOADERS,
            "extended_sets": LOADERS,
            "augmentations": POLICIES,
        }.items():
            if unknown := [name for name in getattr(self, key) if name not in known]:
                raise BadConfig(f"{key} = {unknown[0]!r} is none of {', '.join(known)}")
        if self.mapped < 10 or self.long_epochs < 0:
            raise BadConfig(f"mapped = {self.mapped}, long_epochs = {self.long_epochs}: too few")


Maker = Callable[[Recipe], Objective]

LOSSES: Mapping[str, tuple[ObjectiveName, Maker | None]] = MappingProxyType(
    {
        "pairs": ("cosine_embedding", lambda r: CosinePairs(r.pairs_margin)),
        "triplets": ("triplet_margin", lambda r: Triplets(r.triplets_margin)),
        "Hadsell": ("contrastive_margin", lambda r: HadsellPairs(r.triplets_margin)),
        "pairs, random negatives": (
            "cosine_embedding",
            lambda r: CosinePairs(r.pairs_margin, negatives="random"),
        ),
        "triplets, random negatives": (
            "triplet_margin",
            lambda r: Triplets(r.triplets_margin, negatives="random"),
        ),
        "NT-Xent": ("ntxent", None),
        "debiased": ("debiased", None),
        "SupCon": ("supcon", None),
    }
)
"""Each loss by its name in the report: the engine's nearest, and our own where it differs."""

MAIN = ("pairs", "triplets")
EXTENDED = tuple(name for name in LOSSES if name not in MAIN)


def steps(recipe: Recipe, folder: Path) -> Sequence[Step]:
    """The floors, then all runs, seed by seed."""
    load = cache(lambda name: LOADERS[name](Path(recipe.data)).limited(recipe.limit))
    for name in dict.fromkeys((*recipe.sets, *recipe.extended_sets)):
        load(name)  # what is wrong with the data is said before the first run
    scenarios = [item for seed in recipe.seeds for item in scenarios_of(recipe, seed)]
    floors = [
        Step(f"{name}/{floor}", partial(_floor, load, name, floor))
        for name in recipe.sets
        for floor in FLOORS
    ]
    runs = [Step(item.name, partial(_run, recipe, folder, load, item)) for item in scenarios]
    return [*floors, *runs]


def scenarios_of(recipe: Recipe, seed: int) -> list[Scenario]:
    """All runs with one seed: the twelve, the long one, the other losses."""
    strongest = recipe.augmentations[-1]
    twelve = [
        Scenario(name, loss, augmentation, seed, recipe.epochs)
        for name in recipe.sets
        for loss in MAIN
        for augmentation in recipe.augmentations
    ]
    longest = Scenario(recipe.sets[0], MAIN[1], strongest, seed, recipe.long_epochs)
    others = [
        Scenario(name, loss, strongest, seed, recipe.epochs)
        for name in recipe.extended_sets
        for loss in EXTENDED
    ]
    return [*twelve, *([longest] if recipe.long_epochs else []), *others]


def generate(folder: Path) -> Path:
    """Made-up pictures in both layouts."""
    from studies.generated import write_cifar10, write_mnist  # noqa: PLC0415 - only a smoke run

    write_mnist(folder)
    write_cifar10(folder)
    return folder


def _floor(load: Callable[[str], PictureSet], name: str, floor: str) -> Figures:
    """What logistic regression makes of pixels, or of a network that has learnt nothing."""
    found = load(name)
    if floor == "pixels":
        train, test = (_small_grey(part) for part in (found.train, found.test))
    else:
        torch.manual_seed(0)
        network = _network(found.train)
        train, test = (embed(network, part) for part in (found.train, found.test))
    answers = probe(train, found.train.labels, test, found.test.labels)
    return answers.figures() | {"data": found.told}


def _small_grey(pictures: Pictures) -> np.ndarray:
    """Pixels float32 (N, S S / 4) of the pictures in grey at half their side."""
    count, side = pictures.pixels.shape[:2]
    blocks = pictures.pixels.reshape(count, side // 2, 2, side // 2, 2 * 3)
    mean: np.ndarray = blocks.mean(axis=(2, 4), dtype=np.float32)
    return mean.reshape(count, -1)


def _run(
    recipe: Recipe, folder: Path, load: Callable[[str], PictureSet], scenario: Scenario
) -> Figures:
    """Train one network and ask what its embeddings hold."""
    found = load(scenario.data)
    named, make = LOSSES[scenario.loss]
    pairs = scenario.loss.startswith("pairs")
    config = TrainConfig(
        sources=(scenario.data,),
        size_px=found.train.pixels.shape[1],
        max_per_person=EVERYONE,
        views=scenario.augmentation,
        augment="both" if recipe.both_augmented else "one",
        objective=named,
        temperature=recipe.temperature,
        class_prior=recipe.class_prior,
        epochs=scenario.epochs,
        batch=recipe.batch,
        optimizer=recipe.optimizer,  # type: ignore[arg-type]  # TrainConfig checks it
        learning_rate=recipe.pairs_learning_rate if pairs else recipe.triplets_learning_rate,
        weight_decay=0.0,
        warmup=0.0,
        seed=scenario.seed,
        threads=recipe.threads,
        checkpoint_every=scenario.epochs,
        knn_every=0,
        tensorboard=False,
    )
    own = Own(
        network=lambda: _network(found.train),
        objective=None if make is None else lambda _dim: make(recipe),
    )
    run = folder / "runs" / scenario.slug
    with without_warnings():
        network = train(as_training_data(found.train), config, run, own=own)
    embedded, asked = (embed(network, part) for part in (found.train, found.test))
    if scenario.seed == recipe.seeds[0] and scenario.loss in MAIN:
        path = map_file(folder, scenario)
        path.parent.mkdir(exist_ok=True)
        np.save(path, tsne(asked[: recipe.mapped]).astype(np.float32))
    answers = probe(embedded, found.train.labels, asked, found.test.labels)
    updates = scenario.epochs * (len(found.train) // recipe.batch)
    spread_out = float(np.std(asked, axis=0).mean())
    return answers.figures() | {"updates": updates, "spread": spread_out, **scenario.as_dict()}


@contextmanager
def without_warnings() -> Iterator[None]:
    """The loop takes embeddings that are all positive, as a sigmoid's are, for collapsed."""
    logger = logging.getLogger("lookalike")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _network(pictures: Pictures) -> SmallNetwork:
    side = pictures.pixels.shape[1]
    return SmallNetwork(side_px=side, grey=side == MNIST_SIDE)


@torch.inference_mode()
def embed(network: torch.nn.Module, pictures: Pictures) -> np.ndarray:
    """Embeddings float32 (N, 32) of pictures without any transform."""
    network.eval()
    pieces = []
    for start in range(0, len(pictures), TOGETHER):
        pixels = torch.from_numpy(pictures.pixels[start : start + TOGETHER])
        pieces.append(network(pixels.permute(0, 3, 1, 2).float() / 255))
    return torch.cat(pieces).numpy()


STUDY = Study(NAME, Recipe, steps, make_report, generate)
