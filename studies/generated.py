"""Made-up pictures in the layouts of the real sets, so that a smoke run needs no download."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.jpeg import encode_jpeg

CLASSES = ("cross", "ring", "stripes")
EACH = 40
NOISE = 25
DIGITS_SIDE, COLOUR_SIDE = 28, 32

Pixels = npt.NDArray[np.uint8]


def write_mnist(folder: Path, seed: int = 0) -> None:
    """Write `MNIST/raw/t10k-*.gz`, IDX files of bytes."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    labels = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), EACH)
    random = np.random.default_rng(seed)
    pictures = np.stack([shape(int(label), DIGITS_SIDE, random) for label in labels])
    _write_idx(raw / "t10k-images-idx3-ubyte.gz", pictures)
    _write_idx(raw / "t10k-labels-idx1-ubyte.gz", labels)


def write_cifar10(folder: Path, seed: int = 0) -> None:
    """Write `cifar10_train.zip` and `cifar10_test.zip` of JPEG files."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", EACH), ("test", EACH // 2)):
        with zipfile.ZipFile(folder / f"cifar10_{part}.zip", "w") as archive:
            for label, name in enumerate(CLASSES):
                for number in range(count):
                    grey = shape(label, COLOUR_SIDE, random)[..., None]
                    colour = random.uniform(0.4, 1, 3)
                    data = encode_jpeg((grey * colour).astype(np.uint8))
                    archive.writestr(f"{part}/{name}/{number:04d}.jpg", data)


def shape(label: int, side: int, random: np.random.Generator) -> Pixels:
    """A shape of a class, somewhere near the middle, with noise: uint8 (side, side)."""
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    x, y = x + random.uniform(-0.2, 0.2), y + random.uniform(-0.2, 0.2)
    inked = (
        (np.abs(x) < 0.15) | (np.abs(y) < 0.15),
        np.abs(np.hypot(x, y) - 0.6) < 0.15,
        np.sin(9 * x) > 0.3,
    )[label]
    noisy = 220 * inked + random.normal(0, NOISE, (side, side))
    drawn: Pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    return drawn


def _write_idx(path: Path, values: Pixels) -> None:
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(header + values.tobytes())
    path.write_bytes(file.getvalue())
