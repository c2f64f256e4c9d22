"""Export: from a run's newest weights to an encoder folder.

    run -> network -> feature map -> ONNX graph -> float16 weights -> parity check -> card

The graph computes in float32: each float16 weight is followed by a Cast, which ONNX Runtime
carries out once, when it loads the graph. That halves the file and costs nothing per face.
"""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.nn import functional

from faces.card import ENCODER_FILE, Card, InputSpec, file_sha256
from training.checkpoint import load_backbone, load_config
from training.data import TrainingData
from training.errors import ExportMismatch
from training.network import FEATURES, MEAN, STD, FaceNetwork
from training.views import plain_views
from training.whitening import FeatureMap, centring, within_person_whitening

OPSET = 18
LEAST_PARITY = 0.9999
"""Least cosine between an embedding of the graph and one of the network. Weights rounded to
float16 give about 0.99999; a wrong layer gives less than 0.99."""

HALVED_FROM = 1024
"""Weights with fewer numbers stay float32: rounding them would save nothing."""

CHECKED = 64
"""Faces in the parity check."""

TOGETHER = 256
"""Photos whose features are computed at once."""


class EncoderGraph(nn.Module):
    """What is exported: the backbone, the feature map, and unit length."""

    def __init__(self, backbone: nn.Module, feature_map: FeatureMap) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.from_numpy(feature_map.mean).float())
        # Unit length follows, so the scale is free; this one stays within the range of float16.
        matrix = feature_map.matrix / np.abs(feature_map.matrix).max()
        self.register_buffer("matrix", torch.from_numpy(matrix).float())

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings (N, 512) of unit length of normalised pixels (N, 3, S, S)."""
        return functional.normalize((self.backbone(pixels) - self.mean) @ self.matrix)


def export_run(run: Path, data: TrainingData, target: Path, *, name: str, version: str) -> Card:
    """Write the encoder folder `target` from the newest checkpoint of `run`.

    Args:
        run: folder of a training run.
        data: what it was trained on; the feature map is fitted to it.
        target: folder to be made; an encoder in it is replaced only by a sound one.
        name: of the encoder.
        version: of its weights.

    Raises:
        BadCheckpoint: the run has no sound checkpoint.
        ExportMismatch: the graph's embeddings differ from the network's.
    """
    config = load_config(run)
    network = FaceNetwork(config.projection_dim)
    epoch = load_backbone(run, network)
    spec = InputSpec(config.size_px, MEAN, STD, config.crop_margin)
    features = _features(network, data, config.size_px)
    # A run without labels stays without them, even where its photos have names.
    with_names = config.objective != "simclr"
    fitted = within_person_whitening(features, data.people) if with_names else centring(features)
    recipe: dict[str, Any] = {
        # Where the photos lay says nothing to others; what the folders are called does.
        "config": {
            **config.as_dict(),
            "sources": [Path(path).name for path in config.sources],
            "start": Path(config.start).name,
        },
        "epochs_done": epoch,
        "photos": len(data),
        "people": int(data.people.max()) + 1,
    }
    draft = Card(
        name=name,
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        input=spec,
        dimension=FEATURES,
        sha256={},
        training=recipe,
    )
    probes = _pixels(data, np.unique(np.linspace(0, len(data) - 1, CHECKED).astype(int)), spec)
    return export_network(network, fitted, probes, target, draft)


def export_network(
    network: FaceNetwork, feature_map: FeatureMap, pixels: Tensor, target: Path, draft: Card
) -> Card:
    """Write the encoder folder of a network.

    Args:
        network: its weights are read, it is left as it was.
        feature_map: from its features to embeddings.
        pixels: normalised pixels (N, 3, S, S) of some faces, for the parity check.
        target: folder to be made.
        draft: the card, but for the digests.

    Raises:
        ExportMismatch: the graph's embeddings differ from the network's.
    """
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        expected = EncoderGraph(network.backbone, feature_map)(pixels)
    graph = EncoderGraph(fuse(network.backbone), feature_map).eval()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / "encoder"
        made.mkdir()
        _write_graph(graph, draft.input.size_px, made / ENCODER_FILE)
        _check_parity(expected, pixels, made / ENCODER_FILE)
        card = replace(draft, sha256={ENCODER_FILE: file_sha256(made / ENCODER_FILE)})
        card.save(made)
        _put_in_place(made, target)
    network.train(was_training)
    return card


def _features(network: FaceNetwork, data: TrainingData, size_px: int) -> npt.NDArray[np.float32]:
    """Features (N, 512) of all photos, as the encoder will see them."""
    network.eval()
    pieces = []
    with torch.inference_mode():
        for start in range(0, len(data), TOGETHER):
            crops = torch.tensor(data.crops[start : start + TOGETHER]).permute(0, 3, 1, 2)
            pieces.append(network.features(plain_views(crops, size_px)).numpy())
    return np.concatenate(pieces)


def _pixels(data: TrainingData, rows: npt.NDArray[np.int64], spec: InputSpec) -> Tensor:
    """Normalised pixels (N, 3, S, S) of some photos."""
    crops = torch.from_numpy(data.crops[rows]).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.mean, spec.std))
    return (plain_views(crops, spec.size_px) - mean) / std


def _write_graph(graph: nn.Module, size_px: int, path: Path) -> None:
    example = torch.zeros(2, 3, size_px, size_px)
    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(
        graph,
        (example,),
        input_names=["pixels"],
        output_names=["embedding"],
        dynamic_shapes=({0: batch},),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = _halve_weights(_without_notes(program.model_proto))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _without_notes(model: onnx.ModelProto) -> onnx.ModelProto:
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


def _halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
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


def _check_parity(expected: Tensor, pixels: Tensor, path: Path) -> None:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {"pixels": pixels.numpy()})[0]
    cosines = (found * expected.numpy()).sum(axis=1)
    if not cosines.min() >= LEAST_PARITY:  # also true for NaN
        raise ExportMismatch(
            f"the graph's embeddings are off: least cosine {cosines.min():.6f}, "
            f"at least {LEAST_PARITY} is expected"
        )


def _put_in_place(made: Path, target: Path) -> None:
    """Replace the files of `target` by those of `made`; the card, put last, vouches for them."""
    target.mkdir(exist_ok=True)
    for file in sorted(made.iterdir(), key=lambda item: item.suffix == ".json"):
        partial = target / f".{file.name}.partial"
        shutil.copyfile(file, partial)
        partial.replace(target / file.name)
