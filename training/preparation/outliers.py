"""Outliers: crops that no one should learn from, and pictures that are there twice.

    crop -> flaw ("", "blank", "padding", "streaks")
    crop -> fingerprint (512 bits) --near_duplicates--> the earlier row that each row repeats

Streaks are what is left where a picture was continued beyond its border by its last row or column,
as IMDB-WIKI's and CelebA's crops are.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faces.types import Image

Fingerprints: TypeAlias = npt.NDArray[np.uint64]
"""uint64 (N, 8): 512 bits for each crop."""

BLANK_LEVELS = 6.0
"""A crop whose grey levels deviate less (standard deviation, of 255) shows nothing."""

PADDED_SHARE = 0.5
"""A crop with more than this share of rows or columns of one single colour is mostly padding."""

STREAK_SHARE = 0.08
"""Streaks over more than this share of the side, from one edge inwards, are flagged."""

STREAK_RATIO = 0.12
"""In a streak, change along it is below this share of the change across it..."""

STREAK_LEVELS = 1.0
"""... and the change across it is at least so many grey levels from pixel to pixel."""

GRID = 17
"""Cells along a side. With 9, different photos of one person from the front, tightly cut, came as
near to each other as copies of one picture do."""

SAME_PERSON_BITS = 28
"""Crops of one person whose fingerprints differ in so many of 512 bits or fewer are one picture.
Errs on the side of missing some: docs/training.md has figures."""

ROWS_TOGETHER = 64


def flaw_of(crop: Image) -> str:
    """What is wrong with a crop: "blank", "padding", "streaks", or "" for nothing.

    Args:
        crop: uint8 (S, S, 3).
    """
    grey = crop.astype(np.float32).mean(axis=2)
    if float(grey.std()) < BLANK_LEVELS:
        return "blank"
    if max(_plain_share(grey), _plain_share(grey.T)) > PADDED_SHARE:
        return "padding"
    if max(_streak_share(grey), _streak_share(grey.T)) > STREAK_SHARE:
        return "streaks"
    return ""


def fingerprint(crop: Image) -> npt.NDArray[np.uint64]:
    """512 bits that hardly change when a picture is scaled or compressed anew: uint64 (8,).

    Each bit says whether a cell of a 17 x 17 grid is brighter than its neighbour to the left, or
    above (difference hashes, as the Python package imagehash has them).

    Args:
        crop: uint8 (S, S, 3), S of 17 or more.
    """
    grey = crop.astype(np.float32).mean(axis=2)
    edges = np.linspace(0, len(grey), GRID, endpoint=False).astype(int)
    sums = np.add.reduceat(np.add.reduceat(grey, edges, axis=0), edges, axis=1)
    sizes = np.diff(np.append(edges, len(grey)))
    cells = sums / np.outer(sizes, sizes)
    along, down = cells[:-1, 1:] > cells[:-1, :-1], cells[1:, :-1] > cells[:-1, :-1]
    packed = np.packbits(np.concatenate([along.ravel(), down.ravel()]))
    bits: npt.NDArray[np.uint64] = packed.view(">u8").astype(np.uint64)
    return bits


def near_duplicates(prints: Fingerprints, people: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each crop, the first earlier one of the same person that shows the same picture.

    Crops of nobody in particular are compared for equal fingerprints only: there may be a million.

    Args:
        prints: uint64 (N, 8).
        people: int64 (N,), -1 where nobody is named.

    Returns:
        int64 (N,), the row of the earlier crop, or -1.
    """
    earlier = np.full(len(people), -1, np.int64)
    order = np.argsort(people, kind="stable")
    starts = np.flatnonzero(np.diff(people[order], prepend=-2))
    for rows in np.split(order, starts[1:]):
        if len(rows) and people[rows[0]] >= 0:
            earlier[rows] = _repeats(prints[rows], rows)
    unnamed = np.flatnonzero(people < 0)
    _, first, inverse = np.unique(prints[unnamed], axis=0, return_index=True, return_inverse=True)
    original = unnamed[first[inverse.ravel()]]
    earlier[unnamed] = np.where(original < unnamed, original, -1)
    return earlier


def under_two_names(prints: Fingerprints, people: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which crops have the fingerprint of a crop of another named person: bool (N,)."""
    _, inverse = np.unique(prints, axis=0, return_inverse=True)
    groups = inverse.ravel()
    named = people >= 0
    pairs = np.unique(np.stack([groups[named], people[named]]), axis=1)
    names = np.bincount(pairs[0], minlength=int(groups.max(initial=-1)) + 1)
    double: npt.NDArray[np.bool_] = named & (names[groups] > 1)
    return double


def _repeats(prints: Fingerprints, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The same for the crops of one person, in order; gives numbers out of `rows`."""
    found = np.full(len(rows), -1, np.int64)
    for start in range(0, len(rows), ROWS_TOGETHER):
        some = slice(start, start + ROWS_TOGETHER)
        differing = np.bitwise_count(prints[some, None] ^ prints[None]).sum(axis=2)
        near = differing <= SAME_PERSON_BITS
        first = near.argmax(axis=1)  # at the latest each is near to itself
        found[some] = np.where(first < np.arange(len(rows))[some], rows[first], -1)
    return found


def _plain_share(grey: npt.NDArray[np.float32]) -> float:
    """Share of the rows that are of one grey."""
    return float((np.ptp(grey, axis=1) <= 2).mean())


def _streak_share(grey: npt.NDArray[np.float32]) -> float:
    """How far streaks that run down the picture reach in from its upper or lower edge, as a share.

    Seen on the transposed picture they run across it, from its left or right edge.
    """
    down = np.abs(np.diff(grey, axis=0)).mean(axis=1)
    across = np.abs(np.diff(grey, axis=1)).mean(axis=1)
    streaky = (across[1:] >= STREAK_LEVELS) & (down < STREAK_RATIO * across[1:])
    longest = max(_leading(streaky), _leading(streaky[::-1]))
    return longest / len(grey)


def _leading(flags: npt.NDArray[np.bool_]) -> int:
    """How many flags are set before the first that is not."""
    return int(flags.argmin()) if not flags.all() else len(flags)
