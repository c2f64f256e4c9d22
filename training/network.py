"""The network: a torchvision ResNet, and the projection head that only training needs.

    views (B, 3, S, S), range 0-1 -> normalise -> ResNet -> features (B, D)
    features -> head -> projections (B, P)

Searches use the features, not the projections: the head throws away what the loss does not need
(arXiv:2002.05709, section 4.2).
"""

import logging
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights, list_models

from training.config import TrainConfig
from training.errors import BadConfig
from training.objectives import OBJECTIVES

logger = logging.getLogger("lookalike")

Stem = Literal["standard", "small", "tiny"]
Head = Literal["mlp", "linear", "norm"]

# ImageNet's mean and standard deviation per channel, as torchvision's weights expect them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

STEM_CHANNELS = 64
RESNETS = ("resnet", "resnext", "wide_resnet")


class Network(nn.Module):
    """What the loop trains: pictures become features, and features projections.

    Attributes:
        features_dim: width D of the features.
        projection_dim: width P of the projections.
    """

    features_dim: int
    projection_dim: int

    def features(self, views: Tensor) -> Tensor:
        """Features (B, D), not normalised, of views (B, 3, S, S) in the range 0-1."""
        raise NotImplementedError


class FaceNetwork(Network):
    """A ResNet without its classifier, and a head that only the loss sees."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        projection_dim: int,
        *,
        arch: str = "resnet18",
        stem: Stem = "standard",
        head: Head = "mlp",
    ) -> None:
        """Make it with random weights.

        Args:
            projection_dim: width P of the projections; with the head "norm" it is that of the
                features.
            arch: a ResNet by torchvision's name.
            stem: the first layers; all but "standard" keep more of a small picture.
            head: what lies between features and loss.

        Raises:
            BadConfig: torchvision has no ResNet of that name.
        """
        super().__init__()
        self.backbone, self.features_dim = _backbone(arch, stem)
        self.projection_dim = self.features_dim if head == "norm" else projection_dim
        self.head = _make_head(head, self.features_dim, self.projection_dim)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def features(self, views: Tensor) -> Tensor:
        """Features (B, D), not normalised, of views (B, 3, S, S) in the range 0-1."""
        result: Tensor = self.backbone((views - self.mean) / self.std)
        return result

    def forward(self, views: Tensor) -> Tensor:
        """Projections (B, P), not normalised, of views (B, 3, S, S) in the range 0-1."""
        result: Tensor = self.head(self.features(views))
        return result


def architectures() -> list[str]:
    """The names of all ResNets that torchvision has."""
    return [name for name in list_models() if name.startswith(RESNETS)]


def _backbone(arch: str, stem: Stem) -> tuple[nn.Module, int]:
    """A ResNet with random weights and without its classifier, and the width of its features."""
    if arch not in architectures():
        raise BadConfig(f"arch = {arch!r} is none of {', '.join(architectures())}")
    backbone = get_model(arch, weights=None)
    features_dim: int = backbone.fc.in_features
    backbone.fc = nn.Identity()
    if stem != "standard":
        # A 3 x 3 convolution and no pooling, as in SimCLR's appendix B.9 for 32 px; there with
        # stride 1. The deviation of stride 2 suits sizes between that and ImageNet's 224.
        stride = 2 if stem == "small" else 1
        backbone.conv1 = nn.Conv2d(3, STEM_CHANNELS, 3, stride, padding=1, bias=False)
        nn.init.kaiming_normal_(backbone.conv1.weight, mode="fan_out", nonlinearity="relu")
        backbone.maxpool = nn.Identity()
    return backbone, features_dim


def _make_head(head: Head, features_dim: int, projection_dim: int) -> nn.Module:
    # Each ends in batch norm, as in SimCLR's own code. Without it all projections shared one
    # direction for most of the first epoch: mean cosine of pairs 0.90, loss still 4.6
    # (docs/training-log.md).
    norm = nn.BatchNorm1d(projection_dim, affine=False)
    if head == "norm":
        return norm
    last = nn.Linear(features_dim, projection_dim, bias=False)
    if head == "linear":
        return nn.Sequential(last, norm)
    return nn.Sequential(
        nn.Linear(features_dim, features_dim, bias=False),
        nn.BatchNorm1d(features_dim),
        nn.ReLU(inplace=True),
        last,
        norm,
    )


def make_network(config: TrainConfig) -> FaceNetwork:
    """The network that `config` describes, with random weights.

    Raises:
        BadConfig: there is no such architecture.
    """
    head = config.head
    if head == "auto":
        head = "norm" if OBJECTIVES[config.objective].on_features else "mlp"
    return FaceNetwork(config.projection_dim, arch=config.arch, stem=config.stem, head=head)


def load_imagenet_weights(network: FaceNetwork, arch: str) -> bool:
    """Start the backbone from ImageNet where its weights can be had; say whether they could.

    torchvision downloads them once. Without a connection the network keeps its random start. Stems
    other than the standard one have no such weights: their first layer stays random.
    """
    weights = get_model_weights(arch)["IMAGENET1K_V1"]
    try:
        state = weights.get_state_dict(progress=False, check_hash=True)
    except OSError:  # urllib's URLError is one
        return False
    own = network.backbone.state_dict()
    body = {key: value for key, value in state.items() if not key.startswith("fc.")}
    if body["conv1.weight"].shape != own["conv1.weight"].shape:
        logger.warning("ImageNet's first layer fits the standard stem only; it starts at random")
        body["conv1.weight"] = own["conv1.weight"]
    network.backbone.load_state_dict(body)
    return True
