"""Vectors as 16-bit fixed point, the high bytes apart from the low ones.

    number = (256 (coarse - 128) + fine + 0.5) step / 256       coarse, fine: uint8

The coarse bytes alone are a scalar quantisation good enough to find candidates by; with the fine
ones a similarity is right to about 2e-6 at D = 512, nearer than float16 would be. Both together
take as much memory as float16 alone. All numbers share one step, so that products of coarse bytes
are products of vectors, which a graph of them needs.

Axes: N vectors, Q queries, D embedding dimension.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings
from index.vector_index import Similarities

Bytes: TypeAlias = npt.NDArray[np.uint8]
"""Coarse or fine bytes of vectors: uint8 (N, D)."""

ROOM = 1.25
"""A scale made for some vectors holds numbers this much larger, so that vectors added later do not
ask for another one."""

_HALF = 2**15


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A scale: how much one coarse step is."""

    step: float

    @classmethod
    def for_numbers_up_to(cls, largest: float) -> "FixedPoint":
        """A scale with room for numbers from `-largest` to `largest`."""
        return cls(min(max(ROOM * largest, 1e-3), 1.01) / 128)

    def holds(self, vectors: Embeddings) -> bool:
        """Whether all numbers of the vectors (N, D) are within the scale."""
        return not vectors.size or bool(np.abs(vectors).max() < 128 * self.step)

    def encode(self, vectors: Embeddings) -> tuple[Bytes, Bytes]:
        """Coarse and fine bytes of vectors (N, D) within the scale."""
        levels = np.floor(vectors * (256 / self.step)) + _HALF
        levels = levels.clip(0, 2 * _HALF - 1).astype(np.uint16)
        return (levels >> 8).astype(np.uint8), (levels & 0xFF).astype(np.uint8)

    def decode(self, coarse: Bytes, fine: Bytes) -> Embeddings:
        """The vectors again, float32 (N, D); encoding these gives the same bytes."""
        levels = coarse.astype(np.float32)
        levels -= 128
        levels *= 256
        levels += fine
        levels += 0.5
        levels *= np.float32(self.step / 256)
        return levels

    def for_scan(self, queries: Embeddings) -> Embeddings:
        """Queries (Q, D) as whole numbers from -127 to 127 with the largest at an end.

        FAISS compares bytes with bytes, in a third of the time, and finds the ten best among its
        best 20 just as surely.
        """
        largest = np.abs(queries).max(axis=1, keepdims=True)
        scaled: Embeddings = np.rint(queries * (127 / largest))
        return scaled

    def similarities(self, query: Embeddings, coarse: Bytes, fine: Bytes) -> Similarities:
        """The inner products (N,) of one query (D,) with vectors."""
        products: Similarities = self.decode(coarse, fine) @ query
        return products
