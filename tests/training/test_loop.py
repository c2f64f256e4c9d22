"""The loop: it learns, it goes on where it stopped, it says when it cannot."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from training import loop
from training.checkpoint import epochs, latest_epoch, load_backbone, load_config, load_weights
from training.config import TrainConfig
from training.data import TrainingData
from training.errors import BadCheckpoint, BadConfig, BadTrainingData, Diverged
from training.network import FaceNetwork, Network
from training.objectives.contrastive import NtXent
from training.parts import Own

CONFIG = TrainConfig(
    ("photos",),
    objective="same-person",
    epochs=2,
    batch=4,
    size_px=32,
    projection_dim=8,
    threads=1,
    device="cpu",
    tensorboard=False,
)

pytestmark = pytest.mark.usefixtures("tiny_network")


def weights(network: FaceNetwork) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same(found: FaceNetwork, expected: dict[str, torch.Tensor]) -> None:
    for name, value in found.state_dict().items():
        assert torch.equal(value, expected[name]), name


def log_of(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def interrupt_at(epoch: int, step: int):
    """Press Ctrl-C after that step."""

    def press(progress: loop.Progress) -> None:
        if (progress.epoch, progress.step) == (epoch, step):
            signal.raise_signal(signal.SIGINT)

    return press


def test_a_run_leaves_its_settings_its_weights_and_a_log(faces, tmp_path):
    run = tmp_path / "run"
    loop.train(faces, CONFIG, run, validation=faces)
    assert load_config(run) == CONFIG
    assert latest_epoch(run) == 2
    log = log_of(run)
    assert [entry["epoch"] for entry in log] == [1, 2]
    assert all(entry["images_per_s"] > 0 and entry["loss"] > 0 for entry in log)
    assert all(0 <= entry["alignment"] <= 4 and entry["uniformity"] < 0 for entry in log)
    assert [entry["knn"] is None for entry in log] == [True, False]  # after the last epoch only


def test_curves_are_written_for_tensorboard(faces, tmp_path):
    loop.train(faces, replace(CONFIG, epochs=1, tensorboard=True), tmp_path / "run")
    (file,) = (tmp_path / "run" / "tensorboard").iterdir()
    assert file.stat().st_size > 100


@pytest.mark.parametrize("objective", ["same-person", "nnclr", "cosface"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lars"])
def test_a_run_stopped_inside_an_epoch_ends_where_an_uninterrupted_one_does(
    faces, tmp_path, objective, optimizer
):
    config = replace(CONFIG, objective=objective, optimizer=optimizer)
    whole = weights(loop.train(faces, config, tmp_path / "whole"))
    parts = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        loop.train(faces, config, parts, on_progress=interrupt_at(2, 1))
    assert latest_epoch(parts) == 1
    assert_same(loop.train(faces, config, parts), whole)
    timing = {"images_per_s"}
    for found, expected in zip(log_of(parts), log_of(tmp_path / "whole"), strict=True):
        assert {k: v for k, v in found.items() if k not in timing} == {
            k: v for k, v in expected.items() if k not in timing
        }


def test_a_run_stopped_between_checkpoints_loses_nothing(faces, tmp_path):
    config = replace(CONFIG, epochs=3, checkpoint_every=3)
    whole = weights(loop.train(faces, config, tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        loop.train(faces, config, tmp_path / "parts", on_progress=interrupt_at(1, 3))
    assert epochs(tmp_path / "parts") == []
    assert_same(loop.train(faces, config, tmp_path / "parts"), whole)


def test_a_run_killed_outright_goes_on_from_its_newest_checkpoint(faces, tmp_path):
    class Killed(BaseException):
        pass

    def kill(progress: loop.Progress) -> None:
        if (progress.epoch, progress.step) == (2, 2):
            raise Killed

    whole = weights(loop.train(faces, CONFIG, tmp_path / "whole"))
    with pytest.raises(Killed):
        loop.train(faces, CONFIG, tmp_path / "parts", on_progress=kill)
    assert_same(loop.train(faces, CONFIG, tmp_path / "parts"), whole)
    assert [entry["epoch"] for entry in log_of(tmp_path / "parts")] == [1, 2]


def test_a_second_ctrl_c_does_not_wait(faces, tmp_path):
    def press_twice(_progress: loop.Progress) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        loop.train(faces, CONFIG, tmp_path / "run", on_progress=press_twice)
    assert not (tmp_path / "run" / "resume.safetensors").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_only_the_newest_weights_are_kept_where_that_is_asked_for(faces, tmp_path):
    loop.train(faces, replace(CONFIG, epochs=4, keep_checkpoints=2), tmp_path / "run")
    assert epochs(tmp_path / "run") == [3, 4]


def test_training_lowers_the_loss(faces, tmp_path):
    config = replace(CONFIG, objective="cosface", views="none", epochs=10, checkpoint_every=10)
    loop.train(faces, replace(config, learning_rate=3e-2), tmp_path / "run")
    log = log_of(tmp_path / "run")
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]


def test_a_run_can_start_from_the_weights_of_another(faces, tmp_path):
    first = loop.train(faces, CONFIG, tmp_path / "first")
    # Another objective may want a head of another width: only the backbone is taken over.
    slow = replace(
        CONFIG,
        epochs=1,
        learning_rate=1e-9,
        weight_decay=0.0,
        objective="cosface",
        start=str(tmp_path / "first"),
    )
    second = loop.train(faces, slow, tmp_path / "second")
    expected = dict(first.backbone.named_parameters())
    for name, value in second.backbone.named_parameters():
        assert torch.allclose(value, expected[name], atol=1e-5), name


def test_imagenet_weights_that_cannot_be_had_are_done_without_and_that_is_said(
    monkeypatch, tmp_path, faces, caplog
):
    def refuse(*_args, **_kwargs):
        raise OSError("no connection")

    monkeypatch.setattr("torchvision.models.ResNet18_Weights.get_state_dict", refuse)
    loop.train(faces, replace(CONFIG, epochs=1, start="imagenet"), tmp_path / "run")
    assert "starting from random" in caplog.text
    assert latest_epoch(tmp_path / "run") == 1


def test_other_settings_in_the_same_folder_are_refused_and_named(faces, tmp_path):
    loop.train(faces, replace(CONFIG, epochs=1), tmp_path / "run")
    with pytest.raises(BadConfig, match=r"other settings .temperature was 0\.1 and is now 0\.5"):
        loop.train(faces, replace(CONFIG, temperature=0.5), tmp_path / "run")


def test_a_teacher_is_learnt_from(faces, tmp_path):
    teacher = np.random.default_rng(1).normal(size=(12, 5)).astype(np.float32)
    taught = replace_teacher(faces, teacher)
    loop.train(taught, replace(CONFIG, objective="distill"), tmp_path / "run")
    assert latest_epoch(tmp_path / "run") == 2
    with pytest.raises(BadTrainingData, match="teacher"):
        loop.train(faces, replace(CONFIG, objective="distill"), tmp_path / "other")


def replace_teacher(faces: TrainingData, teacher: np.ndarray) -> TrainingData:
    return TrainingData(faces.crops, faces.people, faces.sources, {}, teacher=teacher)


def test_labels_that_are_missing_are_an_error_before_anything_is_written(faces, tmp_path):
    unnamed = TrainingData(faces.crops, np.full(12, -1), faces.sources, {})
    with pytest.raises(
        BadTrainingData, match="needs photos of 2 named people or more; there are 0"
    ):
        loop.train(unnamed, replace(CONFIG, objective="cosface"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_few_photos_for_a_batch_are_an_error(faces, tmp_path):
    with pytest.raises(BadTrainingData, match="12 photos are less than one batch of 64"):
        loop.train(faces, replace(CONFIG, batch=64), tmp_path / "run")


class FailingCrops(np.ndarray):
    """Crops on a disk that goes away after so many reads."""

    left = 4

    def __getitem__(self, rows):
        FailingCrops.left -= 1
        if FailingCrops.left < 0:
            raise OSError("Input/output error")
        return np.asarray(self)[rows]


def test_data_that_fail_in_a_later_epoch_leave_a_run_to_go_on_with(faces, tmp_path):
    whole = weights(loop.train(faces, CONFIG, tmp_path / "whole"))
    failing = TrainingData(
        np.array(faces.crops).view(FailingCrops), faces.people, faces.sources, {}
    )
    with pytest.raises(BadTrainingData, match="epoch 2, step 2 cannot be read: Input/output error"):
        loop.train(failing, CONFIG, tmp_path / "parts")
    assert_same(loop.train(faces, CONFIG, tmp_path / "parts"), whole)


def test_a_loss_that_is_not_finite_stops_the_run_and_says_what_helps(monkeypatch, faces, tmp_path):
    monkeypatch.setattr(
        NtXent, "_loss", lambda _self, projections, _batch: projections.sum() * float("nan")
    )
    with pytest.raises(Diverged, match=r"epoch 1, step 1\. What helps: a lower learning_rate"):
        loop.train(faces, CONFIG, tmp_path / "run")
    assert latest_epoch(tmp_path / "run") == 0


def test_weights_spoilt_by_the_last_step_are_not_saved(monkeypatch, faces, tmp_path):
    def spoil(progress: loop.Progress) -> None:
        if progress.step == progress.steps:
            raise_rate["network"].backbone[0].weight.data.fill_(float("inf"))

    raise_rate = {}
    make = loop.make_parts

    def remember(*arguments):
        parts = make(*arguments)
        raise_rate["network"] = parts.network
        return parts

    monkeypatch.setattr(loop, "make_parts", remember)
    with pytest.raises(Diverged, match=r"network\.backbone\.0\.weight is not finite"):
        loop.train(faces, CONFIG, tmp_path / "run", on_progress=spoil)
    assert latest_epoch(tmp_path / "run") == 0


def test_a_collapse_is_told_with_what_helps(monkeypatch, faces, tmp_path, caplog):
    monkeypatch.setattr("training.monitor.uniformity", lambda _projections: -0.01)
    loop.train(faces, replace(CONFIG, epochs=1), tmp_path / "run")
    assert "the network has collapsed. What helps" in caplog.text


def test_damaged_and_missing_checkpoints_are_named(faces, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(BadCheckpoint, match="not a training run"):
        load_config(run)
    with pytest.raises(BadCheckpoint, match="has no checkpoint yet"):
        loop.train(faces, replace(CONFIG, start=str(run)), tmp_path / "other")
    assert not (tmp_path / "other").exists()  # nothing in the way of another try
    loop.train(faces, replace(CONFIG, epochs=1), run)
    other = FaceNetwork(8)
    other.backbone = nn.Linear(2, 2)
    with pytest.raises(BadCheckpoint, match="another network"):
        load_backbone(run, other)
    (run / "checkpoint-0001.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        load_weights(run)
    (run / "resume.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadCheckpoint, match=r"resume\.safetensors cannot be read"):
        loop.train(faces, CONFIG, run)
    (run / "resume.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match="begin another run with start"):
        loop.train(faces, CONFIG, run)
    (run / "config.json").write_text("{}")
    with pytest.raises(BadCheckpoint, match="malformed"):
        load_config(run)


def test_settings_of_an_older_run_get_the_defaults_of_what_came_later(tmp_path):
    (tmp_path / "config.json").write_text('{"sources": ["photos"], "objective": "simclr"}')
    assert load_config(tmp_path) == TrainConfig(("photos",), objective="ntxent")
    (tmp_path / "config.json").write_text('{"sources": ["photos"], "colour": "red"}')
    with pytest.raises(BadCheckpoint, match=r"not known: .'colour'"):
        load_config(tmp_path)


def test_a_caller_can_bring_a_network_and_an_objective_of_its_own(faces, tmp_path):
    class Flat(Network):
        features_dim = projection_dim = 8

        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8))

        def forward(self, views):
            return self.layers(views)

    class Counting(NtXent):
        seen = 0

        def _loss(self, projections, batch):
            Counting.seen += 1
            return super()._loss(projections, batch)

    own = Own(network=Flat, objective=lambda dim: Counting(dim / 80))
    trained = loop.train(faces, CONFIG, tmp_path / "run", own=own)
    assert isinstance(trained, Flat)
    assert Counting.seen == 2 * (12 // 4)
    with pytest.raises(BadConfig, match="only a ResNet starts from weights that are there"):
        loop.train(faces, replace(CONFIG, start="imagenet"), tmp_path / "other", own=own)
