"""8-bit encoders: a graph whose weights and activations are integers, by ONNX Runtime's own tools.

    graph (float16 weights) -> float32 -> what activations reach on some crops -> int8 graph

On CPUs it is about twice as fast (benchmarks/results/int8.json). Measuring the activations as they
come ("dynamic") would need no crops, but is slower than floats here.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.onnx_graph import without_notes

Floats = npt.NDArray[np.float32]

TOGETHER = 64
"""Crops that pass the graph at once while activations are measured."""


def quantise(graph: Path, pixels: Floats, target: Path) -> None:
    """Write the 8-bit form of an encoder's graph.

    Args:
        graph: `encoder.onnx` with input "pixels".
        pixels: float32 (N, 3, S, S), normalised: crops of faces, by which the ranges of all
            activations are set.
        target: the file to be written; it may be `graph`.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        whole, small = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        in_float32(graph, whole)
        quantize_static(
            whole,
            small,
            _Pieces(pixels),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # 7 bits of weights: two products of 8 x 8 bits overflow 16 on CPUs without VNNI
            reduce_range=True,
        )
        model = without_notes(onnx.load(small))
        onnx.checker.check_model(model)
        onnx.save(model, target)


def in_float32(graph: Path, target: Path) -> None:
    """Write the graph with float32 weights: the tools do not look behind the casts of float16."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    quant_pre_process(target, target, skip_symbolic_shape=True)


class _Pieces(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Crops, some at a time, as ONNX Runtime asks for them."""

    def __init__(self, pixels: Floats) -> None:
        starts = range(0, len(pixels), TOGETHER)
        self._pieces: Iterator[Floats] = (pixels[at : at + TOGETHER] for at in starts)

    def get_next(self) -> dict[str, Floats] | None:
        """The next ones, or None at the end."""
        piece = next(self._pieces, None)
        return None if piece is None else {"pixels": piece}
