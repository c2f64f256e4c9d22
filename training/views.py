"""Views: random pictures of the same face, made on the device for a whole batch at once.

    crops uint8 (B, 3, S', S') -> move -> blur -> colour -> grey -> erase
        -> views float32 (B, 3, S, S), range 0-1

The transforms are SimCLR's (arXiv:2002.05709, appendix A) with two deliberate deviations for
faces. Crops keep nearly the whole face, since SimCLR's crops of 8 % of the picture would show a
cheek and ask that it equal a chin; instead they move about as much as the detector's boxes do. And
colour is distorted less, for skin and hair colour tell people apart. Every parameter
is drawn per sample.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Luma of ITU-R BT.601, as torchvision's and Pillow's greyscale have it.
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class ViewPolicy:
    """Strengths of the transforms.

    Attributes:
        scale: the crop's side is multiplied by 1 plus or minus up to this.
        shift: share of the side by which the crop moves at most, each way.
        turn_deg: the crop turns at most so far, each way.
        stretch: width against height, 1 plus or minus up to this.
        light: brightness, contrast and saturation are multiplied by 1 plus or minus up to this.
        tint: each channel is multiplied by 1 plus or minus up to this (in place of the paper's
            hue).
        colour_chance: share of samples whose colour is distorted (the paper's 0.8).
        grey_chance: share turned grey (the paper's 0.2).
        blur_chance: share made unsharp, by shrinking and enlarging; faces in photos are often
            small.
        blur_least: the smallest share of the side left by the shrinking.
        erase_chance: share with a rectangle covered by noise (occlusion: hands, hair, glasses).
    """

    scale: float = 0.14
    shift: float = 0.06
    turn_deg: float = 12.0
    stretch: float = 0.08
    light: float = 0.4
    tint: float = 0.12
    colour_chance: float = 0.8
    grey_chance: float = 0.3
    blur_chance: float = 0.3
    blur_least: float = 0.35
    erase_chance: float = 0.2


def make_views(
    crops: Tensor, size_px: int, policy: ViewPolicy, generator: torch.Generator
) -> Tensor:
    """One random view of each crop.

    Args:
        crops: uint8 (B, 3, S', S'), with `training.data.JITTER_MARGIN` around what the encoder
            sees.
        size_px: side S of a view.
        policy: strengths.
        generator: source of the random choices, on the device of `crops`.

    Returns:
        float32 (B, 3, S, S), range 0-1.
    """
    dice = _Dice(len(crops), crops.device, generator)
    views = _move(crops.float() / 255, size_px, policy, dice)
    views = _blur(views, policy, dice)
    views = _colour(views, policy, dice)
    grey = _luma(views).expand_as(views)
    views = torch.where(dice.chance(policy.grey_chance), grey, views)
    return _erase(views, policy, dice).clamp(0, 1)


def plain_views(crops: Tensor, size_px: int) -> Tensor:
    """What the encoder sees without any transform: float32 (B, 3, S, S), range 0-1."""
    offset = (crops.shape[-1] - size_px) // 2
    inner = crops[..., offset : offset + size_px, offset : offset + size_px]
    return inner.float() / 255


class _Dice:
    """Per-sample random numbers, shaped (B, 1, 1, 1)."""

    def __init__(self, count: int, device: torch.device, generator: torch.Generator) -> None:
        self._shape = (count, 1, 1, 1)
        self._device = device
        self._generator = generator

    def uniform(self, low: float, high: float) -> Tensor:
        unit = torch.rand(self._shape, device=self._device, generator=self._generator)
        return low + (high - low) * unit

    def chance(self, share: float) -> Tensor:
        return self.uniform(0, 1) < share

    def noise(self, like: Tensor) -> Tensor:
        return torch.rand(like.shape, device=self._device, generator=self._generator)


def _move(pixels: Tensor, size_px: int, policy: ViewPolicy, dice: _Dice) -> Tensor:
    """Crop, shift, turn, stretch and mirror by one sampling, so that pixels blur only once."""
    inner = size_px / pixels.shape[-1]
    scale = inner * (1 + dice.uniform(-policy.scale, policy.scale))
    stretch = 1 + dice.uniform(-policy.stretch, policy.stretch)
    angle = torch.deg2rad(dice.uniform(-policy.turn_deg, policy.turn_deg))
    mirror = torch.where(dice.chance(0.5), -1.0, 1.0)
    shift = 2 * inner * policy.shift  # grid coordinates run from -1 to 1
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    row_x = torch.cat([mirror * cos * stretch, -sin, dice.uniform(-shift, shift)], dim=-1)
    row_y = torch.cat([mirror * sin * stretch, cos, dice.uniform(-shift, shift)], dim=-1)
    theta = torch.cat([row_x, row_y], dim=-2).squeeze(1)
    grid = functional.affine_grid(theta, [len(pixels), 3, size_px, size_px], align_corners=False)
    return functional.grid_sample(pixels, grid, mode="bilinear", align_corners=False)


def _blur(views: Tensor, policy: ViewPolicy, dice: _Dice) -> Tensor:
    """Shrink and enlarge some of the views, all of one call by the same share."""
    share = float(dice.uniform(policy.blur_least, 0.8)[0])
    small = functional.interpolate(views, scale_factor=share, mode="bilinear", antialias=True)
    unsharp = functional.interpolate(small, size=views.shape[-2:], mode="bilinear")
    return torch.where(dice.chance(policy.blur_chance), unsharp, views)


def _colour(views: Tensor, policy: ViewPolicy, dice: _Dice) -> Tensor:
    """Brightness, contrast, saturation and tint."""
    bright, contrast, saturation = (1 + dice.uniform(-policy.light, policy.light) for _ in range(3))
    tints = [1 + dice.uniform(-policy.tint, policy.tint) for _ in range(3)]
    distorted = views * bright * torch.cat(tints, dim=1)
    middle = _luma(distorted).mean(dim=(-2, -1), keepdim=True)
    distorted = (distorted - middle) * contrast + middle
    grey = _luma(distorted)
    distorted = ((distorted - grey) * saturation + grey).clamp(0, 1)
    return torch.where(dice.chance(policy.colour_chance), distorted, views)


def _erase(views: Tensor, policy: ViewPolicy, dice: _Dice) -> Tensor:
    """Cover a rectangle of some views, a tenth to two fifths of the side long, with noise."""
    size = views.shape[-1]
    place = (torch.arange(size, device=views.device) + 0.5) / size
    half_width, half_height = dice.uniform(0.05, 0.2), dice.uniform(0.05, 0.2)
    inside_x = (place.view(1, 1, 1, -1) - dice.uniform(0, 1)).abs() < half_width
    inside_y = (place.view(1, 1, -1, 1) - dice.uniform(0, 1)).abs() < half_height
    hidden = inside_x & inside_y & dice.chance(policy.erase_chance)
    return torch.where(hidden, dice.noise(views), views)


def _luma(views: Tensor) -> Tensor:
    weights = torch.tensor(LUMA, device=views.device).view(1, 3, 1, 1)
    return (views * weights).sum(dim=1, keepdim=True)
