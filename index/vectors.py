"""Embeddings as the gallery takes, stores and restores them: checked once, on the way in."""

from collections.abc import Sequence

import numpy as np

from faces.types import Embeddings
from index.errors import InvalidEmbedding
from index.records import Vector

UNIT_TOLERANCE = 1e-3
"""How far a length may be from 1: a rounding error of float16 weights, not a missing division."""

_STORED = np.dtype("<f4")


def checked(vectors: Embeddings, dimension: int) -> Embeddings:
    """The vectors as contiguous float32 (N, D), if they can be embeddings of this encoder.

    Raises:
        InvalidEmbedding: another shape, or not of unit length (which includes NaN).
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise InvalidEmbedding(f"embeddings must be (N, {dimension}), not {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))
    if len(wrong):
        raise InvalidEmbedding(f"embedding {wrong[0]} has length {lengths[wrong[0]]:.4f}, not 1")
    return vectors


def to_bytes(vector: Vector) -> bytes:
    """A vector as the store keeps it: little-endian float32."""
    return vector.astype(_STORED).tobytes()


def from_bytes(rows: Sequence[bytes], dimension: int) -> Embeddings:
    """Stored vectors as float32 (N, D).

    Raises:
        InvalidEmbedding: one was damaged in the store and has another length.
    """
    joined = b"".join(rows)
    if len(joined) != len(rows) * dimension * _STORED.itemsize:
        raise InvalidEmbedding(f"a stored embedding has not {dimension} numbers")
    return np.frombuffer(joined, _STORED).reshape(len(rows), dimension).astype(np.float32)
