"""The engine: measures embedders on the same probes, one after the other.

    probes + embedders -> embeddings -> all measures -> Evaluation -> JSON, report, card

The first embedder is the encoder, of which everything is asked. The others are floors: what an
encoder must beat to have learnt anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faces.types import Crops, Embeddings
from training.evaluation.all_pairs import AllPairs, all_pairs_figures, compare_all
from training.evaluation.breakdown import breakdown
from training.evaluation.linear_probe import LinearProbe, linear_figures, probe_linearly
from training.evaluation.neighbours import knn_accuracy, uniformity
from training.evaluation.open_set import open_set_figures
from training.evaluation.pairs import Pairs, draw_pairs
from training.evaluation.people import Floats, mean_over_photos
from training.evaluation.pose import pose_figures, yaws
from training.evaluation.probes import FALLBACK, Probes
from training.evaluation.retrieval import Retrieval, retrieval_figures, retrieve
from training.evaluation.verification import similarities, verify

Embed = Callable[[Crops], Embeddings]

VERSION = 1
"""Of the JSON that an evaluation is written as."""

FEWEST_TO_VERIFY = 4
"""People: two folds of two."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One embedder's results, beyond their figures.

    Attributes:
        embeddings: float32 (N, D), of the probes.
        retrieval: scores of each probe.
        all_pairs: of all photos.
        linear: answers of the linear probe, or None.
        figures: what is told, ready for JSON.
    """

    embeddings: Embeddings
    retrieval: Retrieval
    all_pairs: AllPairs
    linear: LinearProbe | None
    figures: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All results on one set of photos.

    Attributes:
        probes: the photos.
        measured: embedder -> its results; the encoder first.
        figures: what is told, ready for JSON.
    """

    probes: Probes
    measured: Mapping[str, Measured]
    figures: dict[str, Any] = field(repr=False)

    @property
    def encoder(self) -> Measured:
        """Results of the encoder."""
        return next(iter(self.measured.values()))


def evaluate(
    probes: Probes,
    embedders: Mapping[str, Embed],
    *,
    source: str,
    given: Pairs | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _step: None,
) -> Evaluation:
    """Measure embedders.

    Args:
        probes: crops, people and what else is known of the photos.
        embedders: name -> function of the crops; the encoder first, then floors.
        source: name of the set of photos.
        given: a list of pairs to be judged beside the drawn ones.
        seed: of everything that is drawn.
        progress: told what is done next.
    """
    drawn = draw_pairs(probes.people, seed) if len(probes.names) >= FEWEST_TO_VERIFY else None
    measured: dict[str, Measured] = {}
    for name, embed in embedders.items():
        progress(f"embedding by {name}")
        embeddings = embed(probes.crops)
        progress(f"measuring {name}")
        whole = not measured
        measured[name] = _measure(probes, embeddings, drawn, given, seed, whole=whole)
    figures = {
        "version": VERSION,
        "source": source,
        "photos": len(probes.people),
        "people": len(probes.names),
        "people with two photos or more": int((np.bincount(probes.people) > 1).sum()),
        "left out": dict(probes.left_out),
        "faces": dict(probes.found),
        "fallback": {"photos": int(probes.fallback.sum()), "crop": FALLBACK},
        "embedders": {name: result.figures for name, result in measured.items()},
        "lead of the encoder in hit@1": _leads(measured),
    }
    return Evaluation(probes, measured, without_nan(figures))


def _measure(
    probes: Probes,
    embeddings: Embeddings,
    drawn: Pairs | None,
    given: Pairs | None,
    seed: int,
    *,
    whole: bool,
) -> Measured:
    """All measures of the encoder, or those that floors are compared by."""
    people = probes.people
    retrieval = retrieve(embeddings, people)
    everything = compare_all(embeddings, people)
    figures: dict[str, Any] = {
        "retrieval": retrieval_figures(retrieval, probes.fallback),
        "verification": _verified(embeddings, drawn, probes),
        "given pairs": _verified(embeddings, given, probes),
        "all pairs": all_pairs_figures(everything),
        "kNN accuracy (k = 5)": knn_accuracy(embeddings, people),
        "uniformity": uniformity(embeddings),
    }
    if not whole:
        return Measured(embeddings, retrieval, everything, None, without_nan(figures))
    linear = probe_linearly(embeddings, people, seed)
    figures["linear probe"] = linear and linear_figures(linear, probes.names)
    figures["open set"] = open_set_figures(embeddings, people, seed)
    figures["breakdown"] = breakdown(probes.groups, retrieval, everything)
    figures["pose"] = None
    if drawn is not None:
        similarity = _similarities(embeddings, drawn)
        yaw = yaws(probes.landmarks)
        figures["pose"] = pose_figures(yaw, retrieval, drawn, similarity, everything)
    return Measured(embeddings, retrieval, everything, linear, without_nan(figures))


def without_nan(figures: Any) -> Any:  # noqa: ANN401 - JSON is nested anyhow
    """A copy of figures with None in the place of NaN, which JSON does not know."""
    if isinstance(figures, Mapping):
        return {key: without_nan(value) for key, value in figures.items()}
    if isinstance(figures, list):
        return [without_nan(value) for value in figures]
    return None if isinstance(figures, float) and np.isnan(figures) else figures


def _verified(embeddings: Embeddings, pairs: Pairs | None, probes: Probes) -> dict[str, Any] | None:
    if pairs is None:
        return None
    return verify(_similarities(embeddings, pairs), pairs, probes.people)


def _similarities(embeddings: Embeddings, pairs: Pairs) -> Floats:
    return similarities(embeddings, pairs.first, pairs.second)


def _leads(measured: Mapping[str, Measured]) -> dict[str, Any]:
    """By how much the encoder beats each floor, with intervals over people."""
    first, *floors = measured.items()
    ours = first[1].retrieval
    return {
        name: mean_over_photos(ours.hit_at_1 - floor.retrieval.hit_at_1, ours.people).as_dict()
        for name, floor in floors
    }
