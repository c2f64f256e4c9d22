"""MNIST and CIFAR-10: whole as torchvision keeps them, or in pieces; what is wrong is named."""

import gzip
import pickle
import zipfile

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from faces.errors import BadSource
from studies import generated
from studies.pictures import as_training_data, load_cifar10, load_mnist
from training.errors import BadTrainingData
from training.views import plain_views


@pytest.fixture
def folder(tmp_path):
    generated.write_mnist(tmp_path)
    generated.write_cifar10(tmp_path)
    return tmp_path


def test_the_test_digits_alone_are_divided(folder):
    found = load_mnist(folder)
    assert (len(found.train), len(found.test)) == (96, 24)
    assert found.train.pixels.shape == (96, 28, 28, 3)
    assert set(found.train.labels.tolist()) == {0, 1, 2}
    assert found.told == "MNIST's test digits alone, 96 to train on and 24 to judge by"
    fewer = found.limited(10)
    assert (len(fewer.train), len(fewer.test)) == (10, 24)
    assert "of the former 10 are used" in fewer.told
    assert found.limited(0) is found


def test_all_of_mnist_is_read_by_torchvision(folder):
    raw = folder / "MNIST" / "raw"
    for part in ("images-idx3", "labels-idx1"):
        data = gzip.decompress((raw / f"t10k-{part}-ubyte.gz").read_bytes())
        for name in ("train", "t10k"):
            (raw / f"{name}-{part}-ubyte").write_bytes(data)
    found = load_mnist(folder)
    assert (len(found.train), len(found.test)) == (120, 120)
    assert found.told == "MNIST, 120 and 120 digits"
    (raw / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(BadSource, match="is incomplete: Dataset not found"):
        load_mnist(folder)


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_digits_that_came_only_in_part_are_named(folder, name):
    path = folder / "MNIST" / "raw" / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadSource, match=f"{name} is incomplete: .*download it again"):
        load_mnist(folder)
    path.write_bytes(gzip.compress(gzip.decompress(whole)[:-1]))
    with pytest.raises(BadSource, match=f"{name} is no whole IDX file"):
        load_mnist(folder)
    path.unlink()
    with pytest.raises(BadSource, match="download MNIST again"):
        load_mnist(folder)


def test_a_folder_without_the_sets_says_how_to_get_them(tmp_path):
    with pytest.raises(BadSource, match="lookalike data download mnist --to"):
        load_mnist(tmp_path / "none")
    with pytest.raises(BadSource, match="lookalike data download cifar10 --to"):
        load_cifar10(tmp_path / "none")


def test_pieces_of_cifar_come_from_zip_files(folder):
    found = load_cifar10(folder)
    assert (len(found.train), len(found.test)) == (120, 60)
    assert found.train.pixels.shape == (120, 32, 32, 3)
    assert found.told.startswith("CIFAR-10 subset (JPEG)")


def test_all_of_cifar_is_read_by_torchvision(tmp_path, monkeypatch):
    """On small files in its layout, whose digests are not the real ones."""
    batches = tmp_path / CIFAR10.base_folder
    batches.mkdir()
    random = np.random.default_rng(0)
    for name in ("train", "test"):
        listed = [(file, None) for file, _digest in getattr(CIFAR10, f"{name}_list")]
        monkeypatch.setattr(CIFAR10, f"{name}_list", listed)
        for file, _digest in listed:
            pixels = random.integers(0, 256, (4, 3 * 32 * 32), np.uint8)
            content = {"data": pixels, "labels": [0, 1, 2, 3]}
            (batches / file).write_bytes(pickle.dumps(content))
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": None})
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcd")}))
    found = load_cifar10(tmp_path)
    assert (len(found.train), len(found.test)) == (20, 4)
    (batches / "data_batch_3").unlink()
    with pytest.raises(BadSource, match="incomplete CIFAR-10: Dataset not found or corrupted"):
        load_cifar10(tmp_path)


def test_a_zip_that_came_only_in_part_is_named(folder):
    path = folder / "cifar10_test.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadSource, match=r"cifar10_test\.zip is incomplete"):
        load_cifar10(folder)


def test_a_set_of_one_class_is_refused(folder):
    path = folder / "cifar10_test.zip"
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if "/ring/" in name}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    with pytest.raises(BadTrainingData, match="all are of one class"):
        load_cifar10(folder)


def test_the_plain_view_of_a_picture_is_the_picture(folder):
    import torch

    pictures = load_mnist(folder).test
    data = as_training_data(pictures)
    crops = torch.from_numpy(data.crops).permute(0, 3, 1, 2)
    plain = plain_views(crops, 28).permute(0, 2, 3, 1).numpy()
    assert np.array_equal((plain * 255).round().astype(np.uint8), pictures.pixels)
    assert data.crops[:, 0].max() == 0  # black lies around it
