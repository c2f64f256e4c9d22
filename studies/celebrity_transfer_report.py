"""The report of celebrity-transfer: two figures that were compared, and two that can be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.drawing import confusions, curves
from studies.journal import Figures
from studies.report import Claim, Report, Table, Verdict, spread

if TYPE_CHECKING:
    from studies.celebrity_transfer import Recipe

QUESTION = (
    "The write-up trained SimCLR and a classifier on photos of six celebrities, got 20 to 21 % "
    "(top-5 48 to 56 %) against 69 to 72 %, and blamed SimCLR. What does its first figure measure, "
    "and how well does the same SimCLR model know the six people?"
)
LEAD_OF_TRANSFER = 0.48
"""The write-up's: 69 to 72 % less 20 to 21 %, at the least."""

TASK, PROBE, TUNED, TRANSFER = "contrastive task", "probe", "fine-tuned", "transfer"


def make_report(recipe: "Recipe", _folder: Path, figures: Mapping[str, Figures]) -> Report:
    """Write down what the steps gave."""
    found = {name: [figures[f"{name}/seed {seed}"] for seed in recipe.seeds] for name in
             ("simclr", TUNED, TRANSFER)}  # fmt: skip
    found[PROBE] = [run["probe"] for run in found["simclr"]]
    people = len(figures["data"]["photos"])
    floor: float = figures["untrained"]["accuracy"]
    claims = _claims(found, people, floor)
    return Report(
        study="celebrity-transfer",
        title="SimCLR or transfer learning for a handful of people?",
        question=QUESTION,
        answer=_answer(found, people, floor),
        data=_data(figures["data"]),
        settings=recipe.as_dict(),
        claims=claims,
        tables=[_main_table(found, figures, people), _by_person(found, figures)],
        plots=_plots(found),
        differences=_differences(recipe),
        figures=figures,
    )


Found = Mapping[str, Sequence[Mapping[str, Any]]]


def _told(found: Found, name: str, key: str) -> str:
    return spread([run[key] for run in found[name]])


def _mean(found: Found, name: str) -> float:
    values: list[float] = [run["accuracy"] for run in found[name]]
    return mean(values)


def learnt(found: Found, floor: float) -> bool:
    """Whether both models tell people better than a probe of a network that has learnt nothing.

    Without that the run was too short, and says nothing on which model is better.
    """
    return min(_mean(found, TRANSFER), max(_mean(found, PROBE), _mean(found, TUNED))) > floor


def _answer(found: Found, people: int, floor: float) -> str:
    if not learnt(found, floor):
        return (
            "This run is too short to compare the models: not both of them tell the people better "
            f"than a linear probe of an untrained network does ({floor:.3f}). The write-up's first "
            "figure is the contrastive task's in any case, as the first claim shows."
        )
    return (
        "The contrastive task's top-1 on photos never seen is "
        f"{_told(found, 'simclr', 'task top-1')} here; which of the {people} people a photo shows, "
        f"the same model tells in {_told(found, PROBE, 'accuracy')} by a linear probe and in "
        f"{_told(found, TUNED, 'accuracy')} after fine-tuning, against "
        f"{_told(found, TRANSFER, 'accuracy')} for the classifier without SimCLR. The write-up "
        "compared answers to two different questions."
    )


def _claims(found: Found, people: int, floor: float) -> list[Claim]:
    chance = 5 / people
    first = Claim(
        "SimCLR's 20 to 21 % (top-5 48 to 56 %) is an accuracy over six people",
        "five guesses of six are right in 83 % by chance, so a top-5 of 48 to 56 % cannot be. The "
        f"contrastive task (which other view shows the same photo?) has top-1 "
        f"{_told(found, 'simclr', 'task top-1')} and top-5 {_told(found, 'simclr', 'task top-5')} "
        f"here, where five guesses among {people} people would have {min(1, chance):.2f}",
        "does not hold",
    )
    lead = _mean(found, TRANSFER) - _mean(found, PROBE)
    verdict: Verdict = "holds" if lead >= LEAD_OF_TRANSFER else "does not hold"
    if not learnt(found, floor):
        verdict = "cannot be told here"
    second = Claim(
        "Asked which person it is, SimCLR's model lies about 50 points behind",
        f"the linear probe lies {100 * lead:.0f} points behind the classifier, fine-tuning "
        f"{100 * (_mean(found, TRANSFER) - _mean(found, TUNED)):.0f} points (less than 0 is ahead)",
        verdict,
    )
    return [first, second]


