"""Learning from a teacher's embeddings, without any name.

features (B, D) -> learnt linear map -> (B, T), against the teacher's (B, T) -> loss
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.objectives.memory import Memory
from training.objectives.seam import Batch, Objective


class Distill(Objective):
    """Match a teacher in direction and in what it finds alike.

    Direction: 1 - cos of the teacher's embedding and a learnt linear map of the student's features.
    Likeness: how the mapped student spreads its attention over photos seen of late should be how
    the teacher does (SEED, arXiv:2101.04731, equation 3): the cross-entropy there, less the
    teacher's own entropy, so that full agreement costs 0. The photos are remembered by the
    teacher's embeddings, as there, and the batch's own are among them.
    """

    views: ClassVar[Literal[1, 2]] = 1
    needs_teacher: ClassVar[bool] = True
    on_features: ClassVar[bool] = True
    learns_map: ClassVar[bool] = True

    def __init__(
        self, dim: int, teacher_dim: int, *, likeness: float, temperature: float, queue: int
    ) -> None:
        """Make it with nothing remembered.

        Args:
            dim: width D of the features.
            teacher_dim: width T of the teacher's embeddings.
            likeness: weight of the second part.
            temperature: tau of the student and of the teacher: the paper has 0.2 and 0.01, but one
                that finds its neighbours much more alike than strangers needs no sharpening.
            queue: photos remembered.
        """
        super().__init__()
        self.map = nn.Linear(dim, teacher_dim, bias=False)
        self.memory = Memory(queue, teacher_dim)
        self.likeness = likeness
        self.temperature = temperature

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        assert batch.teacher is not None
        ours = functional.normalize(self.map(projections))
        theirs = functional.normalize(batch.teacher.float())
        direction = 1 - (ours * theirs).sum(dim=1).mean()
        seen = torch.cat([self.memory.kept(), theirs])
        attention, wanted = (
            (units @ seen.T / self.temperature).log_softmax(dim=1) for units in (ours, theirs)
        )
        unlike = functional.kl_div(attention, wanted, reduction="batchmean", log_target=True)
        if self.training:
            self.memory.remember(theirs)
        return direction + self.likeness * unlike

    @torch.no_grad()
    def alignment(self, projections: Tensor, batch: Batch) -> Tensor:
        """Mean cosine of mapped features with the teacher's embeddings: a scalar."""
        assert batch.teacher is not None
        mapped = self.map(projections.float())
        return functional.cosine_similarity(mapped, batch.teacher.float()).mean()
