"""The seam between the loop and what is learnt.

    projections (V*B, P) + Batch -> Objective -> scalar

V is the number of views of a batch's B slots. Views are stacked: first all first views, then all
second ones, so that rows i and i + B belong together.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.errors import BadTrainingData

LEAST_PEOPLE = 2
LEAST_SLOTS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What is known of the rows of a batch.

    Attributes:
        people: int64 (V*B,), index of the person, or -1 where nobody is named.
        sources: int64 (V*B,), which source a photo came from.
        photos: int64 (V*B,), which photo a view shows.
        teacher: float32 (V*B, T), a teacher's embedding of each photo, or None.
    """

    people: Tensor
    sources: Tensor
    photos: Tensor
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return len(self.people)


class Objective(nn.Module):
    """Says by one number how far a network is from what it should learn; lower is better.

    It may own parameters (prototypes, a predictor) and buffers (a queue): they are trained, saved
    and moved with the network.

    Attributes:
        views: how many views of a slot it wants, 1 or 2.
        partner: what the second view shows: the same photo, or another one of the same person
            where there is one.
        uses_labels: people decide what is near and what is far.
        needs_labels: rows without a name mean nothing to it.
        needs_teacher: it wants a teacher's embeddings.
        on_features: it compares features (after a batch norm), not what a projection head makes of
            them: whatever it shapes is what is exported.
        learns_map: it compares features by a linear map that it learns, `map`: that is exported,
            too.
    """

    views: ClassVar[Literal[1, 2]] = 2
    partner: ClassVar[Literal["photo", "person"]] = "photo"
    uses_labels: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = False
    needs_teacher: ClassVar[bool] = False
    on_features: ClassVar[bool] = False
    learns_map: ClassVar[bool] = False

    def forward(self, projections: Tensor, batch: Batch) -> Tensor:
        """The loss, a scalar; computed in float32 also where the network runs in less.

        Args:
            projections: (V*B, P), of any length.
            batch: what is known of the rows.

        Raises:
            BadTrainingData: a batch of one, or labels or a teacher are missing.
        """
        self._check_batch(batch)
        with torch.autocast(projections.device.type, enabled=False):
            return self._loss(projections.float(), batch)

    def _loss(self, projections: Tensor, batch: Batch) -> Tensor:
        """What `forward` returns, of float32 projections and a batch that has been checked."""
        raise NotImplementedError

    @torch.no_grad()
    def alignment(self, projections: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002  # subclasses need the batch
        """Mean cosine of projections with what each should be near: a scalar for the log."""
        first, second = projections.float().chunk(2)
        return functional.cosine_similarity(first, second).mean()

    @classmethod
    def check(cls, people: npt.NDArray[np.int64], *, has_teacher: bool = False) -> None:
        """Refuse data that this objective cannot learn from, before an epoch is spent on it.

        Args:
            people: int64 (N,), -1 where nobody is named.
            has_teacher: whether a teacher's embeddings are there.

        Raises:
            BadTrainingData: too few people are named, no two photos show one person, or the
                teacher is missing.
        """
        if cls.needs_teacher and not has_teacher:
            raise BadTrainingData(f"{cls.__name__} needs a teacher's embeddings; there are none")
        if not cls.needs_labels:
            return
        counts = np.bincount(people[people >= 0])
        named = int((counts > 0).sum())
        if named < LEAST_PEOPLE:
            raise BadTrainingData(
                f"{cls.__name__} needs photos of {LEAST_PEOPLE} named people or more; "
                f"there are {named}"
            )
        if cls.partner == "person" and counts.max() < 2:
            raise BadTrainingData(
                f"{cls.__name__} needs two photos of one person; each of the {named} named people "
                "has one. Without such pairs ntxent learns the same from them"
            )

    def _check_batch(self, batch: Batch) -> None:
        slots, rest = divmod(len(batch), self.views)
        assert not rest
        name = type(self).__name__
        if slots < LEAST_SLOTS:
            raise BadTrainingData(f"{name} compares photos; a batch of {slots} has none to compare")
        if self.needs_labels and bool((batch.people < 0).any()):
            raise BadTrainingData(f"{name} needs a name for each photo; some in the batch lack one")
        if self.needs_teacher and batch.teacher is None:
            raise BadTrainingData(f"{name} needs a teacher's embeddings; the batch has none")
