"""Export: the folder that serving gets computes what training computed."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from faces.card import Card, InputSpec, load_card
from faces.encoder import OnnxEncoder
from training import export as export_module
from training.config import TrainConfig
from training.data import TrainingData, cached_size
from training.errors import ExportMismatch
from training.export import export_network, export_run
from training.loop import train
from training.network import MEAN, STD, FaceNetwork
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
        features = network.features(views).numpy()
    expected = (features - a_map().mean) @ a_map().matrix
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert (encoder.embed(crops) * expected).sum(axis=1).min() > 0.9999
    assert (encoder.card.name, encoder.card.version) == ("mine", "3")
    assert encoder.card.training == {"note": "test"}


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

    monkeypatch.setattr(export_module, "_halve_weights", spoil)
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
    assert card.input.crop_margin == config.crop_margin
    assert card.training["config"]["sources"] == ["photos"]
    assert (card.training["photos"], card.training["people"]) == (8, 4)
