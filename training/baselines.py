"""Floors: what an encoder must beat to have learnt anything.

crops -> eigenfaces or random weights -> embeddings
"""

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch.nn import functional

from faces.types import Crops, Embeddings
from training.network import FaceNetwork

EIGENFACES = 32
"""The strongest of 32, 64, 128 and 200 components, whitened or not, on photos_dev."""

EIGENFACE_SIDE_PX = 32


def eigenfaces(crops: Crops) -> Embeddings:
    """Embed crops by their leading principal components (Turk and Pentland 1991, "Eigenfaces").

    The components are those of the given crops themselves, which can only favour this floor.
    Pixels are greyscale at 32 x 32, each picture brought to mean 0 and deviation 1; components are
    whitened.

    Args:
        crops: uint8 (N, S, S, 3).
    """
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float().mean(dim=1, keepdim=True)
    small = functional.interpolate(pixels, size=EIGENFACE_SIDE_PX, mode="area").flatten(1).numpy()
    small = small - small.mean(axis=1, keepdims=True)
    small = small / np.maximum(small.std(axis=1, keepdims=True), 1e-6)
    # With as many components as faces, whitening would set all faces equally far apart.
    components = min(EIGENFACES, max(2, len(small) // 8))
    projected = PCA(components, whiten=True, random_state=0).fit_transform(small)
    return _unit_length(projected)


def random_network(crops: Crops, seed: int = 0) -> Embeddings:
    """Embed crops by a ResNet-18 that has learnt nothing; as in exports, less its mean feature.

    Args:
        crops: uint8 (N, S, S, 3).
        seed: of the weights.
    """
    torch.manual_seed(seed)
    network = FaceNetwork(projection_dim=2).eval()
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        features = torch.cat([network.features(some) for some in torch.split(pixels, 64)]).numpy()
    return _unit_length(features - features.mean(axis=0))


def _unit_length(vectors: np.ndarray) -> Embeddings:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Embeddings = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return result
