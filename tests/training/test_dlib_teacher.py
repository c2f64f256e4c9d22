"""dlib's network as ONNX: a tiny file in dlib's format, and what it computes by numpy alone."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from faces.encoder import OnnxEncoder
from training import dlib_teacher
from training.dlib_teacher import (
    DIMENSION,
    DIVISOR,
    MEAN,
    SIZE_PX,
    convert,
    make_teacher,
    packaged_weights,
)
from training.errors import BadTeacher

# Filters of the stem, then of each block; whether a block halves the picture. 35 px become 17, 8
# and 3, where the way around has 4: the case in which dlib pads.
STEM = 2
BLOCKS = [(2, False), (3, True), (3, True), (4, True)]


class Weights:
    """The numbers of a tiny network, drawn in the order in which dlib stores them."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.layers: list[tuple[str, list[np.ndarray]]] = []

        def convolution(filters: int, channels: int, kernel: int) -> None:
            kernels = random.normal(0, 0.3, (filters, channels, kernel, kernel))
            self.layers.append(("con_4", [kernels, random.normal(0, 0.3, filters)]))
            scale = random.uniform(0.5, 1.5, filters)
            self.layers.append(("affine_", [scale, random.normal(0, 0.3, filters)]))

        convolution(STEM, 3, 7)
        channels = STEM
        for filters, halves in BLOCKS:
            convolution(filters, channels, 3)
            convolution(filters, filters, 3)
            if halves:
                self.layers.append(("avg_pool_2", []))
            channels = filters
        self.layers.append(("avg_pool_2", []))
        self.layers.append(("fc_2", [random.normal(0, 1, (channels, DIMENSION))]))

    def file(self) -> bytes:
        """As dlib writes it; what stands between the tensors does not matter here."""
        result = b"header"
        for name, arrays in self.layers:
            result += b"\x01\x02" + name.encode()
            if name == "fc_2":
                result += integer(1) + integer(DIMENSION)
            if arrays:
                numbers = np.concatenate([array.ravel() for array in arrays]).astype("<f4")
                result += integer(2) + integer(numbers.size) + 3 * integer(1) + numbers.tobytes()
            result += b"\x00"
        return result


def integer(value: int) -> bytes:
    length = max(1, (value.bit_length() + 7) // 8)
    return bytes([length]) + value.to_bytes(length, "little")


def slow_convolution(
    x: np.ndarray, kernels: np.ndarray, bias: np.ndarray, stride: int
) -> np.ndarray:
    """(C, H, W) -> (F, H', W'), one kernel place at a time; padded unless it strides."""
    kernel = kernels.shape[-1]
    pad = kernel // 2 if stride == 1 else 0
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    size = (x.shape[1] - kernel) // stride + 1
    result = np.zeros((len(kernels), size, size)) + bias[:, None, None]
    for row in range(kernel):
        for column in range(kernel):
            part = x[
                :, row : row + stride * size : stride, column : column + stride * size : stride
            ]
            result += np.einsum("fc,chw->fhw", kernels[:, :, row, column], part)
    return result


def slow_pool(x: np.ndarray, kernel: int, reduce) -> np.ndarray:
    """Pool over kernel x kernel places with stride 2, whole ones only."""
    size = (x.shape[1] - kernel) // 2 + 1
    result = np.zeros((len(x), size, size))
    for row in range(size):
        for column in range(size):
            tile = x[:, 2 * row : 2 * row + kernel, 2 * column : 2 * column + kernel]
            result[:, row, column] = reduce(tile, axis=(1, 2))
    return result


def slow_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    result = np.zeros(np.maximum(a.shape, b.shape))
    for part in (a, b):
        result[: part.shape[0], : part.shape[1], : part.shape[2]] += part
    return result


def slow_forward(weights: Weights, x: np.ndarray) -> np.ndarray:
    """One picture (3, 150, 150), normalised -> (128,)."""
    layers = iter(weights.layers)

    def convolution(x: np.ndarray, stride: int) -> np.ndarray:
        (_, (kernels, bias)), (_, (scale, shift)) = next(layers), next(layers)
        result = slow_convolution(x, kernels, bias, stride)
        return result * scale[:, None, None] + shift[:, None, None]

    x = slow_pool(np.maximum(convolution(x, 2), 0), 3, np.max)
    for _filters, halves in BLOCKS:
        around = x
        x = convolution(np.maximum(convolution(x, 2 if halves else 1), 0), 1)
        if halves:
            next(layers)
            around = slow_pool(around, 2, np.mean)
        x = np.maximum(slow_sum(x, around), 0)
    next(layers)
    (_, (matrix,)) = next(layers)
    embedding = x.mean(axis=(1, 2)) @ matrix
    return embedding / np.linalg.norm(embedding)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return Weights()


@pytest.fixture(scope="module")
def weights_file(weights, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("dlib") / "tiny.dat"
    file.write_bytes(weights.file())
    return file


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (2, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


def normalised(crops: np.ndarray) -> np.ndarray:
    return ((crops - np.array(MEAN)) / DIVISOR).transpose(0, 3, 1, 2)


def test_the_graph_computes_what_the_network_in_the_file_computes(
    weights, weights_file, crops, tmp_path
):
    convert(weights_file, tmp_path / "teacher.onnx")
    session = ort.InferenceSession(tmp_path / "teacher.onnx", providers=["CPUExecutionProvider"])
    pixels = normalised(crops)
    found = session.run(None, {"pixels": pixels.astype(np.float32)})[0]
    expected = np.stack([slow_forward(weights, picture) for picture in pixels])
    assert found.shape == (2, DIMENSION)
    assert np.allclose(found, expected, atol=1e-4)


def test_the_encoder_folder_made_of_it_normalises_as_dlib_does(
    weights, weights_file, crops, tmp_path
):
    card = make_teacher(weights_file, tmp_path / "teacher")
    assert card.training["alignment"] == "landmarks"
    found = OnnxEncoder(tmp_path / "teacher", device="cpu", threads=1).embed(crops)
    expected = slow_forward(weights, normalised(crops)[0])
    assert np.allclose(found[0], expected, atol=1e-4)


def test_a_file_that_is_another_network_is_named_as_such(weights_file, tmp_path):
    whole = weights_file.read_bytes()
    other = tmp_path / "other.dat"
    for data, match in (
        (b"", "not dlib's face recognition network"),
        (whole[: whole.rindex(b"fc_2")], "not dlib's face recognition network"),
        (whole.replace(b"affine_", b"con_4", 1), "no affine where one is due|does not fit"),
        (whole[:-400], "goes beyond the file"),
        (b"con_4" + integer(7), "format 7"),
    ):
        other.write_bytes(data)
        with pytest.raises(BadTeacher, match=match):
            convert(other, tmp_path / "teacher.onnx")
    with pytest.raises(BadTeacher, match="is missing"):
        convert(tmp_path / "nothing.dat", tmp_path / "teacher.onnx")


def test_the_weights_of_a_package_that_is_not_there_are_asked_for(monkeypatch):
    monkeypatch.setattr(dlib_teacher, "PACKAGE", "no_such_package")
    with pytest.raises(BadTeacher, match="no_such_package is not installed"):
        packaged_weights()
