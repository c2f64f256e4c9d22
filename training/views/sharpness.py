"""What takes detail away: blur, too few pixels, compression.

A blur, and shrinking and enlarging, are products with a matrix from both sides:
view (S, S) -> matrix @ view @ matrix.T. So each sample can have its own, whatever the batch.
"""

import math

import torch
from torch import Tensor

from training.views.dice import Dice, Step
from training.views.policies import ViewPolicy

LEAST_BLUR_PX = 0.1  # arXiv:2002.05709, appendix A
BLOCK_PX = 8  # of JPEG


def soften(views: Tensor, policy: ViewPolicy, dice: Dice) -> Tensor:
    """Blur, shrink and compress some of the views (B, 3, S, S), range 0-1."""
    size = views.shape[-1]
    blurs = dice.applies(Step.BLUR, policy.blur_chance)
    shrinks = dice.applies(Step.SHRINK, policy.shrink_chance)
    compresses = dice.applies(Step.COMPRESS, policy.compress_chance)
    deviation = dice.uniform(LEAST_BLUR_PX, max(LEAST_BLUR_PX, policy.blur * size))
    left = dice.uniform(policy.shrink, 1.0)
    steps = dice.uniform(policy.compress / 4, policy.compress)
    result = views
    if policy.blur_chance:
        result = _filtered(result, torch.where(blurs)[0], blurring(size, deviation[blurs]))
    if policy.shrink_chance:
        result = _filtered(result, torch.where(shrinks)[0], shrinking(size, left[shrinks]))
    if policy.compress_chance:
        some = torch.where(compresses)[0]
        result = result.index_copy(0, some, compressed(result[some], steps[some]))
    return result


def blurring(size: int, deviation: Tensor) -> Tensor:
    """Matrices (B, S, S) of a Gaussian blur.

    Args:
        size: S.
        deviation: in pixels, (B,).
    """
    place = torch.arange(size, device=deviation.device)
    apart = (place[:, None] - place).square()
    weights = torch.exp(-apart / (2 * deviation.square()[:, None, None]))
    return weights / weights.sum(dim=-1, keepdim=True)


def shrinking(size: int, left: Tensor) -> Tensor:
    """Matrices (B, S, S) that average over cells and then interpolate between these.

    Args:
        size: S.
        left: the share of the side that the cells are in number, (B,).
    """
    edge = torch.arange(size, device=left.device)
    cell = (1 / left)[:, None, None]  # width in pixels
    row = edge[:, None]
    overlap = torch.minimum(edge + 1, (row + 1) * cell) - torch.maximum(edge + 0 * cell, row * cell)
    down = overlap.clamp(min=0)
    down = down / down.sum(dim=-1, keepdim=True).clamp(min=1e-6)
    near = 1 - ((row + 0.5) / cell - (edge + 0.5)).abs()
    up = near.clamp(min=0) * (edge * cell < size)  # no cell begins beyond the view
    return up / up.sum(dim=-1, keepdim=True) @ down


def compressed(views: Tensor, steps: Tensor) -> Tensor:
    """Views as after JPEG: the cosine transform of 8 x 8 blocks, rounded.

    All channels are rounded as JPEG rounds luma, by its usual table brought to a formula. Rows and
    columns beyond the last whole block stay.

    Args:
        views: (B, 3, S, S), range 0-1.
        steps: how coarse, times quality 50; (B,).
    """
    count, channels, size, _ = views.shape
    blocks = size // BLOCK_PX
    whole = blocks * BLOCK_PX
    cosine = _cosine_transform(views.device)
    tiles = views[..., :whole, :whole].reshape(count, channels, blocks, BLOCK_PX, blocks, BLOCK_PX)
    tiles = tiles.transpose(3, 4)  # (B, 3, blocks, blocks, 8, 8)
    frequency = torch.arange(BLOCK_PX, device=views.device)
    table = (10 + 7 * (frequency[:, None] + frequency)) / 255
    table = table * steps.view(-1, 1, 1, 1, 1, 1)
    rounded = (cosine @ tiles @ cosine.T / table).round() * table
    restored = (cosine.T @ rounded @ cosine).transpose(3, 4).reshape(count, channels, whole, whole)
    result = views.clone()
    result[..., :whole, :whole] = restored
    return result


def _cosine_transform(device: torch.device) -> Tensor:
    """The orthonormal discrete cosine transform of 8 numbers, (8, 8)."""
    place = torch.arange(BLOCK_PX, device=device)
    waves = torch.cos(math.pi / BLOCK_PX * (place + 0.5) * place[:, None])
    scale = torch.full((BLOCK_PX, 1), math.sqrt(2 / BLOCK_PX), device=device)
    scale[0] = math.sqrt(1 / BLOCK_PX)
    return waves * scale


def _filtered(views: Tensor, some: Tensor, matrices: Tensor) -> Tensor:
    """Views with those at `some` (K,) filtered by `matrices` (K, S, S) along both axes."""
    each = matrices[:, None]
    return views.index_copy(0, some, each @ views[some] @ each.transpose(-1, -2))
