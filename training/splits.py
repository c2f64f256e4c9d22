"""Splits: which people, or which photos of a person, are for training and which for judging it.

Everything here goes by the digest of a name and a seed, so that a person stays in the same part
when others are added, and no list has to be kept.
"""

import hashlib
from collections.abc import Iterable


def in_random_order(names: Iterable[str], seed: int = 0) -> list[str]:
    """The names, each once, in an order that depends on nothing but themselves and the seed."""
    return sorted(set(names), key=lambda name: hashlib.sha256(f"{seed}\n{name}".encode()).digest())


def held_out(names: Iterable[str], share: float, seed: int = 0) -> frozenset[str]:
    """A share of the names; at least one where the share is not 0, and never all of them."""
    order = in_random_order(names, seed)
    if not share or len(order) < 2:
        return frozenset()
    return frozenset(order[: min(max(1, round(share * len(order))), len(order) - 1)])
