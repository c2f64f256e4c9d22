"""Who is a positive and who a negative to whom: the one place that decides it.

batch -> relations -> positives, negatives: bool (V*B, V*B) each
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from training.objectives.seam import Batch


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """Two masks, bool (N, N), symmetric and disjoint; the diagonal is in neither.

    Attributes:
        positives: rows that should be near each other.
        negatives: rows that should be apart.
    """

    positives: Tensor
    negatives: Tensor

    def pairs(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Indices as pytorch-metric-learning takes them: anchors, positives; anchors, negatives."""
        anchors, positives = torch.where(self.positives)
        others, negatives = torch.where(self.negatives)
        return anchors, positives, others, negatives


def relations(batch: Batch, *, by: Literal["slot", "person"], within_source: bool) -> Relations:
    """Relate the rows of a batch of two views.

    Args:
        batch: its rows.
        by: "slot": only the two views of a slot are a positive pair; "person": all rows of a
            person are, where nobody is named those of a slot.
        within_source: rows of other sources are no negatives. Framing and sharpness tell sources
            apart at a glance, and both views of a slot come from one source, so that a network can
            win most of a loss by knowing the source and nothing of the face (docs/training-log.md).
    """
    labels = slot_labels(batch) if by == "slot" else person_labels(batch)
    same = labels[:, None] == labels
    negatives = ~same
    if within_source:
        negatives = negatives & (batch.sources[:, None] == batch.sources)
    return Relations(same & ~torch.eye(len(batch), dtype=torch.bool, device=same.device), negatives)


def slot_labels(batch: Batch) -> Tensor:
    """int64 (2B,): equal for the two views of a slot."""
    return torch.arange(len(batch) // 2, device=batch.people.device).repeat(2)


def person_labels(batch: Batch) -> Tensor:
    """int64 (2B,): equal for rows of one person; a slot where nobody is named is one of its own."""
    people = batch.people
    return torch.where(people < 0, slot_labels(batch) + people.max().clamp(min=0) + 1, people)
