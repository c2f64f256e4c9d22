"""The landmark network: six convolutions in a row, two of them with a short cut beside them.

    squares (B, 1, 56, 56), range 0-1 -> normalise each -> convolutions -> (B, 1024) -> (B, 128)
        -> points (B, 5, 2) in shares of the square's side, face logit (B,)

Ten million multiplications a face and 286,000 weights: 0.6 MB as float16.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from faces.alignment import template_in_crop

SIZE_PX = 56
"""S: the side of the square."""

MARGIN = 0.265
"""The square is (1 + 2 x 0.265) templates wide, which is 1.4 boxes of the cascade: room for a box
that is off by a fifth."""

POINTS = 5
LEAST_VARIANCE = 1e-3
"""Of a square's pixels; a blank one is not blown up."""


class LandmarkNet(nn.Module):
    """Squares in, points and face logits out."""

    mean_points: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _halving(1, 16),
            _halving(16, 32),
            _Residual(32),
            _halving(32, 64),
            _Residual(64),
            _halving(64, 64),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 128, bias=False),
            nn.BatchNorm1d(128),
            nn.ReLU(),
        )
        self.points = nn.Linear(128, 2 * POINTS)
        self.face = nn.Linear(128, 1)
        with torch.no_grad():  # starts near the mean face
            self.points.weight.mul_(0.1)
            self.points.bias.zero_()
        mean = torch.from_numpy(template_in_crop(MARGIN)).float()
        self.register_buffer("mean_points", mean, persistent=False)

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Points (B, 5, 2) and logits (B,) of squares (B, 1, S, S) in the range 0-1."""
        mean = squares.mean(dim=(2, 3), keepdim=True)
        variance = (squares - mean).square().mean(dim=(2, 3), keepdim=True)
        features = self.body((squares - mean) * (variance + LEAST_VARIANCE).rsqrt())
        offsets = self.points(features).view(-1, POINTS, 2)
        return self.mean_points + offsets, self.face(features)[:, 0]


class _Residual(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.path(features))


def _halving(channels_in: int, channels_out: int) -> nn.Sequential:
    """A convolution that halves both sides."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
