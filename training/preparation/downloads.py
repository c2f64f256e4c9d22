"""Downloads, through the libraries that own them and check what they got.

LFW comes from scikit-learn; MNIST and CIFAR-10, for the studies, from torchvision. That has CelebA
on Google Drive, for which it wants the package gdown; its LFW can no longer be downloaded.
IMDB-WIKI and the Kaggle sets are fetched by hand.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from training.errors import DownloadFailed

DataSet: TypeAlias = Literal["lfw", "celeba", "mnist", "cifar10"]

FEWEST = 500
"""scikit-learn decodes the photos of people with so many; only one of LFW's has."""


def _lfw(folder: Path) -> None:
    from sklearn.datasets import fetch_lfw_people  # noqa: PLC0415 - slow to import

    fetch_lfw_people(data_home=folder, min_faces_per_person=FEWEST)


def _celeba(folder: Path) -> None:
    from torchvision.datasets import CelebA  # noqa: PLC0415 - slow to import

    CelebA(folder, split="all", download=True)


def _mnist(folder: Path) -> None:
    from torchvision.datasets import MNIST  # noqa: PLC0415 - slow to import

    MNIST(folder, download=True)


def _cifar10(folder: Path) -> None:
    from torchvision.datasets import CIFAR10  # noqa: PLC0415 - slow to import

    CIFAR10(folder, download=True)


FETCHERS: Mapping[DataSet, Callable[[Path], None]] = MappingProxyType(
    {"lfw": _lfw, "celeba": _celeba, "mnist": _mnist, "cifar10": _cifar10}
)


def download(
    name: DataSet,
    folder: Path,
    fetchers: Mapping[DataSet, Callable[[Path], None]] = FETCHERS,
) -> None:
    """Download a data set into `folder`, where `training.preparation.readers` finds it.

    Raises:
        DownloadFailed: the library could not get it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        fetchers[name](folder)
    except (OSError, RuntimeError, ValueError) as error:
        raise DownloadFailed(f"{name} could not be downloaded: {error}") from error
