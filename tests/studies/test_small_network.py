"""The small network has the shapes and the parameters that the write-up lists."""

import pytest
import torch
from torch import nn

from studies.small_network import SmallNetwork, map_sides


@pytest.mark.parametrize(
    ("side", "sides"), [(28, [15, 8, 5, 3, 2]), (32, [17, 9, 5, 3, 2])], ids=str
)
def test_maps_are_as_wide_as_listed(side, sides):
    assert map_sides(side) == sides
    network = SmallNetwork(side_px=side, grey=side == 28)
    found: list[int] = []
    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda *_args: found.append(_args[2].shape[-1]))
    assert network(torch.rand(2, 3, side, side)).shape == (2, 32)
    assert found == sides


def test_layers_have_as_many_parameters_as_listed():
    network = SmallNetwork(side_px=28, grey=True)
    counts = [
        [parameter.numel() for parameter in layer.parameters()]
        for layer in network.layers
        if list(layer.parameters())
    ]
    # 2 x 2 weights for each pair of channels, no bias; batch norm has a scale and a shift.
    assert counts == [
        [1 * 32 * 4],
        [32 * 64 * 4], [64, 64],
        [64 * 128 * 4], [128, 128],
        [128 * 256 * 4], [256, 256],
        [256 * 8 * 4],
    ]  # fmt: skip
    assert network.features_dim == network.projection_dim == 32


def test_embeddings_lie_between_0_and_1_and_grey_is_one_channel():
    network = SmallNetwork(side_px=28, grey=True).eval()
    views = torch.rand(3, 3, 28, 28)
    grey = views.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    found = network.features(views)
    assert bool(((found > 0) & (found < 1)).all())
    assert torch.allclose(found, network.features(grey), atol=1e-6)
