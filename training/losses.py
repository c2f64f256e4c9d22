"""NT-Xent, the loss of SimCLR (arXiv:2002.05709, equation 1), with or without people as labels.

    projections (2B, P) + labels (2B,) -> scalar

pytorch-metric-learning's NTXentLoss takes labels: two pictures of one label are a positive pair,
and each positive pair stands against all pictures of other labels. With a label of its own for
each photo that is SimCLR; with people as labels no picture of the same person is ever pushed away.
"""

import torch
from pytorch_metric_learning.losses import NTXentLoss
from torch import Tensor


def nt_xent(projections: Tensor, labels: Tensor, sources: Tensor, temperature: float) -> Tensor:
    """NT-Xent within each source, averaged over pictures.

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


def pair_labels(people: Tensor) -> Tensor:
    """Labels (2B,) for two views each of B photos: the person, or one of its own where unnamed.

    Args:
        people: int64 (B,), -1 where nobody is named.
    """
    own = torch.arange(len(people), device=people.device) + people.max().clamp(min=0) + 1
    labels = torch.where(people < 0, own, people)
    return torch.cat([labels, labels])
