"""Evaluation by retrieval: each photo as a probe against all others.

    photos -> one crop each (or a miss) -> an embedder -> embeddings -> retrieval -> figures

A probe whose face the detector misses is a failure, and a photo whose face is missed cannot be
found. The same crops go to every embedder, so that the figures differ by the embedder alone.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.alignment import crop_face
from faces.decode import decode_image
from faces.errors import FaceError
from faces.sources import Photo
from faces.types import Crops, Detector, Embeddings, largest
from training.errors import BadTrainingData

DEPTH = 9
"""Photos retrieved for each probe: what the service returns by default."""

Embed = Callable[[Crops], Embeddings]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """The faces of a labelled set of photos.

    Attributes:
        crops: uint8 (M, S, S, 3), one for each photo with a detected face.
        people: int64 (M,), index of the person on each crop.
        missed: int64 (P,), photos of each person in which no face was found.
        names: the P people.
    """

    crops: Crops
    people: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """How well an embedder retrieves: arrays with one number per probe; a miss scores 0.

    Attributes:
        hit_at_1: 1 where the nearest photo shows the same person.
        hit_at_9: 1 where one of the nearest 9 does.
        precision_at_9: share of the nearest 9 that do.
        ceiling_at_9: the most that precision_at_9 could be: a person with 5 photos has 4 others.
        people: index of the person of each probe.
    """

    hit_at_1: Floats
    hit_at_9: Floats
    precision_at_9: Floats
    ceiling_at_9: Floats
    people: npt.NDArray[np.int64]


def probe_crops(
    photos: Sequence[Photo], detector: Detector, *, margin: float, size_px: int
) -> Probes:
    """Detect and crop the largest face of each photo.

    Photos that the manifest marks as near duplicates of another are left out; so are people with
    one photo, for whom there is nothing to find.

    Args:
        photos: each with its person.
        detector: as the service has it.
        margin: added on each side of the box, as the encoder's card has it.
        size_px: side of the crops, as the encoder's card has it.

    Raises:
        BadTrainingData: nobody has two photos.
        BadSource: a photo cannot be read.
    """
    kept = [p for p in photos if p.person and not p.row.get("near_dup_of")]
    count: dict[str, int] = {}
    for photo in kept:
        count[str(photo.person)] = count.get(str(photo.person), 0) + 1
    names = tuple(sorted(name for name, photos_of in count.items() if photos_of > 1))
    if not names:
        raise BadTrainingData("retrieval needs at least one person with two labelled photos")
    index = {name: number for number, name in enumerate(names)}
    kept = [photo for photo in kept if photo.person in index]

    def crop(photo: Photo) -> Crops | None:
        try:
            image = decode_image(photo.read())
        except FaceError:
            return None
        face = largest(detector.detect(image))
        return crop_face(image, face.box, margin=margin, size_px=size_px) if face else None

    with ThreadPoolExecutor() as pool:
        crops = list(pool.map(crop, kept))
    people = np.array([index[str(photo.person)] for photo in kept])
    found = np.array([item is not None for item in crops])
    if not found.any():
        raise BadTrainingData(f"the detector found no face in {len(kept)} photos")
    return Probes(
        crops=np.stack([item for item in crops if item is not None]),
        people=people[found],
        missed=np.bincount(people[~found], minlength=len(names)),
        names=names,
    )


def retrieve(probes: Probes, embeddings: Embeddings) -> Retrieval:
    """Search each crop's nearest others by cosine, and score them.

    Args:
        probes: crops and people.
        embeddings: float32 (M, D) of unit length, of `probes.crops`.
    """
    similarity = embeddings @ embeddings.T
    np.fill_diagonal(similarity, -np.inf)
    depth = min(DEPTH, len(embeddings) - 1)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :depth]
    same = probes.people[nearest] == probes.people[:, None]
    missed_people = np.repeat(np.arange(len(probes.names)), probes.missed)
    people = np.concatenate([probes.people, missed_people])
    others = np.bincount(people, minlength=len(probes.names)) - 1

    def with_misses(scores: npt.NDArray[np.generic]) -> Floats:
        return np.concatenate([scores.astype(np.float64), np.zeros(len(missed_people))])

    return Retrieval(
        hit_at_1=with_misses(same[:, 0]),
        hit_at_9=with_misses(same.any(axis=1)),
        precision_at_9=with_misses(same.sum(axis=1) / DEPTH),
        ceiling_at_9=np.minimum(others[people], DEPTH) / DEPTH,
        people=people,
    )


def figures_of(scores: Mapping[str, Retrieval]) -> dict[str, dict[str, Any]]:
    """Mean figures of each embedder by name, and the lead of the first over each other in hit@1.

    A lead is the difference with its 95 % interval over people, as `bootstrap_difference` gives it.
    """
    first = next(iter(scores.values()))
    figures: dict[str, dict[str, Any]] = {}
    for name, score in scores.items():
        figures[name] = {
            "hit@1": float(score.hit_at_1.mean()),
            "hit@9": float(score.hit_at_9.mean()),
            "precision@9": float(score.precision_at_9.mean()),
            "ceiling of precision@9": float(score.ceiling_at_9.mean()),
        }
        if score is not first:
            lead = bootstrap_difference(first.hit_at_1, score.hit_at_1, score.people)
            figures[name]["lead of the encoder in hit@1, with its 95 % interval"] = lead
    return figures


def bootstrap_difference(
    first: Floats,
    second: Floats,
    people: npt.NDArray[np.int64],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Difference of two mean scores of the same probes, and its 95 % interval over people.

    People are drawn with replacement, each with all of their probes: photos of one person are no
    independent evidence (the cluster bootstrap; Field and Welsh 2007, section 3).

    Returns:
        The difference, and the 2.5th and 97.5th percentile of it.
    """
    gain = np.bincount(people, weights=first - second)
    size = np.bincount(people)
    gain, size = gain[size > 0], size[size > 0]
    drawn = np.random.default_rng(seed).integers(len(size), size=(draws, len(size)))
    differences = gain[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(gain.sum() / size.sum()), float(low), float(high)
