"""The network: torchvision's ResNet-18, and the projection head that only training needs.

    views (B, 3, S, S), range 0-1 -> normalise -> ResNet-18 -> features (B, 512)
    features -> head -> projections (B, P)

Searches use the features, not the projections: the head throws away what the loss does not need
(arXiv:2002.05709, section 4.2).
"""

import torch
from torch import Tensor, nn
from torchvision.models import ResNet18_Weights, resnet18

# ImageNet's mean and standard deviation per channel, as torchvision's weights expect them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

FEATURES = 512
"""D: what ResNet-18 gives after its average pooling."""


class FaceNetwork(nn.Module):
    """ResNet-18 without its classifier, and a two-layer projection head that only the loss sees."""

    mean: Tensor
    std: Tensor

    def __init__(self, projection_dim: int, people: int = 0) -> None:
        """Make it with random weights.

        Args:
            projection_dim: width P of the projections.
            people: with a number, the head is batch norm alone, so that projections are features
                (P = 512), and there is a prototype of each person to compare them with.
        """
        super().__init__()
        self.backbone = resnet18()
        self.backbone.fc = nn.Identity()
        self.head: nn.Module = _projection_head(projection_dim)
        self.prototypes: nn.Parameter | None = None
        if people:
            self.head = nn.BatchNorm1d(FEATURES, affine=False)
            self.prototypes = nn.Parameter(torch.randn(people, FEATURES) * 0.01)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def features(self, views: Tensor) -> Tensor:
        """Features (B, 512), not normalised, of views (B, 3, S, S) in the range 0-1."""
        result: Tensor = self.backbone((views - self.mean) / self.std)
        return result

    def forward(self, views: Tensor) -> Tensor:
        """Projections (B, P), not normalised, of views (B, 3, S, S) in the range 0-1."""
        result: Tensor = self.head(self.features(views))
        return result


def _projection_head(projection_dim: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(FEATURES, FEATURES, bias=False),
        nn.BatchNorm1d(FEATURES),
        nn.ReLU(inplace=True),
        nn.Linear(FEATURES, projection_dim, bias=False),
        # As in SimCLR's own code. Without it all projections shared one direction for most of the
        # first epoch: mean cosine of pairs 0.90, loss still 4.6 (docs/training-log.md).
        nn.BatchNorm1d(projection_dim, affine=False),
    )


def load_imagenet_weights(network: FaceNetwork) -> bool:
    """Start the backbone from ImageNet where its weights can be had; say whether they could.

    torchvision downloads them once. Without a connection the network keeps its random start.
    """
    try:
        state = ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
    except OSError:  # urllib's URLError is one
        return False
    body = {key: value for key, value in state.items() if not key.startswith("fc.")}
    network.backbone.load_state_dict(body)
    return True
