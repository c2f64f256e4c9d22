"""Views: each square of a batch as it might have been proposed, lit and photographed.

    cached squares (B, 1, C, C), points -> pose -> warp -> light -> views (B, 1, S, S), points

Everything is drawn per square and done for the whole batch at once. Lengths are in sides of the
template (`faces.alignment.TEMPLATE`), counted from its middle.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from training.landmarks.network import MARGIN, SIZE_PX

CACHED_PX = 104
"""C: the side of a cached square."""

CACHED_MARGIN = 0.7
"""The same, as `faces.alignment` counts margins: room for a view that is turned and shifted."""

MIRRORED_POINTS = [1, 0, 2, 4, 3]
"""In a mirror, what is on the left is on the right."""

FINE_SHARE = 0.4
"""Of the faces: as the second look sees them, nearly upright and centred."""


@dataclass(frozen=True, slots=True)
class Poses:
    """How each view of a batch is cut from its cached square.

    Attributes:
        angle: float32 (B,), in radians.
        scale: float32 (B,), by which the view is wider than the template says.
        shift: float32 (B, 2), of its middle.
        mirrored: bool (B,).
    """

    angle: Tensor
    scale: Tensor
    shift: Tensor
    mirrored: Tensor

    @property
    def matrices(self) -> Tensor:
        """From lengths in the view to lengths in the square, but for the shift: (B, 2, 2)."""
        cos, sin = self.angle.cos() * self.scale, self.angle.sin() * self.scale
        rows = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
        signs = torch.ones(len(rows), 1, 2)
        signs[self.mirrored, 0, 0] = -1
        return rows * signs


def near_poses(count: int, generator: Generator) -> Poses:
    """Poses in which a box of the cascades, or a second look, may show a face."""
    wide = (_uniform(count, 0, 1, generator) >= FINE_SHARE).float()
    angle = _normal(count, generator) * (0.05 + 0.21 * wide)
    tilted = (_uniform(count, 0, 1, generator) < 0.15 * wide).float()
    angle = torch.where(tilted > 0, _uniform(count, -0.7, 0.7, generator), angle).clamp(-0.7, 0.7)
    log_scale = (_normal(count, generator) * (0.05 + 0.1 * wide)).clamp(-0.3, 0.3)
    shift = torch.stack([_normal(count, generator), _normal(count, generator)], dim=1)
    shift = (shift * (0.025 + 0.065 * wide)[:, None]).clamp(-0.25, 0.25)
    return Poses(angle, log_scale.exp(), shift, _coin(count, generator))


def far_poses(count: int, generator: Generator) -> Poses:
    """Poses in which a square about a face shows none: turned, too near or far, or beside it."""
    kind = _uniform(count, 0, 1, generator)
    turned, scaled, beside = kind < 0.35, (kind >= 0.35) & (kind < 0.6), kind >= 0.6
    angle = torch.where(
        turned, _uniform(count, 1.4, 4.9, generator), 0.3 * _normal(count, generator)
    )
    near = _uniform(count, -1.4, -0.75, generator)
    far = _uniform(count, 0.7, 0.9, generator)
    off_scale = torch.where(_uniform(count, 0, 1, generator) < 0.6, near, far)
    log_scale = torch.where(scaled, off_scale, 0.15 * _normal(count, generator))
    direction = _uniform(count, 0, 2 * math.pi, generator)
    distance = torch.where(
        beside, _uniform(count, 0.62, 1.0, generator), _uniform(count, 0, 0.1, generator)
    )
    shift = torch.stack([direction.cos() * distance, direction.sin() * distance], dim=1)
    return Poses(angle, log_scale.exp(), shift, _coin(count, generator))


def joined(*parts: Poses) -> Poses:
    """Poses one after the other."""
    return Poses(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("angle", "scale", "shift", "mirrored")
        )
    )


def warped(squares: Tensor, poses: Poses) -> Tensor:
    """Views (B, 1, S, S) of cached squares (B, 1, C, C), both float32; edges are repeated."""
    place = (torch.arange(SIZE_PX) + 0.5) / SIZE_PX * (1 + 2 * MARGIN) - (0.5 + MARGIN)
    y, x = torch.meshgrid(place, place, indexing="ij")
    grid = torch.stack([x, y], dim=-1).view(1, -1, 2)
    places = grid @ poses.matrices.transpose(1, 2) + poses.shift[:, None]
    return functional.grid_sample(
        squares,
        (places / (0.5 + CACHED_MARGIN)).view(-1, SIZE_PX, SIZE_PX, 2),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )


def moved_points(points: Tensor, poses: Poses) -> Tensor:
    """Points (B, 5, 2), in shares of the cached square's side, in shares of their view's side."""
    places = (points - 0.5) * (1 + 2 * CACHED_MARGIN) - poses.shift[:, None]
    places = torch.linalg.solve(poses.matrices, places.transpose(1, 2)).transpose(1, 2)
    swapped = torch.where(poses.mirrored[:, None, None], places[:, MIRRORED_POINTS], places)
    return swapped / (1 + 2 * MARGIN) + 0.5


def relit(views: Tensor, generator: Generator) -> Tensor:
    """Views in another light, sharpness and state; a copy, in the range 0-1."""
    count = len(views)

    def drawn(low: float, high: float) -> Tensor:
        return _uniform(count, low, high, generator).view(-1, 1, 1, 1)

    ramp = torch.linspace(-1, 1, SIZE_PX)
    direction, slope = drawn(0, 2 * math.pi), drawn(-0.5, 0.5) * (drawn(0, 1) < 0.5)
    side_light = direction.cos() * ramp.view(1, 1, 1, -1) + direction.sin() * ramp.view(1, 1, -1, 1)
    views = (views * (1 + slope * side_light)).clamp(min=1e-3) ** drawn(-0.5, 0.5).exp()
    views = (views * drawn(0.4, 1.5) + drawn(-0.15, 0.15)).clamp(0, 1)
    views = _coarser(views, generator)
    noise = torch.randn(views.shape, generator=generator)
    views = views + noise * drawn(0, 0.07) * (drawn(0, 1) < 0.4)
    return _covered(views, generator).clamp(0, 1)


def _coarser(views: Tensor, generator: Generator) -> Tensor:
    """A third of the views with the detail of 12 to 44 px, as small faces have."""
    which = _uniform(len(views), 0, 1, generator)
    for place, (low, high) in enumerate(((12, 20), (18, 30), (28, 44))):
        chosen = (which >= 0.12 * place) & (which < 0.12 * (place + 1))
        if chosen.any():
            size = int(torch.randint(low, high, (1,), generator=generator))
            small = functional.interpolate(views[chosen], size=(size, size), mode="area")
            views[chosen] = functional.interpolate(
                small, size=(SIZE_PX, SIZE_PX), mode="bilinear", align_corners=False
            )
    return views


def _covered(views: Tensor, generator: Generator) -> Tensor:
    """One view in seven with a rectangle of one shade over a part of it."""
    for place in torch.nonzero(_uniform(len(views), 0, 1, generator) < 0.15)[:, 0].tolist():
        width, height = torch.randint(8, 28, (2,), generator=generator).tolist()
        left, top = torch.randint(0, SIZE_PX - 8, (2,), generator=generator).tolist()
        shade = torch.rand(1, generator=generator)
        views[place, 0, top : top + height, left : left + width] = shade
    return views


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _normal(count: int, generator: Generator) -> Tensor:
    return torch.randn(count, generator=generator)


def _coin(count: int, generator: Generator) -> Tensor:
    return _uniform(count, 0, 1, generator) < 0.5
