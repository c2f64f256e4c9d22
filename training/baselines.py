"""Floors: what an encoder must beat to have learnt anything.

crops -> eigenfaces, random weights or histograms of gradients -> embeddings
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA
from torch.nn import functional

from faces.types import Crops, Embeddings
from training.network import FaceNetwork

EIGENFACES = 32
"""The strongest of 32, 64, 128 and 200 components, whitened or not, on photos_dev."""

EIGENFACE_SIDE_PX = 32

HOG_SIDE_PX = 64
HOG_CELL_PX = 8
HOG_ORIENTATIONS = 9
HOG_COMPONENTS = 400
"""The strongest of 32, 100, 200 and 400 on photos_dev and LFW pairs."""


def floors_by_name(threads: int = 0) -> dict[str, Callable[[Crops], Embeddings]]:
    """The floors, as reports name them.

    Args:
        threads: CPU threads of torch; 0 leaves it to torch.
    """
    if threads:
        torch.set_num_threads(threads)
    return {
        "random weights": random_network,
        "eigenfaces (PCA)": eigenfaces,
        "HOG": oriented_gradients,
        "HOG, whitened": whitened_gradients,
    }


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


def oriented_gradients(crops: Crops) -> Embeddings:
    """Embed crops by histograms of oriented gradients (Dalal and Triggs 2005), less their mean.

    As there (section 6): 9 orientations without sign, voted for by strength and shared between the
    two nearest; cells of 8 x 8 px; overlapping blocks of 2 x 2 cells, clipped at 0.2 (L2-Hys).
    Pictures are greyscale at 64 x 64 px, which gives 1,764 numbers.

    Args:
        crops: uint8 (N, S, S, 3).
    """
    pieces = [_histograms(crops[at : at + 256]) for at in range(0, len(crops), 256)]
    histograms = np.concatenate(pieces)
    return _unit_length(histograms - histograms.mean(axis=0))


def whitened_gradients(crops: Crops) -> Embeddings:
    """Embed crops by whitened components of their histograms of oriented gradients.

    Directions along which all faces differ much are turned down (whitening), and a crop and its
    mirror image are added up. On aligned crops this is the strongest floor, and it needs neither
    names nor a network: on LFW pairs 0.765, against 0.674 unwhitened (docs/training-log.md). As a
    teacher (`teacher = "hog"`) it needs no names either. The components are those of the given
    crops themselves.

    Args:
        crops: uint8 (N, S, S, 3).
    """
    plain, mirrored = (
        np.concatenate([_histograms(some[at : at + 256]) for at in range(0, len(some), 256)])
        for some in (crops, crops[:, :, ::-1])
    )
    components = min(HOG_COMPONENTS, max(2, len(plain) // 8))
    fitted = PCA(components, whiten=True, random_state=0).fit(plain)
    return _unit_length(fitted.transform(plain) + fitted.transform(mirrored))


def _histograms(crops: Crops) -> npt.NDArray[np.float32]:
    """HOG descriptors (N, 1764)."""
    pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float()
    pixels = pixels.mean(dim=1, keepdim=True)
    grey = functional.interpolate(pixels, size=HOG_SIDE_PX, mode="area")[:, 0].numpy()
    down, across = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, across)
    turn = np.arctan2(down, across) % np.pi / np.pi * HOG_ORIENTATIONS - 0.5
    lower = np.floor(turn)
    upper_share = turn - lower
    votes = np.zeros((HOG_ORIENTATIONS, *grey.shape), np.float32)
    for share, orientation in ((1 - upper_share, lower), (upper_share, lower + 1)):
        wrapped = orientation.astype(np.int64) % HOG_ORIENTATIONS
        for number in range(HOG_ORIENTATIONS):
            votes[number] += np.where(wrapped == number, share * strength, 0)
    cells = HOG_SIDE_PX // HOG_CELL_PX
    boxes = votes.reshape(HOG_ORIENTATIONS, len(grey), cells, HOG_CELL_PX, cells, HOG_CELL_PX)
    histogram = boxes.sum(axis=(3, 5)).transpose(1, 2, 3, 0)  # (N, cell row, cell column, 9)
    corners = [histogram[:, i : cells - 1 + i, j : cells - 1 + j] for i in (0, 1) for j in (0, 1)]
    blocks = np.concatenate(corners, axis=-1)
    for limit in (0.2, np.inf):
        norms = np.linalg.norm(blocks, axis=-1, keepdims=True)
        blocks = np.minimum(blocks / np.maximum(norms, 1e-6), limit)
    flat: npt.NDArray[np.float32] = blocks.reshape(len(crops), -1).astype(np.float32)
    return flat


def _unit_length(vectors: np.ndarray) -> Embeddings:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Embeddings = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return result
