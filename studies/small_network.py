"""The small network of pairs-vs-triplets: five convolutions, 32 numbers in the end.

    views (B, 3, S, S) -> grey where asked for -> five convolutions -> sigmoid -> (B, 8 h w)

Channels 32, 64, 128, 256, 8; kernel 2, stride 2, padding 1, no bias; LeakyReLU 0.2; batch norm
after the second to the fourth. For 28 px the maps are 15, 8, 5, 3 and 2 px wide, for 32 px 17, 9,
5, 3 and 2: both end in 8 x 2 x 2 = 32 numbers.
"""

import itertools

from torch import Tensor, nn

from training.network import Network

CHANNELS = (32, 64, 128, 256, 8)
NORMED = (2, 3, 4)
SLOPE = 0.2
KERNEL, STRIDE, PADDING = 2, 2, 1


class SmallNetwork(Network):
    """What it gives is both: features and projections."""

    def __init__(self, *, side_px: int, grey: bool) -> None:
        """Make it with random weights.

        Args:
            side_px: S, of the pictures.
            grey: see one channel, the mean of the three.
        """
        super().__init__()
        self.grey = grey
        layers: list[nn.Module] = []
        channels = (1 if grey else 3, *CHANNELS)
        for number, (before, after) in enumerate(itertools.pairwise(channels), start=1):
            layers.append(nn.Conv2d(before, after, KERNEL, STRIDE, PADDING, bias=False))
            if number in NORMED:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.Sigmoid() if number == len(CHANNELS) else nn.LeakyReLU(SLOPE))
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.features_dim = CHANNELS[-1] * map_sides(side_px)[-1] ** 2
        self.projection_dim = self.features_dim

    def features(self, views: Tensor) -> Tensor:
        """Embeddings (B, 32), from 0 to 1 each, of views (B, 3, S, S) in the range 0-1."""
        seen = views.mean(dim=1, keepdim=True) if self.grey else views
        result: Tensor = self.layers(seen)
        return result

    def forward(self, views: Tensor) -> Tensor:
        """The same: the objective sees the embeddings themselves."""
        return self.features(views)


def map_sides(side_px: int) -> list[int]:
    """Side of the map after each layer."""
    sides = []
    for _layer in CHANNELS:
        side_px = (side_px + 2 * PADDING - KERNEL) // STRIDE + 1
        sides.append(side_px)
    return sides
