"""The kinds of index by name, and the rules by which an index is merged into which kind of base."""

from dataclasses import dataclass

from index.bases import EXACT, HNSW
from index.gpu import GPU

AUTO = "auto"
KINDS = (AUTO, EXACT, HNSW, GPU)


@dataclass(frozen=True, slots=True)
class Rules:
    """When an index is merged, and into which kind of base.

    Attributes:
        exact_up_to: `auto` compares every face up to this many, and links more into a graph.
        delta_rows: a delta with fewer rows is never merged.
        delta_share: nor is one with fewer rows than this share of the graph's, since the delta's
            rows are all compared.
        exact_delta_share: the same over an exact base, whose rows take as long as the delta's; it
            is merged to free memory.
    """

    exact_up_to: int = 30_000
    delta_rows: int = 2_000
    delta_share: float = 0.01
    exact_delta_share: float = 0.25

    def kind_for(self, named: str, size: int) -> str:
        """The kind of base that an index of this many faces should have."""
        if named != AUTO:
            return EXACT if named == GPU else named
        return EXACT if size <= self.exact_up_to else HNSW

    def delta_limit(self, kind: str, rows: int) -> int:
        """How many rows of a delta, or how many tombstones, a base of `rows` bears."""
        share = self.exact_delta_share if kind == EXACT else self.delta_share
        return max(self.delta_rows, int(share * rows))
