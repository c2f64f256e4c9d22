"""The report of pairs-vs-triplets: one table of all scenarios, claims, maps and confusions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studies.drawing import confusions, maps
from studies.journal import Figures
from studies.pictures import LOADERS
from studies.report import Claim, Report, Table, Verdict, spread
from studies.scenarios import FLOORS, Scenario, map_file

if TYPE_CHECKING:
    from studies.pairs_vs_triplets import Recipe

PAIRS, TRIPLETS = "pairs", "triplets"
QUESTION = (
    "A small network learns from pairs (cosine embedding loss) or triplets (margin loss) whose "
    "positive is the anchor itself, augmented not at all, by padding, rotation and scale, or as in "
    "SimCLR. Logistic regression on its 32 numbers then says how well classes can be told apart."
)
REACHED = 0.96
"""What the write-up gives triplets with SimCLR's augmentation on MNIST."""

Scores = Mapping[tuple[str, str, str], Sequence[float]]
"""(set, loss, augmentation) -> accuracy by seed."""


def make_report(recipe: "Recipe", folder: Path, figures: Mapping[str, Figures]) -> Report:
    """Write down what the steps gave."""
    runs = [item for item in figures.values() if item.get("seed") in recipe.seeds]
    usual = [item for item in runs if item["epochs"] == recipe.epochs]
    scores = _collect(usual, "accuracy")
    claims = _claims(recipe, scores, _long(recipe, runs))
    return Report(
        study="pairs-vs-triplets",
        title="Pairs or triplets: which loss learns more from which augmentation?",
        question=QUESTION,
        answer=_answer(scores, claims),
        data="; ".join(figures[f"{name}/{FLOORS[0]}"]["data"] for name in recipe.sets) + ".",
        settings=recipe.as_dict(),
        claims=claims,
        tables=_tables(recipe, figures, usual, runs),
        plots=_plots(recipe, folder, usual),
        differences=_differences(recipe),
        figures=figures,
    )


def _collect(runs: Sequence[Figures], what: str) -> dict[tuple[str, str, str], list[float]]:
    found: dict[tuple[str, str, str], list[float]] = {}
    for item in sorted(runs, key=lambda run: run["seed"]):
        key = (item["data"], item["loss"], item["augmentation"])
        found.setdefault(key, []).append(item[what])
    return found


def _long(recipe: "Recipe", runs: Sequence[Figures]) -> list[float]:
    return [
        item["accuracy"]
        for item in runs
        if item["epochs"] == recipe.long_epochs and recipe.long_epochs != recipe.epochs
    ]


def _claims(recipe: "Recipe", scores: Scores, long: Sequence[float]) -> list[Claim]:
    weakest, strongest = recipe.augmentations[0], recipe.augmentations[-1]
    leads, told = [], []
    for name in recipe.sets:
        gains = [
            np.subtract(scores[name, loss, strongest], scores[name, loss, weakest])
            for loss in (TRIPLETS, PAIRS)
        ]
        leads.append(gains[0] - gains[1])
        told.append(f"{name}: triplets {spread(list(gains[0]))}, pairs {spread(list(gains[1]))}")
    claims = [
        Claim(
            "Stronger augmentation helps triplets more than pairs",
            f"gain in accuracy from {weakest} to {strongest}: " + "; ".join(told),
            judge(leads),
        )
    ]
    if len(recipe.sets) == len(LOADERS):
        first, second = recipe.sets
        ahead = [
            np.subtract(
                np.mean(scores[first, loss, policy]), np.mean(scores[second, loss, policy])
            ).reshape(1)
            for loss in (PAIRS, TRIPLETS)
            for policy in recipe.augmentations
        ]
        least = min(float(lead[0]) for lead in ahead)
        claims.append(
            Claim(
                f"{first} beats {second}",
                f"in {sum(lead[0] > 0 for lead in ahead)} of {len(ahead)} scenarios; the least "
                f"lead is {least:.3f}",
                judge(ahead),
            )
        )
    usual = scores[recipe.sets[0], TRIPLETS, strongest]
    words = f"{spread(usual)} after {recipe.epochs} epochs"
    if long:
        words += f", {spread(long)} after {recipe.long_epochs}: as many updates as 60,000 digits"
        words += " give in 10"
    best = [np.asarray(values) - REACHED for values in (long or usual,)]
    claims.append(
        Claim(f"Triplets with {strongest} on {recipe.sets[0]} reach 96 %", words, judge(best))
    )
    return claims


def judge(leads: Sequence[np.ndarray]) -> Verdict:
    """Whether a lead that should be positive is so: by every seed of every set, or by none."""
    signs = np.concatenate([np.asarray(lead) > 0 for lead in leads])
    if signs.all():
        return "holds"
    by_set = [(np.asarray(lead) <= 0).all() for lead in leads]
    return "does not hold" if any(by_set) else "cannot be told here"


