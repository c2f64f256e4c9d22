"""A teacher from elsewhere: dlib's face recognition network as an ONNX graph.

    dlib_face_recognition_resnet_model_v1.dat -> layers -> encoder.onnx + card.json

The weights are Davis King's, placed in the public domain (CC0); the PyPI package
`face_recognition_models` carries them. Run by ONNX Runtime they take a tenth of the time that dlib
takes on a CPU. The network is that of dlib's example dnn_face_recognition_ex.cpp: a ResNet of 29
convolutions over crops of 150 px. It only ever teaches; serving never sees it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from faces.card import ENCODER_FILE, Card, InputSpec, file_sha256
from training.errors import BadTeacher

_Attribute: TypeAlias = int | list[int]
Floats = npt.NDArray[np.float32]

SIZE_PX = 150
DIMENSION = 128
OPSET = 18

PACKAGE = "face_recognition_models"
WEIGHTS_FILE = "dlib_face_recognition_resnet_model_v1.dat"

CHIP_MARGIN = 0.0556
"""Added around `faces.alignment.TEMPLATE`, eyes are as far apart as in dlib's chips: 0.363 of the
side, the median over 1,000 faces of ../shared/faces."""

# dlib's input layer takes these off red, green and blue, and divides by 256.
MEAN = (122.782, 117.001, 104.298)
DIVISOR = 256.0

LAYERS = {b"con_4": "convolution", b"affine_": "affine", b"avg_pool_2": "pool", b"fc_2": "matrix"}


@dataclass(frozen=True, slots=True)
class _Layer:
    kind: str
    numbers: Floats


def make_teacher(weights: Path, folder: Path) -> Card:
    """Make an encoder folder of dlib's network, as training.teachers takes one.

    Its crops are `faces.alignment.align_face`'s with a little more around them, so that landmarks
    lie as in dlib's chips of 150 px.

    Args:
        weights: dlib's .dat file.
        folder: the folder to make.

    Raises:
        BadTeacher: the file is not that network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    convert(weights, folder / ENCODER_FILE)
    red, green, blue = (value / 255 for value in MEAN)
    deviation = DIVISOR / 255
    card = Card(
        name="dlib-face-recognition",
        version="1",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        input=InputSpec(SIZE_PX, (red, green, blue), (deviation,) * 3, crop_margin=CHIP_MARGIN),
        dimension=DIMENSION,
        sha256={ENCODER_FILE: file_sha256(folder / ENCODER_FILE)},
        training={
            "weights": "dlib_face_recognition_resnet_model_v1, Davis King, CC0",
            "alignment": "landmarks",  # see training.teachers
        },
    )
    card.save(folder)
    return card


def packaged_weights() -> Path:
    """The weights as the PyPI package `face_recognition_models` carries them.

    The package is not imported: its code needs parts of setuptools that are gone.

    Raises:
        BadTeacher: the package is not installed.
    """
    package = find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise BadTeacher(f"no weights are named, and the package {PACKAGE} is not installed")
    return Path(package.submodule_search_locations[0]) / "models" / WEIGHTS_FILE


def convert(weights: Path, graph: Path) -> None:
    """Write dlib's network as an ONNX graph.

    The graph takes float32 (N, 3, 150, 150), red first, less `MEAN` and divided by `DIVISOR`, and
    returns float32 (N, 128) of unit length.

    Args:
        weights: dlib's .dat file.
        graph: the .onnx file to write.

    Raises:
        BadTeacher: the file is not that network.
    """
    try:
        layers = list(_layers(weights.read_bytes()))
    except FileNotFoundError:
        raise BadTeacher(f"{weights} is missing") from None
    builder = _Builder(layers)
    builder.stem()
    # Whether a residual block halves the picture shows in the file: such a block has a pool.
    while builder.blocks_left():
        builder.block()
    onnx.save(builder.finish(), graph)


def _layers(data: bytes) -> Iterator[_Layer]:
    """The layers with numbers in them, and the pools, in the order of computation."""
    place = 0
    while True:
        found = [(at, name) for name in LAYERS if (at := data.find(name, place)) >= 0]
        if not found:
            return
        at, name = min(found)
        place = at + len(name)
        numbers = np.empty(0, np.float32)
        if LAYERS[name] == "matrix":
            for _ in range(2):  # its width and height, which the tensor tells again
                _, place = _integer(data, place)
        if LAYERS[name] != "pool":
            numbers, place = _tensor(data, place)
        yield _Layer(LAYERS[name], numbers)


def _tensor(data: bytes, place: int) -> tuple[Floats, int]:
    """A tensor as dlib stores it: format 2, four lengths, little-endian floats."""
    version, place = _integer(data, place)
    if version != 2:
        raise BadTeacher(f"a tensor of format {version} at byte {place}; expected format 2")
    count = 1
    for _ in range(4):
        length, place = _integer(data, place)
        count *= length
    if place + 4 * count > len(data):
        raise BadTeacher(f"a tensor of {count} numbers at byte {place} goes beyond the file")
    return np.frombuffer(data, "<f4", count, place).astype(np.float32), place + 4 * count