def _main_table(found: Found, figures: Mapping[str, Figures], people: int) -> Table:
    person = "which person?"
    rows = [
        [
            "SimCLR: the contrastive task",
            "which view is of the same photo?",
            "20 to 21 %, top-5 48 to 56 %",
            _told(found, "simclr", "task top-1"),
            f"top-5 {_told(found, 'simclr', 'task top-5')}",
        ]
    ]
    for label, name, theirs in (
        ("SimCLR: linear probe", PROBE, "not measured"),
        ("SimCLR: fine-tuned", TUNED, "not measured"),
        ("ResNet-18, cross-entropy", TRANSFER, "69 to 72 %"),
    ):
        more = f"top-3 {_told(found, name, 'top-3')}"
        rows.append([label, person, theirs, _told(found, name, "accuracy"), more])
    floor, most = figures["untrained"], figures["data"]["most common person"]
    more = f"top-3 {floor['top-3']:.3f}"
    rows.append(["untrained: linear probe", person, "", f"{floor['accuracy']:.3f}", more])
    rows.append(["the most common person, always", person, "", f"{most:.3f}", ""])
    columns = ("model", "asked", "write-up", "accuracy or top-1", "more guesses")
    note = f"All on photos of the {people} people that no model has seen."
    return Table("Four figures, two questions", columns, rows, note)


def _by_person(found: Found, figures: Mapping[str, Figures]) -> Table:
    names = (PROBE, TUNED, TRANSFER)
    rows = []
    for person, photos in enumerate(figures["data"]["photos"]):
        row = [f"person {person + 1} ({photos} photos)"]
        for name in names:
            scores = found[name][0]["by person"]
            each = (scores[key][person] for key in ("precision", "recall", "F1"))
            row.append(" / ".join(f"{score:.2f}" for score in each))
        rows.append(row)
    columns = ("", *(f"{name}: precision / recall / F1" for name in names))
    return Table("By person", columns, rows, "With the first seed.")


def _plots(found: Found) -> dict[str, str]:
    losses, near = {}, {}
    for name, label in (("simclr", "SimCLR"), (TUNED, TUNED), (TRANSFER, TRANSFER)):
        log = found[name][0]["log"]
        epochs = list(range(1, len(log["loss"]) + 1))
        losses[label] = (epochs, log["loss"])
        if all(value is not None for value in log["knn"]):
            near[label] = (epochs, log["knn"])
    tables = {name: found[name][0]["confusion"] for name in (PROBE, TUNED, TRANSFER)}
    plots = {"Loss by epoch": curves(losses, across="epoch", up="loss")}
    if near:
        title = "Share of validation photos whose 5 nearest others name the person, by epoch"
        plots[title] = curves(near, across="epoch", up="kNN accuracy")
    plots["Confusion: rows are people, columns are answers"] = confusions(tables)
    return plots


def _data(data: Mapping[str, Any]) -> str:
    photos = np.sort(data["photos"])
    return (
        f"{data['told']}: {photos[0]} to {photos[-1]} photos a person. People are not chosen by "
        "hand: they are all in the folder that the write-up's own filter keeps."
    )


def _differences(recipe: "Recipe") -> list[str]:
    start = (
        f"Both models start from {recipe.start} weights; the write-up's classifier started from "
        "ImageNet's."
    )
    optimiser = (
        "The optimiser is AdamW, whose weight decay is decoupled, and its rate falls as half a "
        "cosine; the write-up used Adam."
    )
    batch = (
        "The contrastive task is harder in larger batches: a view has "
        f"{2 * recipe.batch - 1} others to be told from here, or fewer where the test set is small."
    )
    return [
        "People and photos are others than the write-up's, and so is their number.",
        f"Crops are {recipe.size_px} px wide; the write-up's were 224.",
        f"SimCLR has {recipe.epochs} epochs here.",
        start,
        optimiser,
        batch,
    ]
