"""Export: the folder that serving gets computes what training computed."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from faces.card import Card, InputSpec, load_card
from faces.encoder import OnnxEncoder
from training import export as export_module
from training.checkpoint import load_backbone, load_weights
from training.config import TrainConfig
from training.data import TrainingData, cached_size
from training.errors import BadCheckpoint, BadConfig, ExportMismatch
from training.export import export_network, export_run
from training.loop import train
from training.network import MEAN, STD, FaceNetwork, make_network
from training.teachers import plain_crops
from training.views import plain_views
from training.whitening import FeatureMap

DRAFT = Card(
    "mine",
    "3",
    "2026-11-22T10:00:00+00:00",
    InputSpec(32, MEAN, STD, 0.1),
    512,
    {},
    {"note": "test"},
)


@pytest.fixture(scope="module")
def network() -> FaceNetwork:
    torch.manual_seed(0)
    network = FaceNetwork(8)
    with torch.no_grad():  # batch norm that does something, so that folding it in can go wrong
        for _ in range(3):
            network.features(torch.rand(16, 3, 32, 32))
    return network


def pixels(count: int = 40) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def a_map() -> FeatureMap:
    random = np.random.default_rng(3)
    return FeatureMap(random.normal(size=512), np.eye(512) + random.normal(0, 0.02, (512, 512)))


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "mine"
    export_network(network, a_map(), pixels(), folder, DRAFT)
    return folder


def test_the_exported_encoder_agrees_with_the_network(network, exported):
    encoder = OnnxEncoder(exported)
    crops = np.random.default_rng(2).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)
    network.eval()
    with torch.inference_mode():
        views = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        ways = [network.features(some).numpy() for some in (views, views.flip(-1))]
    mapped = [(features - a_map().mean) @ a_map().matrix for features in ways]
    units = [some / np.linalg.norm(some, axis=1, keepdims=True) for some in mapped]
    expected = units[0] + units[1]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert (encoder.embed(crops) * expected).sum(axis=1).min() > 0.9999
    assert (encoder.card.name, encoder.card.version) == ("mine", "3")
    assert encoder.card.training == {"note": "test"}


def test_in_8_bit_integers_the_encoder_is_half_as_large_and_nearly_the_same(
    network, exported, tmp_path
):
    export_network(network, a_map(), pixels(), tmp_path / "int8", DRAFT, int8=True)
    small, whole = tmp_path / "int8" / "encoder.onnx", exported / "encoder.onnx"
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    crops = np.random.default_rng(2).integers(0, 255, (20, 32, 32, 3), dtype=np.uint8)
    cosines = (
        OnnxEncoder(tmp_path / "int8", threads=1).embed(crops)
        * OnnxEncoder(exported, threads=1).embed(crops)
    ).sum(axis=1)
    assert cosines.min() > 0.95
    kinds = {node.op_type for node in onnx.load(small).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds


def test_an_8_bit_graph_that_strays_is_refused(network, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "LEAST_PARITY_INT8", 0.99999)
    with pytest.raises(ExportMismatch, match=r"at least 0\.99999"):
        export_network(network, a_map(), pixels(), tmp_path / "int8", DRAFT, int8=True)
    assert not (tmp_path / "int8").exists()


def test_a_mirrored_crop_has_the_same_embedding(exported):
    encoder = OnnxEncoder(exported)
    crops = np.random.default_rng(3).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
    mirrored = encoder.embed(np.ascontiguousarray(crops[:, :, ::-1]))
    assert np.allclose(encoder.embed(crops), mirrored, atol=1e-4)


def test_weights_are_stored_in_half_the_bytes(exported):
    path = exported / "encoder.onnx"
    assert path.stat().st_size < 24e6
    types = {w.data_type for w in onnx.load(path).graph.initializer if np.prod(w.dims) >= 1024}
    assert types == {onnx.TensorProto.FLOAT16}


def test_no_path_of_the_machine_is_exported(exported):
    data = (exported / "encoder.onnx").read_bytes()
    for path in (Path(__file__).parents[2], Path(torch.__file__).parent, Path.home()):
        assert str(path).encode() not in data


def test_a_graph_that_computes_something_else_is_refused_and_the_old_one_kept(
    network, exported, monkeypatch
):
    before = load_card(exported)

    def spoil(model: onnx.ModelProto) -> onnx.ModelProto:
        for weight in model.graph.initializer:
            values = onnx.numpy_helper.to_array(weight)
            if values.dtype == np.float32 and values.ndim == 4:
                noise = np.random.default_rng(0).normal(0, values.std(), values.shape)
                weight.CopyFrom(
                    onnx.numpy_helper.from_array((values + noise).astype("f4"), weight.name)
                )
        return model

    monkeypatch.setattr(export_module, "halve_weights", spoil)
    with pytest.raises(ExportMismatch, match="least cosine"):
        export_network(network, a_map(), pixels(), exported, DRAFT)
    assert load_card(exported) == before


def test_a_run_is_exported_with_its_recipe(tmp_path):
    crops = np.random.default_rng(0).integers(
        0, 255, (8, cached_size(32), cached_size(32), 3), dtype=np.uint8
    )
    data = TrainingData(crops, np.repeat(np.arange(4), 2), np.zeros(8, int), {})
    config = TrainConfig(("somewhere/photos",), epochs=1, batch=4, size_px=32, threads=1)
    train(data, config, tmp_path / "run")
    card = export_run(tmp_path / "run", data, tmp_path / "out", name="mine", version="1")
    assert card == load_card(tmp_path / "out")
    assert card.input.alignment == "box"
    assert card.input.crop_margin == config.crop_margin
    assert card.training["config"]["sources"] == ["photos"]
    assert (card.training["photos"], card.training["people"]) == (8, 4)


def test_an_encoder_of_aligned_crops_takes_its_landmark_network_along(
    tmp_path, faces, tiny_network, tiny_landmarks
):
    config = TrainConfig(
        ("photos",), epochs=1, batch=4, size_px=32, threads=1, alignment="landmarks"
    )
    train(faces, config, tmp_path / "run")
    export = partial(export_run, tmp_path / "run", faces, tmp_path / "out", name="a", version="1")
    with pytest.raises(BadConfig, match="landmark network"):
        export()
    card = export(landmarks=tiny_landmarks)
    assert card == load_card(tmp_path / "out")
    assert card.input.alignment == "landmarks"
    assert set(card.sha256) == {"encoder.onnx", "landmarks.onnx"}
    assert OnnxEncoder(tmp_path / "out").landmarks is not None


def test_the_map_that_distillation_learnt_is_exported(tmp_path, faces, tiny_network):
    teacher = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)[faces.people]
    config = TrainConfig(
        ("photos",), epochs=2, batch=4, size_px=32, threads=1, objective="distill", teacher="t.npy"
    )
    run = tmp_path / "run"
    train(replace(faces, teacher=teacher), config, run)
    card = export_run(run, faces, tmp_path / "out", name="a", version="1")
    assert card.dimension == 5
    network = make_network(config)
    load_backbone(run, network)
    weights = load_weights(run)
    crops = torch.tensor(faces.crops).permute(0, 3, 1, 2)
    expected = torch.zeros(len(faces), 5)
    network.eval()
    with torch.inference_mode():
        for views in (plain_views(crops, 32), plain_views(crops, 32).flip(-1)):
            features = network.features(views)
            spread = (weights["head.running_var"] + 1e-5).sqrt()
            normed = (features - weights["head.running_mean"]) / spread
            expected += functional.normalize(normed @ weights["objective.map.weight"].T)
    inner = np.ascontiguousarray(plain_crops(faces.crops, 32))
    found = OnnxEncoder(tmp_path / "out").embed(inner)
    assert (found * functional.normalize(expected).numpy()).sum(axis=1).min() > 0.999


def test_a_run_that_lacks_the_learnt_map_is_refused(tmp_path, faces, tiny_network):
    teacher = np.ones((len(faces), 5), np.float32)
    config = TrainConfig(
        ("photos",), epochs=1, batch=4, size_px=32, threads=1, objective="distill", teacher="t.npy"
    )
    run = tmp_path / "run"
    train(replace(faces, teacher=teacher), config, run)
    weights = load_weights(run)
    del weights["objective.map.weight"]
    save_file(weights, run / "checkpoint-0001.safetensors")
    with pytest.raises(BadCheckpoint, match=r"objective\.map\.weight"):
        export_run(run, faces, tmp_path / "out", name="a", version="1")
