"""Objectives that compare each picture with a learnt prototype of every person.

features (B, D) + people (B,) -> cosines with prototypes (B, C) -> margin -> softmax -> loss

They need one view of a photo, and teach the features themselves: there is no projection head.
"""

from typing import ClassVar, Literal

import numpy as np
import torch
from pytorch_metric_learning import losses
from pytorch_metric_learning.utils.common_functions import TorchInitWrapper
from torch import Tensor, nn
from torch.nn import functional

from training.objectives.seam import Batch, Objective


class _Prototypes(Objective):
    views: ClassVar[Literal[1, 2]] = 1
    uses_labels: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True
    on_features: ClassVar[bool] = True

    @property
    def prototypes(self) -> Tensor:
        """(C, D), one of each person."""
        raise NotImplementedError

    @torch.no_grad()
    def alignment(self, projections: Tensor, batch: Batch) -> Tensor:
        """Mean cosine with the prototype of one's own person: a scalar."""
        own = self.prototypes[batch.people]
        return functional.cosine_similarity(projections.float(), own).mean()


class _WithMargin(_Prototypes):
    criterion: losses.LargeMarginSoftmaxLoss

    @property
    def prototypes(self) -> Tensor:
        """(C, D), one of each person."""
        result: Tensor = self.criterion.W.T
        return result

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        result: Tensor = self.criterion(projections, batch.people)
        return result


class CosFace(_WithMargin):
    """The large margin cosine loss (arXiv:1801.09414, equation 4): s (cos - m) for one's own."""

    def __init__(self, people: int, dim: int, *, scale: float, margin: float) -> None:
        super().__init__()
        self.criterion = losses.CosFaceLoss(
            people, dim, margin=margin, scale=scale, weight_init_func=_of_unit_length(dim)
        )


class ArcFace(_WithMargin):
    """The additive angular margin loss (arXiv:1801.07698, equation 3): s cos(angle + m).

    Beyond an angle of pi - m, where that would rise again, it goes on as a straight line in the
    cosine, as the authors' code does.
    """

    def __init__(self, people: int, dim: int, *, scale: float, margin: float) -> None:
        """Make it.

        Args:
            people: C.
            dim: D.
            scale: s.
            margin: m, in radians.
        """
        super().__init__()
        self.criterion = losses.ArcFaceLoss(
            people,
            dim,
            margin=float(np.degrees(margin)),
            scale=scale,
            weight_init_func=_of_unit_length(dim),
        )


class CrossEntropy(_Prototypes):
    """A linear classifier over a closed set of people: transfer learning."""

    def __init__(self, people: int, dim: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(dim, people)

    @property
    def prototypes(self) -> Tensor:
        """The classifier's weights."""
        return self.classifier.weight

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        return functional.cross_entropy(self.classifier(projections), batch.people)


def _of_unit_length(dim: int) -> TorchInitWrapper:
    """Prototypes start at a length of about 1.

    AdamW's steps have a size of their own, so that short prototypes turn wildly at first
    (docs/training-log.md) and long ones hardly at all.
    """
    return TorchInitWrapper(nn.init.normal_, std=dim**-0.5)
