"""Where each pixel of a view comes from.

    places in the view -> head turned -> perspective -> sheared, stretched, turned, moved
        -> places in the crop -> one bilinear sampling

All are put together before the picture is sampled, so that it blurs only once. Places run from -1
to 1 across the plain view; x goes right, y down.
"""

import torch
from torch import Tensor
from torch.nn import functional

from training.views.dice import Dice, Step
from training.views.policies import ViewPolicy

HEAD_RADIUS = 1.25
"""Of the cylinder that stands for a head, in halves of the view's side. A face fills three quarters
of a plain view; the sides of the view must lie on the cylinder, too."""


def cut(crops: Tensor, size_px: int, policy: ViewPolicy, dice: Dice) -> Tensor:
    """Sample a view of each crop.

    Args:
        crops: uint8 (B, 3, S', S').
        size_px: side S of a view; the plain view is the middle of the crop, of that size.
        policy: its strengths.
        dice: of this batch.

    Returns:
        float32 (B, 3, S, S), range 0-1.
    """
    place = (torch.arange(size_px, device=crops.device) + 0.5) * (2 / size_px) - 1
    pose = dice.applies(Step.POSE, policy.pose_chance)
    yaw, pitch = (dice.spread(most) * pose for most in (policy.yaw_deg, policy.pitch_deg))
    x, y = turned(place, yaw)[:, None, :], turned(place, pitch)[:, :, None]
    near_x, near_y = (_column(dice.spread(policy.perspective) * pose) for _ in range(2))
    depth = 1 + near_x * x + near_y * y
    matrix, shift = _affine(policy, dice)
    inner = size_px / crops.shape[-1]
    grid = torch.stack(
        [
            (_column(row[0]) * x + _column(row[1]) * y) / depth * inner + _column(by) * inner
            for row, by in zip(matrix, shift, strict=True)
        ],
        dim=-1,
    )
    padding = "zeros" if policy.padded else "border"
    pixels = crops.float() / 255
    return functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode=padding, align_corners=False
    )


def turned(place: Tensor, angle_deg: Tensor) -> Tensor:
    """Where the places of a turned head come from in the picture of the head as it was.

    The head is a cylinder that turns about its axis; what faces the viewer stays in the middle,
    so that the near side widens and the far side narrows, as with a face that turns away.

    Args:
        place: (S,), from -1 to 1 across the view.
        angle_deg: (B,).

    Returns:
        (B, S).
    """
    turn = torch.deg2rad(angle_deg)[:, None]
    angle = torch.asin(place / HEAD_RADIUS) + turn
    visible = angle.clamp(-torch.pi / 2, torch.pi / 2)
    return HEAD_RADIUS * (torch.sin(visible) - torch.sin(turn))


_Row = tuple[Tensor, Tensor]


def _affine(policy: ViewPolicy, dice: Dice) -> tuple[tuple[_Row, _Row], _Row]:
    """A 2 x 2 matrix and a shift, of numbers (B,), from the view to the crop."""
    one = dice.uniform(1, 1)
    moves = dice.applies(Step.MOVE)
    side = torch.where(moves, dice.uniform(*policy.area).sqrt(), one)
    # Even on a logarithmic scale, so that wide and narrow are as likely (as torchvision draws it).
    most = torch.log1p(one * policy.stretch)
    stretch = torch.where(moves, torch.exp(dice.spread(1.0) * most / 2), one)
    wide, high = side * stretch, side / stretch
    if policy.anywhere:
        # SimCLR's cut keeps within the picture: a long side is cut down to it.
        wide, high = (torch.where(side <= 1, s.clamp(max=1), s) for s in (wide, high))
        room_x, room_y = (1 - wide).abs(), (1 - high).abs()
    else:
        room_x = room_y = 2 * policy.shift * moves
    shift = dice.spread(1.0) * room_x, dice.spread(1.0) * room_y
    mirror = torch.where(dice.applies(Step.MIRROR, policy.mirror_chance), -one, one)
    turn = torch.deg2rad(dice.spread(policy.turn_deg) * dice.applies(Step.TURN))
    lean = torch.tan(torch.deg2rad(dice.spread(policy.shear_deg) * dice.applies(Step.SHEAR)))
    cos, sin = torch.cos(turn), torch.sin(turn)
    across = mirror * wide * cos, high * (lean * cos - sin)
    down = mirror * wide * sin, high * (lean * sin + cos)
    return (across, down), shift


def _column(numbers: Tensor) -> Tensor:
    return numbers[:, None, None]
