"""Open-set search: is a stranger told apart from somebody in the gallery?

    people -> half are enrolled with half of their photos -> search the rest, and all strangers
           -> at the threshold that few strangers reach, how many of the enrolled are found?

Detection and identification rate (DIR) at a false positive identification rate (FPIR), by NIST's
words (Grother, Ngan and Hanaoka 2019, NISTIR 8271, section 4): the answer is the nearest enrolled
photo's person if it is similar enough, and "unknown" otherwise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from faces.types import Embeddings
from training.evaluation.people import Bools, Floats, Ints, estimates, share

RATES = (0.1, 0.01)
"""False positive identification rates at which the DIR is told."""

DIVISIONS = 10
"""Times that people are divided anew into enrolled and strangers."""

FEWEST_FALSE_POSITIVES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """The nearest enrolled photo of each search of one division, most alike first.

    Attributes:
        person: person searched for.
        similarity: of the nearest enrolled photo.
        stranger: whether the person is outside the gallery.
        right: whether the nearest photo shows the person.
    """

    person: Ints
    similarity: Floats
    stranger: Bools
    right: Bools


def open_set_figures(embeddings: Embeddings, people: Ints, seed: int = 0) -> dict[str, Any] | None:
    """DIR at each of RATES, over all divisions, with intervals over the people searched for.

    Args:
        embeddings: float32 (N, D), unit length.
        people: (N,), index of the person on each.
        seed: of the divisions.

    Returns:
        None where fewer than two people have two photos.
    """
    random = np.random.default_rng(seed)
    if (np.bincount(people) > 1).sum() < 2:
        return None
    divisions = [search_division(embeddings, people, random) for _ in range(DIVISIONS)]

    def figures(drawn: Floats) -> Floats:
        each = [detection_rates(searches, drawn) for searches in divisions]
        rates = np.array(each)
        known = ~np.isnan(rates)
        return np.where(
            known.any(axis=0),
            np.where(known, rates, 0).sum(axis=0) / np.maximum(1, known.sum(axis=0)),
            np.nan,
        )

    found = estimates(figures, int(people.max()) + 1)
    strangers = float(np.mean([searches.stranger.sum() for searches in divisions]))
    result: dict[str, Any] = {
        "divisions": DIVISIONS,
        "searches of strangers in a division": strangers,
        "searches of the enrolled in a division": float(
            np.mean([(~searches.stranger).sum() for searches in divisions])
        ),
    }
    for rate, value in zip(RATES, found, strict=True):
        enough = rate * strangers >= FEWEST_FALSE_POSITIVES
        result[f"DIR at FPIR {rate:g}"] = value.as_dict() if enough else None
    return result


def search_division(embeddings: Embeddings, people: Ints, random: np.random.Generator) -> Searches:
    """Enrol half of the people that have two photos, and search all photos not enrolled."""
    sizes = np.bincount(people)
    several = random.permutation(np.flatnonzero(sizes > 1))
    known = np.zeros(len(sizes), bool)
    known[several[: max(1, len(several) // 2)]] = True
    place = np.empty(len(people), np.int64)  # of each photo among its person's, in random order
    for person in several:
        own = np.flatnonzero(people == person)
        place[own] = random.permutation(len(own))
    enrolled = known[people] & (place < sizes[people] // 2)
    searched = np.flatnonzero(~enrolled)
    gallery = np.flatnonzero(enrolled)
    similarity = embeddings[searched] @ embeddings[gallery].T
    best = similarity.argmax(axis=1)
    nearest = similarity[np.arange(len(searched)), best].astype(np.float64)
    order = np.argsort(-nearest, kind="stable")
    person = people[searched]
    return Searches(
        person=person[order],
        similarity=nearest[order],
        stranger=~known[person][order],
        right=(people[gallery[best]] == person)[order],
    )


def detection_rates(searches: Searches, drawn: Floats) -> Floats:
    """DIR at each of RATES: the share of searches of enrolled people that find them.

    Only answers more alike count than what the rate's share of strangers reach.

    Args:
        searches: most alike first.
        drawn: (P,), how often each person counts.
    """
    weights = drawn[searches.person]
    strangers = np.cumsum(np.where(searches.stranger, weights, 0.0))
    hits = np.cumsum(np.where(searches.right & ~searches.stranger, weights, 0.0))
    enrolled = float(weights[~searches.stranger].sum())
    found = []
    for rate in RATES:
        limit = rate * strangers[-1] * (1 + 1e-12)
        at = int(np.searchsorted(strangers, limit, side="right"))
        if at >= len(strangers) or not strangers[-1]:
            found.append(np.nan)
            continue
        # Those exactly as alike as the first stranger too many are rejected with it.
        above = int(np.searchsorted(-searches.similarity, -searches.similarity[at], side="left"))
        found.append(share(hits[above - 1] if above else 0.0, enrolled))
    return np.array(found)
