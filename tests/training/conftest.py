"""What several tests of training share: a network that costs nothing, and people to learn."""

import numpy as np
import pytest
from torch import nn

from training.data import TrainingData, cached_size

SIZE_PX = 32
TINY_FEATURES = 8


def tiny_backbone(_arch: str, _stem: str) -> tuple[nn.Module, int]:
    """Stands for a ResNet: a convolution, batch norm and a mean over places."""
    return (
        nn.Sequential(
            nn.Conv2d(3, TINY_FEATURES, 5, stride=4, bias=False),
            nn.BatchNorm2d(TINY_FEATURES),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        ),
        TINY_FEATURES,
    )


@pytest.fixture
def tiny_network(monkeypatch):
    """All networks made in this test are tiny."""
    monkeypatch.setattr("training.network._backbone", tiny_backbone)


@pytest.fixture(scope="session")
def faces() -> TrainingData:
    """Four people of two sources, each with a colour and three noisy photos."""
    random = np.random.default_rng(0)
    side = cached_size(SIZE_PX)
    colours = random.integers(0, 255, (4, 1, 1, 1, 3))
    noise = random.integers(-20, 20, (4, 3, side, side, 3))
    crops = np.clip(colours + noise, 0, 255).astype(np.uint8).reshape(12, side, side, 3)
    return TrainingData(crops, np.repeat(np.arange(4), 3), np.repeat([0, 1], 6), {})
