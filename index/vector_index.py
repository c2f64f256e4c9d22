"""The seam to vector search: what the gallery asks of an index, whatever stands behind it.

An index is a projection of the store: it may lag behind, be thrown away and be built again. Each
collection has one of its own, which holds face keys and vectors.

Axes: N faces, Q queries, K candidates asked for, D embedding dimension.
"""

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings

Keys: TypeAlias = npt.NDArray[np.int64]
"""Face keys: int64, shape (N,), none negative."""

Similarities: TypeAlias = npt.NDArray[np.float32]
"""Inner products of unit vectors: float32, -1 to 1."""


class Searchable(Protocol):
    """Faces whose nearest neighbours can be asked for."""

    @property
    def size(self) -> int:
        """How many faces there are."""
        ...

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of each query, best first.

        Args:
            queries: float32 (Q, D) of unit length.
            count: how many are wanted, 1 or more. If that is the size or more, all are found, in
                approximate indexes too.

        Returns:
            Similarities (Q, K) and face keys (Q, K); K is `count` or, if that is less, the size.

        Raises:
            InvalidEmbedding: queries of another dimension, or not of unit length.
        """
        ...


class VectorIndex(Searchable, Protocol):
    """Nearest neighbours by cosine. Thread-safe: many may search while one changes it."""

    @property
    def kind(self) -> str:
        """Its name in settings and in answers, for instance "exact"."""
        ...

    def add(self, keys: Keys, vectors: Embeddings) -> None:
        """Hold these faces; one that it holds already gets the new vector.

        Args:
            keys: N different face keys.
            vectors: float32 (N, D).

        Raises:
            InvalidEmbedding: vectors of another dimension, or not of unit length.
        """
        ...

    def remove(self, keys: Keys) -> None:
        """Let go of these faces; one that it does not hold is passed over."""
        ...