def _answer(scores: Scores, claims: Sequence[Claim]) -> str:
    best = max(scores, key=lambda key: float(np.mean(scores[key])))
    verdicts = "; ".join(f"“{claim.claim}” {claim.verdict}" for claim in claims)
    return (
        f"Of all scenarios of this length, {best[1]} with {best[2]} on {best[0]} did best: "
        f"accuracy {spread(scores[best])}. Of the write-up's claims: {verdicts}."
    )


def _tables(
    recipe: "Recipe",
    figures: Mapping[str, Figures],
    usual: Sequence[Figures],
    runs: Sequence[Figures],
) -> list[Table]:
    columns = ("set", "loss", "augmentation", "accuracy", "top-3", "spread of the embeddings")
    what = [_collect(usual, name) for name in ("accuracy", "top-3", "spread")]
    main = sorted(key for key in what[0] if key[1] in {PAIRS, TRIPLETS})
    rest = [key for key in what[0] if key[1] not in {PAIRS, TRIPLETS}]

    def rows(keys: Sequence[tuple[str, str, str]]) -> list[list[str]]:
        return [[*key, *(spread(values[key]) for values in what)] for key in keys]

    told = {step: f"{item['accuracy']:.3f}" for step, item in figures.items()}
    floors = [
        [name, floor, "", told[f"{name}/{floor}"], f"{figures[f'{name}/{floor}']['top-3']:.3f}", ""]
        for name in recipe.sets
        for floor in FLOORS
    ]
    updates = " or ".join(str(count) for count in sorted({item["updates"] for item in usual}))
    about = (
        f"{recipe.epochs} epochs of batches of {recipe.batch}: {updates} updates. The last rows "
        "have learnt nothing: logistic regression on the pixels (grey, at half the side), and on "
        "what an untrained network makes of them. Spread is the standard deviation of an "
        "embedding's numbers over the test set; near 0 the network has collapsed."
    )
    tables = [Table("All scenarios", columns, rows(main) + floors, about)]
    if rest:
        strongest = recipe.augmentations[-1]
        compared = [key for key in main if key[0] in recipe.extended_sets and key[2] == strongest]
        about = (
            "NT-Xent and the debiased loss take all other pictures of the batch as negatives, a "
            "tenth of which are of the anchor's class; the debiased loss corrects for that (class "
            f"prior {recipe.class_prior:g}). SupCon's positives are other pictures of the class. "
            "These three compare all pictures of a batch, the others one pair of each kind, or one "
            "triplet, for each anchor."
        )
        title = "Other losses, and negatives that may be of the anchor's own class"
        tables.append(Table(title, columns, rows(compared + rest), about))
    if long := _long(recipe, runs):
        count = next(item["updates"] for item in runs if item["epochs"] == recipe.long_epochs)
        row = [recipe.sets[0], TRIPLETS, recipe.augmentations[-1], str(count), spread(long)]
        named = ("set", "loss", "augmentation", "updates", "accuracy")
        tables.append(Table("A longer run", named, [row]))
    return tables


def _plots(recipe: "Recipe", folder: Path, usual: Sequence[Figures]) -> dict[str, str]:
    plots, first = {}, recipe.seeds[0]
    for name in recipe.sets:
        shown = [
            item
            for item in usual
            if item["data"] == name and item["seed"] == first and item["loss"] in {PAIRS, TRIPLETS}
        ]
        labels = LOADERS[name](Path(recipe.data)).test.labels
        places, tables = {}, {}
        for item in shown:
            title = f"{item['loss']}, {item['augmentation']}"
            scenario = Scenario(name, item["loss"], item["augmentation"], first, item["epochs"])
            dots = np.load(map_file(folder, scenario), allow_pickle=False)
            places[title], tables[title] = (dots, labels[: len(dots)]), item["confusion"]
        count = len(next(iter(places.values()))[0])
        title = f"t-SNE of the first {count} test pictures, a colour for each class"
        plots[f"{name}: {title}"] = maps(places)
        plots[f"{name}: confusion, rows are classes and columns are answers"] = confusions(tables)
    return plots


def _differences(recipe: "Recipe") -> list[str]:
    data = (
        "Data: pieces of both sets, unless the folder holds the whole ones (see below). 8,000 "
        "digits give 7 updates an epoch where 60,000 give 58."
    )
    rates = (
        f"The rate falls as half a cosine from its peak ({recipe.pairs_learning_rate:g} for pairs, "
        f"{recipe.triplets_learning_rate:g} for triplets and the rest: the write-up's two rates, so"
        f" read). The optimiser is {recipe.optimizer}; the write-up's is not known here."
    )
    strengths = (
        "Strengths of the augmentations are the engine's (docs/training.md); padding is black."
    )
    scaled = (
        "Embeddings are scaled axis by axis before the logistic regression, so that no loss is "
        "judged by the size of its numbers."
    )
    return [data, rates, strengths, scaled]
