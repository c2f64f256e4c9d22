"""Checkpoints: all that a run needs to go on, in safetensors and JSON (no pickle).

    RUN/config.json                   the run's settings
    RUN/checkpoint-0007.safetensors   weights after epoch 7, one file for each kept epoch
    RUN/optimizer-0007.safetensors    the optimiser's state, of the newest epoch only

Random numbers are drawn from (seed, epoch), so no generator's state has to be kept.
"""

import json
import re
from dataclasses import fields
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training.config import TrainConfig
from training.errors import BadCheckpoint
from training.network import FaceNetwork

CONFIG_FILE = "config.json"


def save_config(run: Path, config: TrainConfig) -> None:
    """Write the settings beside the weights that they lead to."""
    run.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config.as_dict(), indent=2)
    (run / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def load_config(run: Path) -> TrainConfig:
    """The settings of a run.

    Raises:
        BadCheckpoint: the run has none, or they are malformed.
    """
    path = run / CONFIG_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        values = {item.name: raw[item.name] for item in fields(TrainConfig)}
        return TrainConfig(**{**values, "sources": tuple(values["sources"])})
    except FileNotFoundError:
        raise BadCheckpoint(f"{run} is not a training run: it has no {CONFIG_FILE}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"{path} is malformed: {error!r}") from error


def save_checkpoint(
    run: Path, epoch: int, network: FaceNetwork, optimizer: torch.optim.Optimizer
) -> Path:
    """Write the state after `epoch`, counted from 1; the weights, written last, vouch for it."""
    optimizer_file = _file(run, "optimizer", epoch)
    _save_whole(_optimizer_tensors(network, optimizer), optimizer_file)
    weights_file = _file(run, "checkpoint", epoch)
    _save_whole(network.state_dict(), weights_file)
    for other in run.glob("optimizer-*.safetensors"):
        if other != optimizer_file:
            other.unlink()
    return weights_file


def latest_epoch(run: Path) -> int:
    """The newest epoch with a checkpoint; 0 where there is none."""
    names = (re.fullmatch(r"checkpoint-(\d+)\.safetensors", file.name) for file in run.glob("*"))
    return max((int(name[1]) for name in names if name), default=0)


def load_weights(run: Path, network: FaceNetwork, epoch: int | None = None) -> int:
    """Load a run's weights of `epoch`, or its newest, into `network`; return that epoch.

    Raises:
        BadCheckpoint: there is none, it is damaged, or it is of another network.
    """
    epoch = epoch or latest_epoch(run)
    if not epoch:
        raise BadCheckpoint(f"{run} has no checkpoint yet")
    try:
        network.load_state_dict(_load(_file(run, "checkpoint", epoch)))
    except RuntimeError as error:
        raise BadCheckpoint(f"epoch {epoch} of {run} is of another network: {error}") from error
    return epoch


def load_backbone(run: Path, network: FaceNetwork) -> int:
    """Load the backbone of a run's newest epoch into `network`, not the head; return that epoch.

    Raises:
        BadCheckpoint: there is none, it is damaged, or it is of another network.
    """
    epoch = latest_epoch(run)
    if not epoch:
        raise BadCheckpoint(f"{run} has no checkpoint yet")
    tensors = _load(_file(run, "checkpoint", epoch))
    prefix = "backbone."
    body = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    try:
        network.backbone.load_state_dict(body)
    except RuntimeError as error:
        raise BadCheckpoint(f"epoch {epoch} of {run} is of another network: {error}") from error
    return epoch


def load_optimizer(
    run: Path, epoch: int, network: FaceNetwork, optimizer: torch.optim.Optimizer
) -> None:
    """Load the optimiser's state as it was after `epoch`.

    Raises:
        BadCheckpoint: it is missing or damaged.
    """
    tensors = _load(_file(run, "optimizer", epoch))
    for name, parameter in network.named_parameters():
        prefix = f"{name}|"
        state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        optimizer.state[parameter] = {
            key: value if key == "step" else value.to(parameter.device)
            for key, value in state.items()
        }


def _optimizer_tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors, named by parameter and kind ("backbone.conv1.weight|exp_avg")."""
    return {
        f"{name}|{key}": value
        for name, parameter in network.named_parameters()
        for key, value in optimizer.state[parameter].items()
    }


def _save_whole(tensors: dict[str, Tensor], path: Path) -> None:
    """Write a file that is either whole or not there."""
    partial = path.with_suffix(".partial")
    save_file({key: value.contiguous() for key, value in tensors.items()}, partial)
    partial.replace(path)


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadCheckpoint(f"{path} cannot be read: {error}") from error


def _file(run: Path, kind: str, epoch: int) -> Path:
    return run / f"{kind}-{epoch:04d}.safetensors"
