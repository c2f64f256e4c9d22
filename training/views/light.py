"""Colour and light.

    brightness, tint, contrast, saturation, hue, grey -> one 3 x 3 matrix and an offset
        -> pixel -> light from one side

Every change of colour is linear in the pixel, so that all of them together cost one product. A
deviation from SimCLR's own code: the order is fixed, and values are not clipped in between.
"""

import torch
from torch import Tensor

from training.views.dice import Dice, Step
from training.views.policies import ViewPolicy

# Luma of ITU-R BT.601, as torchvision's and Pillow's greyscale have it.
LUMA = (0.299, 0.587, 0.114)

# The two chroma axes of YIQ. Turning them turns the hue and leaves the luma.
CHROMA = ((0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def relight(views: Tensor, policy: ViewPolicy, dice: Dice) -> Tensor:
    """Change colour and light of views (B, 3, S, S), range 0-1; the result can leave the range."""
    matrix, offset = _colours(views.mean(dim=(-2, -1)), policy, dice)
    flat = torch.baddbmm(offset[:, :, None], matrix, views.flatten(2))
    result = flat.clamp_(0, 1).view(views.shape)
    if policy.side_light_chance:
        result = result * _side_light(views.shape[-1], policy, dice)
    return result


def _colours(mean: Tensor, policy: ViewPolicy, dice: Dice) -> tuple[Tensor, Tensor]:
    """Matrix (B, 3, 3) and offset (B, 3) of the pixels of views whose mean is (B, 3)."""
    luma = torch.tensor(LUMA, device=mean.device)
    to_grey = luma.expand(3, 3)
    same = torch.eye(3, device=mean.device)
    applies = dice.applies(Step.COLOUR, policy.colour_chance)

    def factor(most: float) -> Tensor:
        return (1 + dice.spread(most) * applies)[:, None]

    tints = torch.cat([factor(policy.tint) for _ in range(3)], dim=1)
    matrix = torch.diag_embed(tints * factor(policy.brightness))
    contrast = factor(policy.contrast)
    middle = (matrix @ mean[:, :, None]).squeeze(-1) @ luma
    matrix = matrix * contrast[:, :, None]
    offset = (1 - contrast) * middle[:, None]
    saturation = factor(policy.saturation)[:, :, None]
    colour = saturation * same + (1 - saturation) * to_grey
    colour = _hue_turn(dice.spread(policy.hue) * applies) @ colour
    grey = dice.applies(Step.GREY, policy.grey_chance)[:, None, None]
    colour = torch.where(grey, to_grey, colour)
    # The offset is a grey, and stays what it is.
    return colour @ matrix, offset.expand(-1, 3)


def _hue_turn(share: Tensor) -> Tensor:
    """Matrices (B, 3, 3) that turn hues by `share` (B,) of a circle."""
    axes = torch.tensor((LUMA, *CHROMA), device=share.device)
    angle = 2 * torch.pi * share
    cos, sin, none = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
    rows = [none + 1, none, none, none, cos, -sin, none, sin, cos]
    turn = torch.stack(rows, dim=-1).view(-1, 3, 3)
    result: Tensor = torch.linalg.inv(axes) @ turn @ axes
    return result


def _side_light(size: int, policy: ViewPolicy, dice: Dice) -> Tensor:
    """Gains (B, 1, S, S): 1 in the middle, brighter on one side and darker on the other."""
    applies = dice.applies(Step.SIDE_LIGHT, policy.side_light_chance)
    strength = (dice.spread(policy.side_light) * applies)[:, None, None]
    angle = dice.uniform(0, 2 * torch.pi)[:, None, None]
    edge = dice.uniform(1, 4)[:, None, None]  # from a soft slope to the edge of a shadow
    place = (torch.arange(size, device=angle.device) + 0.5) * (2 / size) - 1
    across = torch.cos(angle) * place + torch.sin(angle) * place[:, None]
    return (1 + strength * torch.tanh(edge * across))[:, None]
