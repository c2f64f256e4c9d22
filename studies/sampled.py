"""Objectives that set one positive and one negative beside each anchor, as early write-ups do.

    projections (2B, P): anchors, then their other views -> a random negative for each -> loss

The positive is another view of the anchor. The negative is another anchor of the batch: of another
class ("true"), or any ("random", which is biased: by chance it is of the anchor's own class). What
training.objectives has of these losses compares all with all instead.
"""

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from training.objectives import Batch, Objective

Negatives = Literal["true", "random"]


class Sampled(Objective):
    """What the objectives here share."""

    partner: ClassVar[Literal["photo", "person"]] = "photo"
    uses_labels: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True

    def __init__(self, margin: float, *, negatives: Negatives = "true") -> None:
        super().__init__()
        self.margin = margin
        self.negatives = negatives

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        anchors, positives = projections.chunk(2)
        labels = batch.people.chunk(2)[0]
        rows, drawn = draw_negatives(labels, self.negatives)
        return self.of_triplets(anchors[rows], positives[rows], anchors[drawn])

    @abstractmethod
    def of_triplets(self, anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """The loss, a scalar, of (M, P) each."""


class CosinePairs(Sampled):
    """torch's cosine embedding loss of each anchor's two pairs: 1 - cos, and cos over margin."""

    def of_triplets(self, anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Mean over both kinds of pairs."""
        signs = torch.ones(len(anchors), device=anchors.device)
        near = functional.cosine_embedding_loss(anchors, positives, signs)
        far = functional.cosine_embedding_loss(anchors, negatives, -signs, self.margin)
        return (near + far) / 2


class Triplets(Sampled):
    """torch's triplet margin loss: Euclidean distances, not squared, of projections as they are."""

    def of_triplets(self, anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Mean of max(0, d(a, p) - d(a, n) + margin)."""
        return functional.triplet_margin_loss(anchors, positives, negatives, self.margin)


class HadsellPairs(Sampled):
    """Hadsell, Chopra and LeCun 2006, equation 4: d^2 / 2, and max(0, margin - d)^2 / 2."""

    def of_triplets(self, anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Mean over both kinds of pairs."""
        near = functional.pairwise_distance(anchors, positives) ** 2 / 2
        slack = self.margin - functional.pairwise_distance(anchors, negatives)
        return (near + functional.relu(slack) ** 2 / 2).mean() / 2


def draw_negatives(labels: Tensor, negatives: Negatives) -> tuple[Tensor, Tensor]:
    """A random negative for each row that can have one.

    Args:
        labels: int64 (B,), class of each row.
        negatives: "true" or "random".

    Returns:
        int64 (M,) rows, and int64 (M,) which row each one's negative is.
    """
    allowed = labels[:, None] != labels
    if negatives == "random":
        allowed = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    rows = torch.where(allowed.any(dim=1))[0]
    return rows, torch.multinomial(allowed[rows].float(), 1)[:, 0]
