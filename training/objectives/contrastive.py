"""Objectives that tell each picture from all others by a softmax over similarities.

    projections -> unit length -> similarities / temperature (2B, 2B)
        -> log-sum-exp over negatives -> loss of each positive pair -> mean

pytorch-metric-learning's NTXentLoss lays each positive pair beside each negative one, which takes
memory by the cube of the batch: half a gigabyte for each such array at 256 pairs. These take its
square.
"""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.objectives.memory import Memory
from training.objectives.relations import Relations, relations
from training.objectives.seam import Batch, Objective

NEVER = -1e9
"""Stands for minus infinity: its exponential is 0 too, but gradients of it stay finite."""


class NtXent(Objective):
    """SimCLR's NT-Xent (arXiv:2002.05709, equation 1): two views of a photo against all others."""

    def __init__(self, temperature: float, *, within_source: bool = True) -> None:
        super().__init__()
        self.temperature = temperature
        self.within_source = within_source

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        related = relations(batch, by=self._related_by(), within_source=self.within_source)
        units = functional.normalize(projections)
        return self._of_pairs(units @ units.T / self.temperature, related)

    def _related_by(self) -> Literal["slot", "person"]:
        return "person" if self.uses_labels else "slot"

    def _of_pairs(self, logits: Tensor, related: Relations) -> Tensor:
        rest = _log_sum_exp(logits, related.negatives)
        losses = torch.logaddexp(logits, rest) - logits
        return _mean_over_pairs(losses, related)


class SamePerson(NtXent):
    """NT-Xent with all photos of a person as positives; where nobody is named it is NT-Xent.

    Each positive pair stands against the pictures of other people alone, so that no picture of the
    same person is ever pushed away (as pytorch-metric-learning generalises NT-Xent).
    """

    partner: ClassVar[Literal["photo", "person"]] = "person"
    uses_labels: ClassVar[bool] = True


class Dcl(NtXent):
    """Decoupled contrastive learning (arXiv:2110.06848, equation 6).

    The positive pair is left out of the denominator, which otherwise weakens the gradient of
    batches that are easy or small.
    """

    def _of_pairs(self, logits: Tensor, related: Relations) -> Tensor:
        return _mean_over_pairs(_log_sum_exp(logits, related.negatives) - logits, related)


class Debiased(NtXent):
    """Debiased contrastive learning (arXiv:2007.00224, equation 8).

    Among the negatives some show the same person without anyone knowing; what they add is
    estimated from the positive pair, and taken off.
    """

    def __init__(
        self, temperature: float, class_prior: float, *, within_source: bool = True
    ) -> None:
        """Make it.

        Args:
            temperature: t of the paper.
            class_prior: tau+, the chance that two pictures show one person.
            within_source: see `relations`.
        """
        super().__init__(temperature, within_source=within_source)
        self.class_prior = class_prior

    def _of_pairs(self, logits: Tensor, related: Relations) -> Tensor:
        positive, count = logits.exp(), related.negatives.sum(dim=1, keepdim=True)
        negative = (positive * related.negatives).sum(dim=1, keepdim=True) / count.clamp(min=1)
        unbiased = (negative - self.class_prior * positive) / (1 - self.class_prior)
        least = math.exp(-1 / self.temperature)  # no mean over negatives can be less
        losses = (positive + count * unbiased.clamp(min=least)).log() - logits
        return _mean_over_pairs(losses, related)


class Nnclr(Objective):
    """Nearest neighbours as positives (arXiv:2104.14548, section 3.2).

    The positive of a view is not its partner, but whichever picture seen of late lies nearest to
    that partner: more than augmentation can show. The queue is empty at first; until it holds
    something, the partner itself is the positive, as in SimCLR.
    """

    def __init__(
        self, dim: int, temperature: float, queue: int, *, within_source: bool = True
    ) -> None:
        """Make it with an empty queue.

        Args:
            dim: width P of the projections.
            temperature: tau.
            queue: pictures remembered, |Q|.
            within_source: pictures of other sources are no negatives.
        """
        super().__init__()
        self.temperature = temperature
        self.within_source = within_source
        # The paper's predictor has a hidden layer of 4096; this one grows with the projection.
        self.predictor = nn.Sequential(
            nn.Linear(dim, 4 * dim, bias=False),
            nn.BatchNorm1d(4 * dim),
            nn.ReLU(inplace=True),
            nn.Linear(4 * dim, dim),
        )
        self.memory = Memory(queue, dim)

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        units = functional.normalize(projections)
        predictions = functional.normalize(self.predictor(projections))
        views, predicted = units.detach().chunk(2), predictions.chunk(2)
        sources = batch.sources.chunk(2)[0]
        compared = sources[:, None] == sources  # of other sources are no negatives
        if not self.within_source:
            compared = torch.ones_like(compared)
        one = self._one_way(self.nearest(views[0]), predicted[1], compared)
        other = self._one_way(self.nearest(views[1]), predicted[0], compared)
        if self.training:
            self.memory.remember(views[0])
        return (one + other) / 2

    @torch.no_grad()
    def nearest(self, units: Tensor) -> Tensor:
        """The nearest picture of the queue (N, P) of each of `units` (N, P), or itself."""
        similarities = units @ self.memory.queue.T
        best, index = similarities.masked_fill(self.memory.empty, NEVER).max(dim=1)
        return torch.where((best > NEVER)[:, None], self.memory.queue[index], units)

    def _one_way(self, neighbours: Tensor, predictions: Tensor, compared: Tensor) -> Tensor:
        logits = (neighbours @ predictions.T / self.temperature).masked_fill(~compared, NEVER)
        return functional.cross_entropy(logits, torch.arange(len(logits), device=logits.device))


def _log_sum_exp(logits: Tensor, mask: Tensor) -> Tensor:
    """Log of the sum of exp(logits) over `mask`, (N, 1); about `NEVER` where a row has none."""
    return logits.masked_fill(~mask, NEVER).logsumexp(dim=1, keepdim=True)


def _mean_over_pairs(losses: Tensor, related: Relations) -> Tensor:
    """The mean of `losses` (N, N) over positive pairs whose anchor has any negative.

    A batch without such a pair gives 0: nothing can be learnt from it, but no epoch fails for it.
    """
    counted = related.positives & related.negatives.any(dim=1, keepdim=True)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)
