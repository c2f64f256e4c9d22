"""Objectives that set distances or similarities of labelled pairs and triplets.

projections -> unit length -> pairs or triplets by person -> loss of each -> mean
"""

from typing import ClassVar, Literal, get_args

import torch
from pytorch_metric_learning import losses
from pytorch_metric_learning.distances import LpDistance
from torch import Tensor
from torch.nn import functional

from training.objectives.relations import Relations, relations
from training.objectives.seam import Batch, Objective

Mining = Literal["all", "semi-hard", "hard"]
MINING = get_args(Mining)


class _ByPerson(Objective):
    """What the objectives here share: two views of two photos of a named person."""

    partner: ClassVar[Literal["photo", "person"]] = "person"
    uses_labels: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True

    def __init__(self, *, within_source: bool = True) -> None:
        super().__init__()
        self.within_source = within_source

    def _relations(self, batch: Batch) -> Relations:
        return relations(batch, by="person", within_source=self.within_source)


class SupCon(_ByPerson):
    """Supervised contrastive learning (arXiv:2004.11362, equation 2: L_out)."""

    def __init__(self, temperature: float, *, within_source: bool = True) -> None:
        super().__init__(within_source=within_source)
        self.criterion = losses.SupConLoss(temperature)

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        result: Tensor = self.criterion(projections, indices_tuple=self._relations(batch).pairs())
        return result


class CosineEmbedding(_ByPerson):
    """torch's cosine_embedding_loss over all pairs of the batch.

    A pair of one person costs 1 - cos, another pair max(0, cos - margin). The two kinds weigh the
    same, however many pairs there are of each.
    """

    def __init__(self, margin: float, *, within_source: bool = True) -> None:
        super().__init__(within_source=within_source)
        self.margin = margin

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        units = functional.normalize(projections)
        cosines = units @ units.T
        related = self._relations(batch)
        near = _mean(1 - cosines, related.positives)
        return (near + _mean(functional.relu(cosines - self.margin), related.negatives)) / 2


class ContrastiveMargin(_ByPerson):
    """The contrastive loss of Hadsell, Chopra and LeCun (2006, CVPR, equation 4).

    A pair of one person costs d^2 / 2, another pair max(0, margin - d)^2 / 2, where d is the
    Euclidean distance of projections of unit length. The means of the two kinds are added;
    deliberately, that of the second is over pairs that are nearer than the margin, as
    pytorch-metric-learning does, else the many easy pairs drown the few that teach.
    """

    def __init__(self, margin: float, *, squared: bool = True, within_source: bool = True) -> None:
        """Make it.

        Args:
            margin: from which distance on a pair of two people costs nothing.
            squared: as in the paper; else d and max(0, margin - d).
            within_source: see `relations`.
        """
        super().__init__(within_source=within_source)
        criterion = _Hadsell if squared else losses.ContrastiveLoss
        self.criterion = criterion(neg_margin=margin, distance=LpDistance())

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        result: Tensor = self.criterion(projections, indices_tuple=self._relations(batch).pairs())
        return result


class TripletMargin(_ByPerson):
    """The triplet loss (FaceNet, arXiv:1503.03832, equation 2): max(0, d(a, p) - d(a, n) + margin).

    Averaged over the triplets that cost anything. d is the Euclidean distance of projections of
    unit length.
    """

    def __init__(
        self,
        margin: float,
        *,
        mining: Mining = "semi-hard",
        squared: bool = True,
        within_source: bool = True,
    ) -> None:
        """Make it.

        Args:
            margin: alpha of the paper.
            mining: "all" triplets; "semi-hard": those whose negative is farther than the positive,
                by less than the margin (ibid., equation 4); "hard": those whose negative is
                nearer than the positive.
            squared: distances are squared, as in the paper.
            within_source: see `relations`.
        """
        super().__init__(within_source=within_source)
        self.margin = margin
        self.mining = mining
        self.distance = LpDistance(power=2 if squared else 1)
        self.criterion = losses.TripletMarginLoss(margin, distance=self.distance)

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        triplets = self.mine(projections.detach(), self._relations(batch))
        result: Tensor = self.criterion(projections, indices_tuple=triplets)
        return result

    def mine(self, projections: Tensor, related: Relations) -> tuple[Tensor, Tensor, Tensor]:
        """Indices of anchors, positives and negatives, int64 (M,) each.

        pytorch-metric-learning's miner keeps a cube of the batch; this takes a row of negatives for
        each positive pair, and can leave out those of other sources.
        """
        anchors, positives = torch.where(related.positives)
        distances = self.distance(projections)
        slack = distances[anchors] - distances[anchors, positives][:, None]
        wanted = related.negatives[anchors]
        if self.mining == "semi-hard":
            wanted = wanted & (slack > 0) & (slack < self.margin)
        elif self.mining == "hard":
            wanted = wanted & (slack <= 0)
        pair, negatives = torch.where(wanted)
        return anchors[pair], positives[pair], negatives


class _Hadsell(losses.ContrastiveLoss):  # type: ignore[misc]  # the package has no types
    """Half the square of what the package's loss makes of a pair."""

    def get_per_pair_loss(self, pair_dists: Tensor, pos_or_neg: str) -> Tensor:
        linear: Tensor = super().get_per_pair_loss(pair_dists, pos_or_neg)
        return linear**2 / 2


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `values` over `mask`; 0 where there are none."""
    return torch.where(mask, values, 0.0).sum() / mask.sum().clamp(min=1)
