"""Export: from a run's newest weights to an encoder folder.

    run -> network -> feature map -> ONNX graph -> float16 weights -> parity check -> card

The graph computes in float32: each float16 weight is followed by a Cast, which ONNX Runtime
carries out once, when it loads the graph. That halves the file and costs nothing per face.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.nn import functional

from faces.card import ENCODER_FILE, LANDMARKS_FILE, Card, InputSpec, file_sha256
from training.checkpoint import (
    CONFIG_FILE,
    OBJECTIVE,
    load_backbone,
    load_config,
    load_weights,
)
from training.config import TrainConfig
from training.data import UNLABELLED, TrainingData
from training.errors import BadCheckpoint, BadConfig, ExportMismatch
from training.model_card import write_model_card
from training.network import MEAN, STD, FaceNetwork, make_network
from training.objectives import OBJECTIVES
from training.onnx_graph import halve_weights, without_notes
from training.quantise import quantise
from training.views import plain_views
from training.whitening import FeatureMap, component_whitening, within_person_whitening

OPSET = 18
LEAST_PARITY = 0.9999
"""Least cosine between an embedding of the graph and one of the network. Weights rounded to
float16 give about 0.99999; a wrong layer gives less than 0.99."""

LEAST_PARITY_INT8 = 0.98
"""The same in 8-bit integers: on photos_dev the tuned encoder has 0.9976 at least, 0.9992 in the
median."""

QUANTISED_BY = 512
"""Faces that set the ranges of an 8-bit graph."""

CHECKED = 64
"""Faces in the parity check."""

TOGETHER = 256
"""Photos whose features are computed at once."""


class EncoderGraph(nn.Module):
    """What is exported: the backbone, the feature map, unit length, and the mirror image as well.

    A crop and its mirror image are embedded and added up: that is twice the work, and 1 to 3 points
    of accuracy on pairs (docs/training-log.md).
    """

    mean: Tensor
    matrix: Tensor
    centre: Tensor

    def __init__(self, backbone: nn.Module, feature_map: FeatureMap) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.from_numpy(feature_map.mean).float())
        # Unit length follows, so the scale is free; this one stays within the range of float16.
        matrix = feature_map.matrix / np.abs(feature_map.matrix).max()
        self.register_buffer("matrix", torch.from_numpy(matrix).float())
        self.register_buffer("centre", torch.as_tensor(feature_map.centre).float())

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings (N, D) of unit length of normalised pixels (N, 3, S, S)."""
        return functional.normalize(self._one_way(pixels) + self._one_way(pixels.flip(-1)))

    def _one_way(self, pixels: Tensor) -> Tensor:
        mapped = functional.normalize((self.backbone(pixels) - self.mean) @ self.matrix)
        return functional.normalize(mapped - self.centre)


def export_run(
    run: Path,
    data: TrainingData,
    target: Path,
    *,
    name: str,
    version: str,
    landmarks: Path | None = None,
    int8: bool = False,
) -> Card:
    """Write the encoder folder `target` from the newest checkpoint of `run`.

    Args:
        run: folder of a training run.
        data: what it was trained on; the feature map is fitted to it, unless the objective learnt
            one.
        target: folder to be made; an encoder in it is replaced only by a sound one.
        name: of the encoder.
        version: of its weights.
        landmarks: a landmark network to go with it (`lookalike landmarks train`).
        int8: compute in 8-bit integers, which is faster on CPUs.

    Raises:
        BadConfig: the run's crops are aligned by landmarks, but no landmark network is given.
        BadCheckpoint: the run has no sound checkpoint.
        ExportMismatch: the graph's embeddings differ from the network's.
    """
    config = load_config(run)
    if config.alignment == "landmarks" and landmarks is None:
        raise BadConfig(
            "alignment = 'landmarks': an encoder of such crops needs a landmark network beside it"
        )
    network = make_network(config)
    epoch = load_backbone(run, network)
    spec = InputSpec(config.size_px, MEAN, STD, config.crop_margin, alignment=config.alignment)
    kind = OBJECTIVES[config.objective]
    # A run without labels stays without them, even where its photos have names.
    with_names = kind.uses_labels
    if kind.learns_map and isinstance(network.head, nn.BatchNorm1d):
        fitted = _learnt_map(load_weights(run), network.head.eps)
    elif with_names:
        fitted = within_person_whitening(_features(network, data, config.size_px), data.people)
    else:
        fitted = component_whitening(_features(network, data, config.size_px))
    recipe: dict[str, Any] = {
        "history": [_told(earlier) for earlier in _history(config)],
        "config": _told(config),
        "epochs_done": epoch,
        "photos": len(data),
        "people": int(data.people.max()) + 1,
        "sources": _sources(config, data, with_names=with_names),
        **({"int8": True} if int8 else {}),
    }
    draft = Card(
        name=name,
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        input=spec,
        dimension=fitted.matrix.shape[1],
        sha256={},
        training=recipe,
    )
    count = QUANTISED_BY if int8 else CHECKED
    probes = _pixels(data, np.unique(np.linspace(0, len(data) - 1, count).astype(int)), spec)
    return export_network(network, fitted, probes, target, draft, landmarks, int8=int8)


