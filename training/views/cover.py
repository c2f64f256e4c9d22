"""What lies over a face: noise of the sensor, and things that hide a part."""

import torch
from torch import Tensor

from training.views.dice import Dice, Step
from training.views.policies import ViewPolicy

LEAST_COVER = 0.1
"""Shortest side of a covering rectangle, as a share of the view's."""


def cover(views: Tensor, policy: ViewPolicy, dice: Dice) -> Tensor:
    """Hide a rectangle of some views (B, 3, S, S), and add noise to some."""
    result = views
    if policy.cover_chance:
        some = torch.where(dice.applies(Step.COVER, policy.cover_chance))[0]
        result = result.index_copy(0, some, _hidden(result, some, policy, dice))
    if policy.noise_chance:
        some = torch.where(dice.applies(Step.NOISE, policy.noise_chance))[0]
        deviation = dice.uniform(0, policy.noise)[some, None, None, None]
        grain = dice.normal(len(some), *views.shape[1:]) * deviation
        result = result.index_add(0, some, grain)
    return result


def _hidden(views: Tensor, some: Tensor, policy: ViewPolicy, dice: Dice) -> Tensor:
    """Views of `some` (K,) with a rectangle of one colour, or, every other time, of noise."""
    size = views.shape[-1]
    place = (torch.arange(size, device=views.device) + 0.5) / size
    least, most = LEAST_COVER / 2, max(LEAST_COVER, policy.cover) / 2
    inside = []
    for _axis in range(2):
        middle, half = dice.uniform(0, 1)[some, None], dice.uniform(least, most)[some, None]
        inside.append((place - middle).abs() < half)
    rectangle = inside[0][:, None, None, :] & inside[1][:, None, :, None]
    colour = dice.noise(len(some), 3, 1, 1)
    grain = dice.noise(len(some), 3, size, size)
    noisy = dice.noise(len(some), 1, 1, 1) < 0.5
    return torch.where(rectangle, torch.where(noisy, grain, colour), views[some])
