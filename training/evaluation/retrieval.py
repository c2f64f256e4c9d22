"""Retrieval: each photo is searched among all others.

embeddings (N, D) + people -> nearest others of each probe -> hits, precision, average precision

Only people with two photos or more are probes; the photos of all others are there to be confused
with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings
from training.evaluation.people import Floats, Ints, mean_over_photos, mean_per_person

DEPTH = 9
"""Photos retrieved for each probe: what the service returns by default."""

ROWS_TOGETHER = 512


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """How well an embedder retrieves: arrays with one number a probe, M in all.

    Attributes:
        probes: int64 (M,), row of each probe.
        people: int64 (M,), person of each probe.
        nearest: int64 (M, 9), rows of the nearest others, best first (fewer in a smaller set).
        hit_at_1: 1 where the nearest photo shows the same person.
        hit_at_9: 1 where one of the nearest 9 does.
        precision_at_9: share of the nearest 9 that do.
        ceiling_at_9: the most that precision_at_9 could be: a person with 5 photos has 4 others.
        average_precision_at_r: AP@R, which looks as far as there are photos to be found.
    """

    probes: Ints
    people: Ints
    nearest: Ints
    hit_at_1: Floats
    hit_at_9: Floats
    precision_at_9: Floats
    ceiling_at_9: Floats
    average_precision_at_r: Floats

    @property
    def scores(self) -> Mapping[str, Floats]:
        """What is averaged, by the names of reports."""
        return {
            "hit@1": self.hit_at_1,
            "hit@9": self.hit_at_9,
            "precision@9": self.precision_at_9,
            "mAP@R": self.average_precision_at_r,
        }


def retrieve(embeddings: Embeddings, people: Ints) -> Retrieval:
    """Search each probe's nearest others by cosine, and score them.

    Average precision at R is (1/R) sum over i <= R of P(i) where place i is right (Musgrave et al.
    2020, arXiv:2003.08505, section 3.2), R being the number of other photos of the person.

    Args:
        embeddings: float32 (N, D), unit length.
        people: (N,).
    """
    sizes = np.bincount(people)[people]
    probes = np.flatnonzero(sizes > 1)
    furthest = min(len(people) - 1, max(DEPTH, int(sizes.max()) - 1))
    nearest = nearest_others(embeddings, probes, furthest)
    right = people[nearest] == people[probes, None]
    relevant = sizes[probes] - 1
    place = np.arange(1, furthest + 1)
    precision = np.cumsum(right, axis=1) / place
    counted = right & (place <= relevant[:, None])
    return Retrieval(
        probes=probes,
        people=people[probes],
        nearest=nearest[:, :DEPTH],
        hit_at_1=right[:, 0].astype(np.float64),
        hit_at_9=right[:, :DEPTH].any(axis=1).astype(np.float64),
        precision_at_9=right[:, :DEPTH].sum(axis=1) / DEPTH,
        ceiling_at_9=np.minimum(relevant, DEPTH) / DEPTH,
        average_precision_at_r=(precision * counted).sum(axis=1) / relevant,
    )


def nearest_others(embeddings: Embeddings, probes: Ints, depth: int) -> Ints:
    """Rows (M, depth) of the nearest other photos of each probe, best first."""
    found = []
    for start in range(0, len(probes), ROWS_TOGETHER):
        rows = probes[start : start + ROWS_TOGETHER]
        similarity = embeddings[rows] @ embeddings.T
        similarity[np.arange(len(rows)), rows] = -np.inf
        top = np.argpartition(-similarity, depth - 1, axis=1)[:, :depth]
        order = np.argsort(-np.take_along_axis(similarity, top, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(top, order, axis=1))
    return np.concatenate(found).astype(np.int64)


def retrieval_figures(found: Retrieval, fallback: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Figures for the report.

    Args:
        found: scores of the probes.
        fallback: bool (N,), photos in which no face was found.
    """
    figures: dict[str, Any] = {"probes": len(found.probes), "people": len(np.unique(found.people))}
    for name, scores in found.scores.items():
        figures[name] = {
            **mean_over_photos(scores, found.people).as_dict(),
            "mean over people": float(mean_per_person(scores, found.people).mean()),
        }
    figures["ceiling of precision@9"] = float(found.ceiling_at_9.mean())
    seen = np.where(fallback[found.probes], 0.0, found.hit_at_1)
    figures["hit@1 with missed faces as failures"] = float(seen.mean())
    return figures
