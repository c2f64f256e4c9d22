"""The loop: it learns, it goes on where it stopped, it says when it cannot."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from training import loop
from training.checkpoint import latest_epoch, load_config, load_weights
from training.config import TrainConfig
from training.data import TrainingData, cached_size
from training.errors import BadCheckpoint, BadConfig, BadTrainingData, Diverged
from training.network import FaceNetwork

CONFIG = TrainConfig(
    ("photos",), "same-person", epochs=2, batch=4, size_px=32, projection_dim=8, threads=1
)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Four people, each with a colour and three noisy photos."""
    random = np.random.default_rng(0)
    colours = random.integers(0, 255, (4, 1, 1, 1, 3))
    noise = random.integers(-20, 20, (4, 3, cached_size(32), cached_size(32), 3))
    crops = np.clip(colours + noise, 0, 255).astype(np.uint8).reshape(12, *noise.shape[2:])
    return TrainingData(crops, np.repeat(np.arange(4), 3), np.repeat([0, 1], 6), {})


def weights(network: FaceNetwork) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_a_run_leaves_its_settings_its_weights_and_a_log(data, tmp_path):
    loop.train(data, CONFIG, tmp_path / "run")
    assert load_config(tmp_path / "run") == CONFIG
    assert latest_epoch(tmp_path / "run") == 2
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log] == [1, 2]
    assert all(entry["images_per_s"] > 0 and entry["loss"] > 0 for entry in log)


def test_a_run_that_goes_on_ends_where_an_uninterrupted_one_does(data, tmp_path):
    whole = weights(loop.train(data, CONFIG, tmp_path / "whole"))

    def stop_in_epoch_2(progress: loop.Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.train(data, CONFIG, tmp_path / "parts", on_progress=stop_in_epoch_2)
    assert latest_epoch(tmp_path / "parts") == 1
    parts = weights(loop.train(data, CONFIG, tmp_path / "parts"))
    for name, value in whole.items():
        assert torch.equal(parts[name], value), name


@pytest.mark.slow
def test_training_lowers_the_loss(data, tmp_path):
    losses: dict[int, float] = {}
    loop.train(
        data,
        replace(CONFIG, epochs=12, checkpoint_every=12, learning_rate=3e-3),
        tmp_path / "run",
        on_progress=lambda progress: losses.__setitem__(progress.epoch, progress.loss),
    )
    assert losses[12] < 0.8 * losses[1]


@pytest.mark.slow
def test_a_run_can_start_from_the_weights_of_another(data, tmp_path):
    loop.train(data, CONFIG, tmp_path / "first")
    first = FaceNetwork(8)
    load_weights(tmp_path / "first", first)
    # Another objective may want a head of another width: only the backbone is taken over.
    slow = replace(
        CONFIG,
        epochs=1,
        learning_rate=1e-9,
        weight_decay=0.0,
        projection_dim=6,
        start=str(tmp_path / "first"),
    )
    second = loop.train(data, slow, tmp_path / "second")
    expected = dict(first.backbone.named_parameters())
    for name, value in second.backbone.named_parameters():
        assert torch.allclose(value, expected[name], atol=1e-5), name


def test_imagenet_weights_are_loaded_where_they_can_be_had(monkeypatch, tmp_path, data):
    given = FaceNetwork(8).backbone.state_dict() | {"fc.weight": torch.zeros(1)}
    monkeypatch.setattr(
        "training.network.ResNet18_Weights.get_state_dict", lambda *_args, **_kwargs: given
    )
    slow = replace(CONFIG, epochs=1, learning_rate=1e-9, weight_decay=0.0, start="imagenet")
    network = loop.train(data, slow, tmp_path / "run")
    assert torch.allclose(network.backbone.conv1.weight, given["conv1.weight"], atol=1e-5)


def test_without_a_connection_imagenet_weights_are_done_without_and_that_is_said(
    monkeypatch, tmp_path, data, caplog
):
    def refuse(*_args, **_kwargs):
        raise OSError("no connection")

    monkeypatch.setattr("training.network.ResNet18_Weights.get_state_dict", refuse)
    loop.train(data, replace(CONFIG, epochs=1, start="imagenet"), tmp_path / "run")
    assert "starting from random" in caplog.text
    assert latest_epoch(tmp_path / "run") == 1


def test_other_settings_in_the_same_folder_are_refused(data, tmp_path):
    loop.train(data, replace(CONFIG, epochs=1), tmp_path / "run")
    with pytest.raises(BadConfig, match="other settings"):
        loop.train(data, replace(CONFIG, temperature=0.5), tmp_path / "run")


def test_cosface_learns_a_prototype_of_each_person(data, tmp_path):
    config = replace(CONFIG, objective="cosface", epochs=1)
    network = loop.train(data, config, tmp_path / "run")
    assert network.prototypes is not None
    assert network.prototypes.shape == (4, 512)
    whole = weights(loop.train(data, replace(config, epochs=2), tmp_path / "run"))
    assert not torch.equal(whole["prototypes"], network.prototypes)


def test_cosface_without_names_is_an_error(data, tmp_path):
    unnamed = TrainingData(data.crops, np.full(12, -1), data.sources, {})
    with pytest.raises(
        BadTrainingData, match="needs photos of 2 named people or more; there are 0"
    ):
        loop.train(unnamed, replace(CONFIG, objective="cosface"), tmp_path / "run")


def test_too_few_photos_for_a_batch_are_an_error(data, tmp_path):
    with pytest.raises(BadTrainingData, match="12 photos are less than one batch of 64"):
        loop.train(data, replace(CONFIG, batch=64), tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_the_run(monkeypatch, data, tmp_path):
    monkeypatch.setattr(loop, "nt_xent", lambda p, *_: p.sum() * float("nan"))
    with pytest.raises(Diverged, match="epoch 1, step 1"):
        loop.train(data, CONFIG, tmp_path / "run")
    assert latest_epoch(tmp_path / "run") == 0


def test_damaged_and_missing_checkpoints_are_named(data, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(BadCheckpoint, match="not a training run"):
        load_config(run)
    with pytest.raises(BadCheckpoint, match="has no checkpoint yet"):
        loop.train(data, replace(CONFIG, start=str(run)), tmp_path / "other")
    assert not (tmp_path / "other").exists()  # nothing in the way of another try
    loop.train(data, replace(CONFIG, epochs=1), run)
    with pytest.raises(BadCheckpoint, match="another network"):
        load_weights(run, FaceNetwork(16))
    (run / "checkpoint-0001.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        load_weights(run, FaceNetwork(8))
    (run / "config.json").write_text("{}")
    with pytest.raises(BadCheckpoint, match="malformed"):
        load_config(run)
