"""How a run stands: meters of an epoch, and what they warn of.

loss and projections of each step -> Meter -> Progress -> progress line, log, TensorBoard
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.data import TrainingData
from training.evaluation.neighbours import alignment, knn_accuracy, uniformity
from training.gradients import Outcome
from training.network import Network
from training.objectives import Batch
from training.views import plain_views

logger = logging.getLogger("lookalike")

LOOKED_AT = 256
"""Slots of a batch that alignment and uniformity are measured on: the cost grows by the square."""

COLLAPSED_ABOVE = -0.5
"""Uniformity of projections that all lie in one place is 0, in two opposite places -0.7; those
spread evenly over a circle have -1.6, over spheres of more axes less."""

METERS = ("loss", "steps", "seen", "seconds", "alignment", "pairs", "uniformity", "looks")

NEIGHBOURS = 5
VALIDATED_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands: shown while it runs, logged after each epoch.

    Attributes:
        epoch: counted from 1.
        step: within the epoch, counted from 1.
        steps: in an epoch.
        loss: mean over the epoch so far.
        alignment: mean squared distance of the projections of a pair: 0 is best, 2 is chance.
        uniformity: how evenly projections fill the sphere: 0 where all are one, -4 at best.
        images_per_s: pictures the network saw in a second (two for each pair).
        learning_rate: of the step.
        knn: accuracy on the validation part, where it was measured after this epoch.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    alignment: float
    uniformity: float
    images_per_s: float
    learning_rate: float
    knn: float | None = None

    @property
    def collapsed(self) -> bool:
        """Whether the projections of different photos hardly differ."""
        return self.uniformity > COLLAPSED_ABOVE

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON, which knows no NaN."""
        values = asdict(self)
        return {key: None if value != value else value for key, value in values.items()}  # noqa: PLR0124  # NaN


class Meter:
    """Sums over the steps of an epoch; they can be kept in a checkpoint and gone on from."""

    def __init__(self, sums: Mapping[str, float]) -> None:
        self.sums = dict.fromkeys(METERS, 0.0) | dict(sums)
        self._waiting: list[Tensor] = []
        self._since = time.perf_counter()

    def step(self, outcome: Outcome) -> None:
        """Note a step; its loss is read later, so that a GPU need not be waited for."""
        self._waiting.append(outcome.loss)
        self.sums["steps"] += 1
        self.sums["seen"] += len(outcome.projections)

    def drain(self) -> None:
        """Read the losses that were noted."""
        if self._waiting:
            self.sums["loss"] += float(torch.stack(self._waiting).sum())
            self._waiting.clear()

    def read(self, outcome: Outcome, batch: Batch, views: int) -> None:
        """Read what was noted, and look at the newest projections."""
        self.drain()
        aligned, uniform = look(outcome.projections, batch, views)
        if not math.isnan(aligned):
            self.sums["alignment"] += aligned
            self.sums["pairs"] += 1
        self.sums["uniformity"] += uniform
        self.sums["looks"] += 1
        now = time.perf_counter()
        self.sums["seconds"] += now - self._since
        self._since = now

    def skip(self) -> None:
        """Leave out the time since the last reading: it was spent on something else."""
        self._since = time.perf_counter()

    def progress(self, epoch: int, step: int, steps: int, learning_rate: float) -> Progress:
        """What the sums say."""
        sums = self.sums
        return Progress(
            epoch,
            step,
            steps,
            loss=sums["loss"] / sums["steps"],
            alignment=sums["alignment"] / sums["pairs"] if sums["pairs"] else math.nan,
            uniformity=sums["uniformity"] / sums["looks"],
            images_per_s=sums["seen"] / sums["seconds"],
            learning_rate=learning_rate,
        )


def look(projections: Tensor, batch: Batch, views: int) -> tuple[float, float]:
    """Alignment and uniformity (Wang and Isola 2020) of some of a batch's projections.

    Args:
        projections: (V*B, P), of any length.
        batch: says, where there is one view, who shows the same person; NaN where nobody does.
        views: V.
    """
    count = len(projections) // views
    slots = np.arange(min(count, LOOKED_AT))
    units = torch.nn.functional.normalize(projections.float()).cpu().numpy()
    if views == 2:
        first, second = slots, slots + count
    else:
        people = batch.people.cpu().numpy()[slots]
        order = np.argsort(people, kind="stable")
        same = (people[order[1:]] == people[order[:-1]]) & (people[order[1:]] >= 0)
        first, second = order[:-1][same], order[1:][same]
    aligned = alignment(units[first], units[second]) if len(first) else math.nan
    return aligned, uniformity(units[slots])


def tell_collapse(progress: Progress) -> None:
    """Warn where an epoch ended with projections that hardly differ, and say what helps."""
    if progress.collapsed:
        logger.warning(
            "epoch %d: the projections of different photos hardly differ (uniformity %.2f; "
            "random ones have about -4): the network has collapsed. What helps: a lower "
            "learning_rate or a longer warmup, a larger batch, another objective (ntxent cannot "
            "be content with it), and a look at the views, which must still show the face",
            progress.epoch,
            progress.uniformity,
        )


def knn_on(network: Network, data: TrainingData, size_px: int, device: torch.device) -> float:
    """Accuracy of the nearest neighbours among the features of a validation part.

    Features are centred, as exports do it.
    """
    was_training = network.training
    network.eval()
    pieces = []
    with torch.inference_mode():
        for start in range(0, len(data), VALIDATED_TOGETHER):
            crops = torch.tensor(data.crops[start : start + VALIDATED_TOGETHER]).to(device)
            views = plain_views(crops.permute(0, 3, 1, 2), size_px)
            pieces.append(network.features(views).float().cpu())
    network.train(was_training)
    features = torch.cat(pieces)
    units = torch.nn.functional.normalize(features - features.mean(dim=0)).numpy()
    return knn_accuracy(units, data.people, k=NEIGHBOURS)
