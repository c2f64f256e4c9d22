"""ONNX graphs as they are shipped: without the exporter's notes, large weights as float16."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

HALVED_FROM = 1024
"""Weights with fewer numbers stay float32: rounding them would save nothing."""


def without_notes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` without the exporter's notes, which hold paths of the machine it ran on."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    for part in (
        result,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.value_info,
        *graph.input,
        *graph.output,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return result


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` with large weights stored as float16, each followed by a Cast."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts = []
    for weight in result.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < HALVED_FROM:
            continue
        name, halved = weight.name, f"{weight.name}_float16"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), halved))
        casts.append(helper.make_node("Cast", [halved], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result
