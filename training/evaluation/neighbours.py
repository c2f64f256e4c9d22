"""Cheap measures of embeddings, for a training that wants to know how it goes.

embeddings (N, D) of unit length -> kNN accuracy, alignment, uniformity
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings

UNNAMED = -1
"""The person's index on a photo of which nobody says who it shows."""

ROWS_TOGETHER = 1024
"""Rows of the similarity matrix held at once."""


def knn_accuracy(embeddings: Embeddings, people: npt.NDArray[np.int64], *, k: int = 5) -> float:
    """Share of photos whose k nearest others, by cosine, vote for the right person.

    The person with most votes wins; of equals, the one whose voters are nearer in sum. Unnamed
    photos take no part, and photos of people with no other photo, who cannot be found, only as
    neighbours.

    Args:
        embeddings: float32 (N, D), unit length.
        people: (N,), index of the person, -1 where unnamed.
        k: neighbours that vote.

    Returns:
        A share from 0 to 1; NaN where nobody has two photos.
    """
    named = people != UNNAMED
    vectors = embeddings[named]
    numbers = np.unique(people[named], return_inverse=True)[1]
    probes = np.flatnonzero(np.bincount(numbers, minlength=1)[numbers] > 1)
    if not len(probes):
        return float("nan")
    k = min(k, len(vectors) - 1)
    right = 0
    for rows in _pieces(probes):
        similarity = vectors[rows] @ vectors.T
        similarity[np.arange(len(rows)), rows] = -np.inf
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(similarity, nearest, axis=1)
        right += int((_elected(numbers[nearest], near) == numbers[rows]).sum())
    return right / len(probes)


def alignment(first: Embeddings, second: Embeddings) -> float:
    """Mean squared distance between the two photos of a pair: 0 is best, 2 is chance.

    l_align with alpha = 2 of Wang and Isola 2020 (arXiv:2005.10242, equation 1 of section 4.1).

    Args:
        first: float32 (N, D), unit length.
        second: float32 (N, D), unit length; row i shows what row i of `first` shows.
    """
    apart = first.astype(np.float64) - second
    return float((apart**2).sum(axis=1).mean())


def uniformity(embeddings: Embeddings) -> float:
    """How evenly embeddings fill the sphere: 0 where all are one, near -4 where they are spread.

    l_uniform with t = 2 (ibid., section 4.1): the logarithm of the mean of exp(-2 |x - y|^2) over
    pairs of different photos.

    Args:
        embeddings: float32 (N, D) of unit length, N at least 2.
    """
    total, count = 0.0, len(embeddings)
    for rows in _pieces(np.arange(count)):
        cosine = np.minimum(embeddings[rows] @ embeddings.T, 1.0).astype(np.float64)
        cosine[np.arange(len(rows)), rows] = -np.inf
        total += float(np.exp(4 * cosine - 4).sum())  # |x - y|^2 = 2 - 2 cosine
    return float(np.log(total / (count * (count - 1))))


def _elected(votes: npt.NDArray[np.int64], near: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The winner of each row of votes (B, k), given how near each voter is (B, k)."""
    alike = votes[:, :, None] == votes[:, None, :]
    # Cosines lie in [-1, 1]: a sum of up to k of them, over 2 k, never outweighs a vote.
    weight = alike.sum(axis=2) + (alike * near[:, None, :]).sum(axis=2) / (2 * votes.shape[1] + 1)
    winner: npt.NDArray[np.int64] = votes[np.arange(len(votes)), weight.argmax(axis=1)]
    return winner


def _pieces(rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    return (rows[at : at + ROWS_TOGETHER] for at in range(0, len(rows), ROWS_TOGETHER))
