"""The loop: one pass of drawn batches, and a running mean of the weights.

    data -> batch (faces near, faces far, others) -> views -> network -> wing + cross entropy

The running mean is what is exported: it is steadier than the last weights.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor
from torch.nn import functional

from training.errors import Diverged
from training.landmarks.config import LandmarkConfig
from training.landmarks.data import LandmarkData
from training.landmarks.network import MARGIN, LandmarkNet
from training.landmarks.views import far_poses, joined, moved_points, near_poses, relit, warped

NEAR_SHARE, FAR_SHARE = 0.6, 0.16
"""Of a batch: faces as they may be proposed, and squares about a face that show none; the rest are
squares from elsewhere."""

# Wing loss (Feng et al. 2018, arXiv:1711.06753, equation 5), in sides of the template: the
# distance of the eyes is 0.4 of it.
WING_WIDTH, WING_CURVATURE = 0.1, 0.02
WING_WEIGHT = 20.0

LABEL_SMOOTHING = 0.01
"""Some of the squares without a face have one: nobody looked at all of them."""

LARGEST_GRADIENT = 5.0
SHOWN_EVERY = 20


@dataclass(frozen=True, slots=True)
class LandmarkProgress:
    """How far a training is.

    Attributes:
        step: done so far.
        steps: in all.
        wing: mean loss of the points since the last report.
        cross_entropy: that of face or not.
        squares_per_s: pace since the start.
    """

    step: int
    steps: int
    wing: float
    cross_entropy: float
    squares_per_s: float


def train_landmarks(
    data: LandmarkData,
    config: LandmarkConfig,
    on_progress: Callable[[LandmarkProgress], None] = lambda _progress: None,
) -> LandmarkNet:
    """Train a network and return it with the running mean of its weights, ready to use.

    Raises:
        Diverged: the loss is not finite any more.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    generator = Generator().manual_seed(config.seed)
    draw = Draw(data, config.batch, np.random.default_rng(config.seed), generator)
    network, mean = LandmarkNet(), LandmarkNet()
    network.to(memory_format=torch.channels_last)
    mean.load_state_dict(network.state_dict())
    optimizer = _optimizer(network, config)
    start, sums = time.perf_counter(), np.zeros(2)
    for step in range(1, config.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _rate(step, config)
        views, points, is_face = draw()
        wing, cross_entropy = losses(network, views, points, is_face)
        loss = WING_WEIGHT * wing + cross_entropy
        if not torch.isfinite(loss):
            raise Diverged(f"the loss is {loss.item()} at step {step}; a lower learning_rate helps")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        _follow(mean, network, min(config.ema_decay, step / (step + 10)))
        sums += (wing.item(), cross_entropy.item())
        if step % SHOWN_EVERY == 0 or step == config.steps:
            wing_mean, face_mean = sums / ((step - 1) % SHOWN_EVERY + 1)
            pace = step * config.batch / (time.perf_counter() - start)
            on_progress(
                LandmarkProgress(step, config.steps, float(wing_mean), float(face_mean), pace)
            )
            sums[:] = 0
    return mean.eval()


class Draw:
    """Draws batches: views (B, 1, S, S), points of the near faces (B', 5, 2), is-face (B,)."""

    def __init__(
        self, data: LandmarkData, batch: int, random: np.random.Generator, generator: Generator
    ) -> None:
        self._data, self._random, self._generator = data, random, generator
        self._near, self._far = round(NEAR_SHARE * batch), round(FAR_SHARE * batch)
        self._others = batch - self._near - self._far
        # A source is drawn by the root of its size: neither do the large ones drown the small,
        # nor is each photo of a small one seen ten times as often.
        sizes = np.bincount(data.sources)
        self._chances = 1 / np.sqrt(sizes[data.sources])
        self._chances /= self._chances.sum()

    def __call__(self) -> tuple[Tensor, Tensor, Tensor]:
        """The next batch; its near faces come first."""
        data, generator = self._data, self._generator
        faces = self._random.choice(len(data.faces), self._near + self._far, p=self._chances)
        others = self._random.integers(0, len(data.others), self._others)
        squares = np.concatenate([data.faces[faces], data.others[others]])
        near = near_poses(self._near, generator)
        poses = joined(near, far_poses(self._far, generator), near_poses(self._others, generator))
        views = warped(torch.from_numpy(squares)[:, None].float() / 255, poses)
        points = moved_points(torch.from_numpy(data.points[faces[: self._near]]), near)
        is_face = torch.zeros(len(views))
        is_face[: self._near] = 1
        return relit(views, generator), points, is_face


def first_views(data: LandmarkData, config: LandmarkConfig) -> npt.NDArray[np.float32]:
    """The views of the first batch, float32 (B, 1, S, S): what an export is checked with."""
    generator = Generator().manual_seed(config.seed)
    draw = Draw(data, config.batch, np.random.default_rng(config.seed), generator)
    views: npt.NDArray[np.float32] = draw()[0].numpy()
    return views


def losses(
    network: LandmarkNet, views: Tensor, points: Tensor, is_face: Tensor
) -> tuple[Tensor, Tensor]:
    """Wing loss of the first views' points, and cross entropy of all views; both scalars."""
    found, logits = network(views)
    errors = (found[: len(points)] - points) * (1 + 2 * MARGIN)  # in sides of the template
    targets = is_face * (1 - 2 * LABEL_SMOOTHING) + LABEL_SMOOTHING
    return wing_loss(errors), functional.binary_cross_entropy_with_logits(logits, targets)


def wing_loss(errors: Tensor) -> Tensor:
    """Mean wing loss: a logarithm near nought, so that small errors count, and linear beyond."""
    size = errors.abs()
    offset = WING_WIDTH - WING_WIDTH * math.log(1 + WING_WIDTH / WING_CURVATURE)
    near = WING_WIDTH * torch.log(1 + size / WING_CURVATURE)
    return torch.where(size < WING_WIDTH, near, size - offset).mean()


def _optimizer(network: LandmarkNet, config: LandmarkConfig) -> torch.optim.Optimizer:
    weights = [item for item in network.parameters() if item.ndim > 1]
    others = [item for item in network.parameters() if item.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": weights, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
    )


def _rate(step: int, config: LandmarkConfig) -> float:
    """Share of the peak rate: a straight rise, then half a cosine down to nought."""
    rising = min(1.0, step / config.warmup_steps)
    return rising * 0.5 * (1 + math.cos(math.pi * step / config.steps))


@torch.no_grad()
def _follow(mean: LandmarkNet, network: LandmarkNet, decay: float) -> None:
    """Move the running mean towards the weights; counters are copied."""
    for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)
