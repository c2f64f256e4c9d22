"""Export: a trained landmark network as `landmarks.onnx`, which `faces.landmarks` runs.

    network -> graph with a score instead of a logit -> float16 weights -> metadata -> parity check

The metadata hold what serving must know (the margin) and what a reader should: the settings of the
training, and that its labels are machine-made.
"""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from faces.card import LANDMARKS_FILE, Card, file_sha256, load_card
from faces.landmarks import MARGIN_KEY, LandmarkNetwork
from training.errors import ExportMismatch
from training.export import OPSET
from training.landmarks.config import LandmarkConfig
from training.landmarks.network import MARGIN, SIZE_PX, LandmarkNet
from training.onnx_graph import halve_weights, without_notes

MOST_BYTES = 1_000_000
MOST_DIFFERENCE = 0.003
"""Between graph and network: of a point in shares of the square's side (a sixth of a pixel), and of
a score. Weights rounded to float16 give a tenth of it."""

LABELS = "boxes and landmarks made by MTCNN, not by people"
CHECKED = 64


class LandmarkGraph(nn.Module):
    """What is exported."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Points (N, 5, 2) and scores (N,) of squares (N, 1, S, S)."""
        points, logits = self.network(squares)
        return points, logits.sigmoid()


def export_landmarks(
    network: LandmarkNet, config: LandmarkConfig, views: npt.NDArray[np.float32], target: Path
) -> None:
    """Write `target`, a .onnx file.

    Args:
        network: in evaluation mode; left as it was.
        config: goes into the metadata; where the photos lay does not.
        views: float32 (N, 1, S, S), range 0-1, for the parity check.
        target: the file; an older one is replaced only by a sound one.

    Raises:
        ExportMismatch: the graph computes something else, or is too large.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        onnx.save(_graph(network, config), made)
        _check(network, views[:CHECKED], made)
        made.replace(target)


def add_to_encoder(landmarks: Path, encoder: Path) -> Card:
    """Copy a landmark network into an encoder folder, and name it in the card.

    Raises:
        BadCard: `landmarks` is no landmark network, or `encoder` no encoder folder.
    """
    LandmarkNetwork(landmarks)
    card = load_card(encoder)
    partial = encoder / f".{LANDMARKS_FILE}.partial"
    shutil.copyfile(landmarks, partial)
    digest = file_sha256(partial)
    partial.replace(encoder / LANDMARKS_FILE)
    card = replace(card, sha256={**card.sha256, LANDMARKS_FILE: digest})
    card.save(encoder)
    return card


def _graph(network: LandmarkNet, config: LandmarkConfig) -> onnx.ModelProto:
    program = torch.onnx.export(
        LandmarkGraph(fuse(network)).eval(),
        (torch.zeros(2, 1, SIZE_PX, SIZE_PX),),
        input_names=["squares"],
        output_names=["points", "score"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = halve_weights(without_notes(program.model_proto))
    settings = {**config.as_dict(), "sources": [Path(path).name for path in config.sources]}
    helper.set_model_props(
        model, {MARGIN_KEY: str(MARGIN), "training": json.dumps(settings), "labels": LABELS}
    )
    onnx.checker.check_model(model)
    return model


def _check(network: LandmarkNet, views: npt.NDArray[np.float32], path: Path) -> None:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ExportMismatch(f"the graph has {size} bytes, {MOST_BYTES} at most are allowed")
    with torch.inference_mode():
        expected = LandmarkGraph(network)(torch.from_numpy(views))
    found = LandmarkNetwork(path).run(views)
    worst = max(
        float(np.abs(one - other.numpy()).max()) for one, other in zip(found, expected, strict=True)
    )
    if not worst <= MOST_DIFFERENCE:  # also true for NaN
        raise ExportMismatch(
            f"the graph is off by {worst:.4f}, at most {MOST_DIFFERENCE} is expected"
        )