def _integer(data: bytes, place: int) -> tuple[int, int]:
    """An integer as dlib stores it: one byte for sign and length, then the bytes, lowest first."""
    control = data[place]
    length = control & 0x0F
    value = int.from_bytes(data[place + 1 : place + 1 + length], "little")
    return (-value if control & 0x80 else value), place + 1 + length


class _Builder:
    """Adds layer after layer to a graph; `self._x` is the name of the newest result."""

    def __init__(self, layers: list[_Layer]) -> None:
        self._layers = layers
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._x, self._channels = "pixels", 3

    def stem(self) -> None:
        """7 x 7 convolution of stride 2, ReLU, pool of 3."""
        self._convolve(kernel=7, stride=2)
        self._add("Relu")
        self._add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])

    def blocks_left(self) -> bool:
        return len(self._layers) > 2 or (
            bool(self._layers) and self._layers[0].kind == "convolution"
        )

    def block(self) -> None:
        """Two convolutions beside a way around them, then ReLU."""
        shortcut, channels = self._x, self._channels
        halves = len(self._layers) > 4 and self._layers[4].kind == "pool"
        self._convolve(kernel=3, stride=2 if halves else 1)
        self._add("Relu")
        self._convolve(kernel=3, stride=1)
        if halves:
            self._take("pool")
            result, self._x = self._x, shortcut
            self._add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
            shortcut = self._x
            self._x = self._sum_of_unlike(result, shortcut, self._channels - channels)
        else:
            self._x = self._node("Add", [self._x, shortcut])
        self._add("Relu")

    def finish(self) -> onnx.ModelProto:
        """Average over the picture, multiply by the last matrix, scale to unit length."""
        if [layer.kind for layer in self._layers] != ["pool", "matrix"]:
            raise BadTeacher("not dlib's face recognition network: it ends in other layers")
        self._take("pool")
        self._add("GlobalAveragePool")
        self._add("Flatten")
        matrix = self._take("matrix").reshape(self._channels, -1)
        self._x = self._node("MatMul", [self._x, self._weight(matrix)])
        self._add("LpNormalization", axis=-1, p=2)
        inputs = [_info("pixels", ["N", 3, SIZE_PX, SIZE_PX])]
        outputs = [_info(self._x, ["N", DIMENSION])]
        graph = helper.make_graph(self._nodes, "teacher", inputs, outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 10
        onnx.checker.check_model(model, full_check=True)
        return model

    def _convolve(self, *, kernel: int, stride: int) -> None:
        """A convolution and the affine layer after it, as one convolution."""
        numbers = self._take("convolution")
        scale, shift = np.split(self._take("affine"), 2)
        per_filter = self._channels * kernel * kernel
        filters = len(numbers) // (per_filter + 1)
        if len(numbers) != filters * (per_filter + 1) or filters != len(scale):
            raise BadTeacher(f"a convolution of {len(numbers)} numbers does not fit its place")
        weight = numbers[:-filters].reshape(filters, self._channels, kernel, kernel)
        bias = numbers[-filters:] * scale + shift
        names = [self._x, self._weight(weight * scale[:, None, None, None]), self._weight(bias)]
        # dlib pads by half a kernel, but not where it strides.
        pads = [0 if stride > 1 else kernel // 2] * 4
        self._x = self._node(
            "Conv", names, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads
        )
        self._channels = filters

    def _sum_of_unlike(self, result: str, shortcut: str, more_channels: int) -> str:
        """Add two pictures of unlike shape, as dlib does: what one lacks counts as 0.

        The convolution's result can be a row and a column smaller, and has more channels.
        """
        difference = self._node(
            "Sub", [self._node("Shape", [shortcut]), self._node("Shape", [result])]
        )
        none = self._weight(np.zeros(4, np.int64))
        rows = self._node("Mul", [difference, self._weight(np.array([0, 0, 1, 1], np.int64))])
        before_and_after = self._node("Concat", [none, rows], axis=0)
        padded = self._node("Pad", [result, before_and_after])
        wide = np.array([0] * 5 + [more_channels, 0, 0], np.int64)
        return self._node("Add", [padded, self._node("Pad", [shortcut, self._weight(wide)])])

    def _take(self, kind: str) -> Floats:
        if not self._layers or self._layers[0].kind != kind:
            raise BadTeacher(f"not dlib's face recognition network: no {kind} where one is due")
        return self._layers.pop(0).numbers

    def _add(self, operator: str, **attributes: _Attribute) -> None:
        self._x = self._node(operator, [self._x], **attributes)

    def _node(self, operator: str, inputs: list[str], **attributes: _Attribute) -> str:
        name = f"x{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))  # type: ignore[arg-type]  # onnx types its own keywords only
        return name

    def _weight(self, values: npt.NDArray[np.generic]) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _info(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
