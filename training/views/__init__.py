"""Views: random pictures of the same face, made on the device for a whole batch at once.

    crops uint8 (B, 3, S', S') -> cut -> soften -> relight -> cover -> views float32 (B, 3, S, S)

Every number is drawn per sample. Why this is our own and neither torchvision's nor kornia's is
measured in docs/decisions/0005-own-views.md.
"""

import torch
from torch import Tensor

from training.views.cover import cover
from training.views.dice import Dice
from training.views.geometry import cut
from training.views.light import relight
from training.views.policies import POLICIES, ViewPolicy, view_policy
from training.views.sharpness import soften

__all__ = ["POLICIES", "ViewPolicy", "make_views", "plain_views", "view_policy"]


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
    if policy == ViewPolicy():
        return plain_views(crops, size_px)
    dice = Dice(len(crops), crops.device, generator, subset=policy.subset)
    views = cut(crops, size_px, policy, dice)
    views = soften(views, policy, dice)
    views = relight(views, policy, dice)
    return cover(views, policy, dice).clamp_(0, 1)


def plain_views(crops: Tensor, size_px: int) -> Tensor:
    """What the encoder sees without any transform: float32 (B, 3, S, S), range 0-1."""
    offset = (crops.shape[-1] - size_px) // 2
    inner = crops[..., offset : offset + size_px, offset : offset + size_px]
    return inner.float() / 255
