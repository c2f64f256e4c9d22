"""The encoder runs what its card describes, and refuses everything else."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from faces.card import ENCODER_FILE, file_sha256, load_card
from faces.encoder import OnnxEncoder
from faces.errors import BadCard, DeviceUnavailable
from faces.types import Crops


@pytest.fixture
def crops() -> Crops:
    return np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)


def by_hand(folder: Path, crops: Crops) -> np.ndarray:
    """The tiny encoder step by step: normalise, average 4 x 4 px cells, project, unit length."""
    model = onnx.load(folder / ENCODER_FILE)
    weights = numpy_helper.to_array(model.graph.initializer[0])
    spec = load_card(folder).input
    rows = []
    for crop in crops:
        pixels = (crop / 255 - np.array(spec.mean)) / np.array(spec.std)
        cells = pixels.transpose(2, 0, 1).reshape(3, 16, 4, 16, 4).mean(axis=(2, 4))
        projected = cells.ravel() @ weights
        rows.append(projected / np.linalg.norm(projected))
    return np.array(rows)


def test_embeddings_are_what_the_graph_says_worked_out_by_hand(
    tiny_encoder: Path, crops: Crops
) -> None:
    encoder = OnnxEncoder(tiny_encoder, device="cpu")
    embeddings = encoder.embed(crops)
    assert embeddings.shape == (5, encoder.dimension) == (5, 64)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(embeddings, by_hand(tiny_encoder, crops), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_the_batch_size_changes_nothing(tiny_encoder: Path, crops: Crops, batch: int) -> None:
    expected = OnnxEncoder(tiny_encoder, device="cpu").embed(crops)
    encoder = OnnxEncoder(tiny_encoder, device="cpu", threads=1, batch=batch)
    np.testing.assert_allclose(encoder.embed(crops), expected, atol=1e-6)


def test_no_crops_give_no_embeddings(tiny_encoder: Path) -> None:
    empty = np.empty((0, 64, 64, 3), np.uint8)
    assert OnnxEncoder(tiny_encoder, device="cpu").embed(empty).shape == (0, 64)


@pytest.mark.parametrize("shape", [(1, 32, 32, 3), (1, 64, 64), (64, 64, 3), (1, 3, 64, 64)])
def test_crops_of_another_shape_are_refused(tiny_encoder: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="64, 64, 3"):
        OnnxEncoder(tiny_encoder, device="cpu").embed(np.zeros(shape, np.uint8))


def test_crops_of_another_type_are_refused(tiny_encoder: Path, crops: Crops) -> None:
    with pytest.raises(ValueError, match="uint8"):
        OnnxEncoder(tiny_encoder, device="cpu").embed(crops.astype(np.float32))  # type: ignore[arg-type]


def test_encoders_of_different_seeds_have_different_contracts(
    tiny_encoder: Path, make_encoder: Callable[[int], Path]
) -> None:
    assert load_card(tiny_encoder).contract_hash != load_card(make_encoder(7)).contract_hash


def test_an_unknown_device_is_refused(tiny_encoder: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="'tpu' is unknown"):
        OnnxEncoder(tiny_encoder, device="tpu")


def test_a_device_asked_for_by_name_and_absent_is_an_error(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceUnavailable, match="no CUDA"):
        OnnxEncoder(tiny_encoder, device="cuda")
    assert OnnxEncoder(tiny_encoder, device="auto").device == "cpu"


def test_cuda_that_cannot_be_started_is_an_error_and_no_silent_fallback(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine may have CUDA")
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    start = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda path, sess_options, providers: start(path, sess_options, ["CPUExecutionProvider"]),
    )
    with pytest.raises(DeviceUnavailable, match="cannot be started"):
        OnnxEncoder(tiny_encoder, device="cuda")
    assert OnnxEncoder(tiny_encoder, device="auto").device == "cpu"


def test_a_graph_that_cannot_be_loaded_is_a_bad_card(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    (folder / ENCODER_FILE).write_bytes(b"no graph")
    digest = file_sha256(folder / ENCODER_FILE)
    replace(load_card(tiny_encoder), sha256={ENCODER_FILE: digest}).save(folder)
    with pytest.raises(BadCard, match="cannot be loaded"):
        OnnxEncoder(folder, device="cpu")
