"""Small pictures of ten classes: MNIST and CIFAR-10, whole or the pieces that are at hand.

    MNIST/raw/*-ubyte or *-ubyte.gz          IDX files, as torchvision keeps them
    cifar-10-batches-py/                     torchvision's CIFAR10
    cifar10_train.zip, cifar10_test.zip      split/class/NNNN.jpg

Where only MNIST's test digits are there, four fifths of them train and one fifth is judged by.
"""

import gzip
import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from torchvision.datasets import CIFAR10, MNIST

from faces.decode import decode_image
from faces.errors import BadSource, ImageError
from training.data import TrainingData, cached_size
from training.errors import BadTrainingData

MNIST_SIDE = 28
TEST_SHARE = 0.2
FEWEST_CLASSES = 2

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures uint8 (N, S, S, 3) and their classes int64 (N,)."""

    pixels: Pixels
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """A set to train on and to judge by; `told` says which one it is."""

    train: Pictures
    test: Pictures
    told: str

    def limited(self, most: int) -> "PictureSet":
        """The same with at most so many pictures to train on, drawn at random; 0: all."""
        if not most or most >= len(self.train):
            return self
        rows = np.random.default_rng(0).permutation(len(self.train))[:most]
        told = f"{self.told} (of the former {most} are used)"
        return PictureSet(_take(self.train, rows), self.test, told)


def load_mnist(root: Path) -> PictureSet:
    """MNIST.

    Raises:
        BadSource: it is not there, or incomplete.
        BadTrainingData: all digits are of one class.
    """
    raw = root / "MNIST" / "raw"
    if not raw.is_dir():
        raise BadSource(
            f"{root} has no MNIST/raw; `lookalike data download mnist --to {root}` fetches it"
        )
    whole = all((raw / f"{part}-images-idx3-ubyte").is_file() for part in ("train", "t10k"))
    if whole:
        try:
            parts = [MNIST(root, train=train) for train in (True, False)]
        except RuntimeError as error:
            raise BadSource(f"{raw} is incomplete: {error}; download it again") from error
        train, test = (_grey(item.data.numpy(), item.targets.numpy()) for item in parts)
        return _checked(PictureSet(train, test, f"MNIST, {len(train)} and {len(test)} digits"))
    digits = _grey(_idx(raw, "t10k-images-idx3-ubyte"), _idx(raw, "t10k-labels-idx1-ubyte"))
    order = np.random.default_rng(0).permutation(len(digits))
    count = max(1, round(TEST_SHARE * len(digits)))
    train, test = _take(digits, order[count:]), _take(digits, order[:count])
    told = f"MNIST's test digits alone, {len(train)} to train on and {len(test)} to judge by"
    return _checked(PictureSet(train, test, told))


def load_cifar10(root: Path) -> PictureSet:
    """CIFAR-10.

    Raises:
        BadSource: it is not there, or incomplete.
        BadTrainingData: all pictures are of one class.
    """
    if (root / CIFAR10.base_folder).is_dir():
        try:
            parts = [CIFAR10(root, train=train) for train in (True, False)]
        except RuntimeError as error:
            raise BadSource(f"{root} has an incomplete CIFAR-10: {error}") from error
        train, test = (Pictures(item.data, np.array(item.targets, np.int64)) for item in parts)
        return _checked(PictureSet(train, test, f"CIFAR-10, {len(train)} and {len(test)} pictures"))
    train, test = (_from_zip(root / f"cifar10_{part}.zip") for part in ("train", "test"))
    told = f"CIFAR-10 subset (JPEG), {len(train)} pictures to train on and {len(test)} to judge by"
    return _checked(PictureSet(train, test, told))


LOADERS: Mapping[str, Callable[[Path], PictureSet]] = MappingProxyType(
    {"MNIST": load_mnist, "CIFAR-10": load_cifar10}
)


def as_training_data(pictures: Pictures) -> TrainingData:
    """Pictures with the black border that views move within, as the loop takes them.

    Returns:
        crops uint8 (N, S', S', 3); the classes take the place of people.
    """
    side = pictures.pixels.shape[1]
    border = cached_size(side) - side
    before = (border // 2, border - border // 2)
    crops = np.pad(pictures.pixels, ((0, 0), before, before, (0, 0)))
    return TrainingData(crops, pictures.labels, np.zeros(len(pictures), np.int64), {})


def _grey(pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> Pictures:
    if len(pixels) != len(labels) or pixels.shape[1:] != (MNIST_SIDE, MNIST_SIDE):
        raise BadSource(f"MNIST: {pixels.shape} pixels do not fit {len(labels)} labels")
    return Pictures(np.repeat(pixels[..., None], 3, axis=3), labels.astype(np.int64))


def _idx(folder: Path, name: str) -> Pixels:
    """An array of an IDX file of bytes, gzipped or not (http://yann.lecun.com/exdb/mnist)."""
    plain, packed = folder / name, folder / f"{name}.gz"
    path = plain if plain.is_file() else packed
    try:
        data = plain.read_bytes() if plain.is_file() else gzip.decompress(packed.read_bytes())
    except FileNotFoundError:
        raise BadSource(f"{folder} has no {name}.gz: download MNIST again") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BadSource(f"{path} is incomplete: {error}; download it again") from error
    axes = data[3] if len(data) > 4 and data[:3] == b"\x00\x00\x08" else 0
    shape = tuple(np.frombuffer(data, ">u4", axes, offset=4).tolist()) if axes else ()
    if not shape or len(data) != 4 + 4 * axes + math.prod(shape):
        raise BadSource(f"{path} is no whole IDX file of bytes; download it again")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _from_zip(path: Path) -> Pictures:
    """Pictures `.../class/NAME` of a zip file; classes are numbered in the order of their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if not name.endswith("/"))
            classes = sorted({Path(name).parent.name for name in names})
            pixels = [decode_image(archive.read(name)) for name in names]
    except FileNotFoundError:
        raise BadSource(
            f"{path} is not there, nor {CIFAR10.base_folder} beside it; "
            f"`lookalike data download cifar10 --to {path.parent}` fetches CIFAR-10"
        ) from None
    except (OSError, zipfile.BadZipFile, zlib.error, ImageError) as error:
        raise BadSource(f"{path} is incomplete: {error}; download it again") from error
    if len({picture.shape for picture in pixels}) != 1:
        raise BadSource(f"{path} has no pictures, or pictures of several sizes")
    labels = [classes.index(Path(name).parent.name) for name in names]
    return Pictures(np.stack(pixels), np.array(labels, np.int64))


def _take(pictures: Pictures, rows: npt.NDArray[np.int64]) -> Pictures:
    return Pictures(pictures.pixels[rows], pictures.labels[rows])


def _checked(found: PictureSet) -> PictureSet:
    for part in (found.train, found.test):
        if len(np.unique(part.labels)) < FEWEST_CLASSES:
            raise BadTrainingData(
                f"{found.told}: all are of one class; negatives need another class"
            )
    return found
