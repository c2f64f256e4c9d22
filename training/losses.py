"""Losses: NT-Xent, which needs no names (SimCLR, arXiv:2002.05709), and CosFace, which does.

    projections (2B, P) + labels (2B,) -> NT-Xent -> scalar
    projections (B, P) + prototypes (C, P) + people (B,) -> CosFace -> scalar

pytorch-metric-learning's NTXentLoss takes labels: two pictures of one label are a positive pair,
and each positive pair stands against all pictures of other labels. With a label of its own for
each photo that is SimCLR; with people as labels no picture of the same person is ever pushed away.
"""

import torch
from pytorch_metric_learning.losses import NTXentLoss
from torch import Tensor
from torch.nn import functional


def nt_xent(projections: Tensor, labels: Tensor, sources: Tensor, temperature: float) -> Tensor:
    """NT-Xent (ibid., equation 1) within each source, averaged over pictures.

    A deliberate deviation: pictures of other sources are no negatives. Framing and sharpness tell
    sources apart at a glance, and both pictures of a pair come from one source, so that a network
    can win most of the plain loss by knowing the source and nothing of the face
    (docs/training-log.md).

    Args:
        projections: float32 (2B, P), of any length.
        labels: int64 (2B,); equal where two pictures are a positive pair.
        sources: int64 (2B,).
        temperature: tau.
    """
    criterion = NTXentLoss(temperature=temperature)
    total = projections.new_zeros(())
    for source in torch.unique(sources):
        rows = sources == source
        total = total + criterion(projections[rows], labels[rows]) * rows.sum()
    return total / len(projections)


def cosface(
    projections: Tensor, prototypes: Tensor, people: Tensor, scale: float, margin: float
) -> Tensor:
    """The large margin cosine loss (arXiv:1801.09414, equation 4).

    Args:
        projections: float32 (B, P), of any length.
        prototypes: float32 (C, P), of any length, one of each person; they are learnt too.
        people: int64 (B,), which person each picture shows.
        scale: s, what cosines are multiplied by.
        margin: m, what is taken off the cosine with the right person.
    """
    cosines = functional.normalize(projections) @ functional.normalize(prototypes).T
    handicap = margin * functional.one_hot(people, len(prototypes))
    return functional.cross_entropy(scale * (cosines - handicap), people)


def pair_labels(people: Tensor) -> Tensor:
    """Labels (2B,) of pictures whose i-th and i + B-th are a pair.

    Args:
        people: int64 (2B,), -1 where nobody is named: such a pair gets a label of its own.
    """
    pair = torch.arange(len(people) // 2, device=people.device).repeat(2)
    return torch.where(people < 0, pair + people.max().clamp(min=0) + 1, people)
