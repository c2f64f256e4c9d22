"""The pose question: are neighbours alike by identity, or because both heads are turned alike?

landmarks -> yaw -> how near in yaw the neighbours of other people are, against a random list
                 -> how much of the spread of similarities identity explains, and pose
                 -> how well one person is recognised across a turn of the head
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from faces.pose import yaw_deg
from training.evaluation.all_pairs import AllPairs
from training.evaluation.pairs import Pairs
from training.evaluation.people import Floats, Ints, mean_over_photos
from training.evaluation.retrieval import Retrieval

NEAR_DEG = 10.0
"""Heads turned alike: the yaw from five landmarks is good to some degrees."""

STEPS_DEG = (5.0, 10.0, 20.0, 30.0, 45.0)
"""Between the classes of differences in yaw."""

TURNS_DEG = ((0.0, 10.0), (10.0, 25.0), (25.0, 180.0))
"""Classes of differences in yaw for which true accepts are told."""

FEWEST_PHOTOS = 30
RATE = 1e-3


def yaws(landmarks: npt.NDArray[np.float32]) -> Floats:
    """Yaw of each face in degrees (N,), NaN where its landmarks (N, 5, 2) are unknown."""
    return np.array(
        [yaw_deg(points) if np.isfinite(points).all() else np.nan for points in landmarks]
    )


def pose_figures(
    yaw: Floats, found: Retrieval, pairs: Pairs, similarity: Floats, all_pairs: AllPairs
) -> dict[str, Any] | None:
    """Figures on pose; None where landmarks are known of hardly any photo.

    Args:
        yaw: (N,), in degrees, NaN where unknown.
        found: scores of the probes.
        pairs: a list of pairs, as many of one person as of two.
        similarity: of those pairs.
        all_pairs: of the same photos.
    """
    known = np.isfinite(yaw)
    if known.sum() < FEWEST_PHOTOS:
        return None
    return {
        "photos with landmarks": int(known.sum()),
        "spread of yaw, degrees": float(np.std(yaw[known])),
        "neighbours of other people": neighbour_figures(yaw, found, all_pairs.people),
        "explained share of similarity": explained_figures(yaw, pairs, similarity),
        "recognised across a turn": turn_figures(yaw, all_pairs),
    }


def neighbour_figures(yaw: Floats, found: Retrieval, people: Ints) -> dict[str, Any] | None:
    """How near in yaw the neighbours of other people are, against all photos of other people.

    A random list needs no dice: what it gives on average is the mean over all other people's
    photos. None where no probe has such neighbours.
    """
    rows: list[tuple[int, float, float, float, float]] = []
    for probe, person, nearest in zip(found.probes, found.people, found.nearest, strict=True):
        apart = np.abs(yaw - yaw[probe])
        others = (people != person) & np.isfinite(apart)
        chosen = nearest[others[nearest]]
        if len(chosen):
            near = apart <= NEAR_DEG
            rows.append(
                (
                    int(person),
                    float(apart[chosen].mean()),
                    float(apart[others].mean()),
                    float(near[chosen].mean()),
                    float(near[others].mean()),
                )
            )
    if not rows:
        return None
    who = np.array([row[0] for row in rows], np.int64)
    apart_near, apart_random, alike_near, alike_random = np.array([row[1:] for row in rows]).T
    return {
        "probes": len(rows),
        "mean difference of yaw, degrees": float(apart_near.mean()),
        "the same in a random list": float(apart_random.mean()),
        "less than random by": mean_over_photos(apart_random - apart_near, who).as_dict(),
        f"share within {NEAR_DEG:g} degrees": float(alike_near.mean()),
        "share in a random list": float(alike_random.mean()),
        "more than random by": mean_over_photos(alike_near - alike_random, who).as_dict(),
    }


def explained_figures(yaw: Floats, pairs: Pairs, similarity: Floats) -> dict[str, float]:
    """Share of the variance of similarity that identity explains, pose, and both (eta squared).

    The list has as many pairs of one person as of two, which decides how much there is to explain.
    """
    apart = np.abs(yaw[pairs.first] - yaw[pairs.second])
    known = np.isfinite(apart)
    turn = np.digitize(apart[known], STEPS_DEG)
    same = pairs.same[known].astype(np.int64)
    values = similarity[known]
    return {
        "pairs": int(known.sum()),
        "identity": explained_share(values, same),
        "equal pose": explained_share(values, turn),
        "both": explained_share(values, turn * 2 + same),
        "equal pose, among pairs of two people": explained_share(
            values[same == 0], turn[same == 0]
        ),
    }


def explained_share(values: Floats, groups: Ints) -> float:
    """Eta squared: the variance of the groups' means as a share of the variance of the values."""
    total = float(((values - values.mean()) ** 2).sum())
    numbers = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(numbers)
    means = np.bincount(numbers, weights=values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum())
    return between / total if total else float("nan")


def turn_figures(yaw: Floats, pairs: AllPairs) -> dict[str, Any]:
    """TAR at one threshold, that of a FAR of 1e-3 over all, by how far the head turned between."""
    threshold = pairs.threshold(RATE)
    apart = np.abs(yaw[pairs.same_rows[0]] - yaw[pairs.same_rows[1]])
    figures: dict[str, Any] = {}
    for low, high in TURNS_DEG:
        chosen = (apart >= low) & (apart < high)
        told: dict[str, Any] = {"pairs": int(chosen.sum())}
        if chosen.any() and not np.isnan(threshold):
            accepted = (pairs.same[chosen] > threshold).astype(np.float64)
            owner = pairs.people[pairs.same_rows[0][chosen]]
            told |= {"people": len(np.unique(owner)), **mean_over_photos(accepted, owner).as_dict()}
        name = f"{low:g} to {high:g} degrees" if high < 180 else f"{low:g} degrees and more"
        figures[name] = told
    return figures