def export_network(
    network: FaceNetwork,
    feature_map: FeatureMap,
    pixels: Tensor,
    target: Path,
    draft: Card,
    landmarks: Path | None = None,
    *,
    int8: bool = False,
) -> Card:
    """Write the encoder folder of a network.

    Args:
        network: its weights are read, it is left as it was.
        feature_map: from its features to embeddings.
        pixels: normalised pixels (N, 3, S, S) of some faces, for the parity check, and for the
            ranges of an 8-bit graph.
        target: folder to be made.
        draft: the card, but for the digests.
        landmarks: a landmark network that goes into the folder too.
        int8: compute in 8-bit integers.

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
        _check_parity(expected, pixels, made / ENCODER_FILE, LEAST_PARITY)
        if int8:
            quantise(made / ENCODER_FILE, pixels.numpy(), made / ENCODER_FILE)
            _check_parity(expected, pixels, made / ENCODER_FILE, LEAST_PARITY_INT8)
        if landmarks is not None:
            shutil.copyfile(landmarks, made / LANDMARKS_FILE)
        digests = {file.name: file_sha256(file) for file in sorted(made.iterdir())}
        card = replace(draft, sha256=digests)
        card.save(made)
        write_model_card(made)
        _put_in_place(made, target)
    network.train(was_training)
    return card


def _told(config: TrainConfig) -> dict[str, Any]:
    """Settings for the card: where files lay says nothing to others, what they are called does."""
    return {
        **config.as_dict(),
        "sources": [Path(path).name for path in config.sources],
        "start": Path(config.start).name,
        "teacher": Path(config.teacher).name,
    }


def _history(config: TrainConfig) -> list[TrainConfig]:
    """Settings of the runs that led to a run, the earliest first, as far as they are there."""
    start = Path(config.start)
    if config.start in {"random", "imagenet"} or not (start / CONFIG_FILE).is_file():
        return []
    earlier = load_config(start)
    return [*_history(earlier), earlier]


def _sources(
    config: TrainConfig, data: TrainingData, *, with_names: bool
) -> list[dict[str, str | int]]:
    """Photos and people of each source; no people where names were not used."""
    counts: list[dict[str, str | int]] = []
    for number, path in enumerate(config.sources):
        own = data.people[data.sources == number]
        people = len(np.unique(own[own != UNLABELLED])) if with_names else 0
        counts.append({"name": Path(path).name, "photos": len(own), "people": people})
    return counts


def _learnt_map(weights: Mapping[str, Tensor], eps: float) -> FeatureMap:
    """The map that the objective learnt, together with the batch norm (the head) before it."""
    try:
        mean, variance, matrix = (
            weights[name].double().numpy()
            for name in ("head.running_mean", "head.running_var", f"{OBJECTIVE}map.weight")
        )
    except KeyError as error:
        raise BadCheckpoint(f"the weights have no {error}, which export needs") from None
    return FeatureMap(mean, (matrix / np.sqrt(variance + eps)).T)


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
    model = halve_weights(without_notes(program.model_proto))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _check_parity(expected: Tensor, pixels: Tensor, path: Path, least: float) -> None:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {"pixels": pixels.numpy()})[0]
    cosines = (found * expected.numpy()).sum(axis=1)
    if not cosines.min() >= least:  # also true for NaN
        raise ExportMismatch(
            f"the graph's embeddings are off: least cosine {cosines.min():.6f}, "
            f"at least {least} is expected"
        )


def _put_in_place(made: Path, target: Path) -> None:
    """Replace the files of `target` by those of `made`; the card, put last, vouches for them."""
    target.mkdir(exist_ok=True)
    for file in sorted(made.iterdir(), key=lambda item: item.suffix == ".json"):
        partial = target / f".{file.name}.partial"
        shutil.copyfile(file, partial)
        partial.replace(target / file.name)
