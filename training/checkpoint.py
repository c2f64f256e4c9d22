"""Checkpoints: all that a run needs to go on, in safetensors and JSON (no pickle).

    RUN/config.json                   the run's settings
    RUN/checkpoint-0007.safetensors   weights after epoch 7, the objective's too: what is exported
                                      and started from
    RUN/resume.safetensors            where the run stands, also inside an epoch: weights,
                                      objective, optimiser; in its header the place and the meters

Random numbers are drawn from (seed, epoch, step), so no generator's state has to be kept. Each file
is either whole or not there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training.config import TrainConfig
from training.errors import BadCheckpoint, BadConfig
from training.network import FaceNetwork

CONFIG_FILE = "config.json"
RESUME_FILE = "resume.safetensors"
BACKBONE = "backbone."
OBJECTIVE = "objective."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands.

    Attributes:
        epoch: epochs that are done.
        step: steps that are done of the epoch after them.
        sums: the meters of that epoch so far.
    """

    epoch: int = 0
    step: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)


def save_config(run: Path, config: TrainConfig) -> None:
    """Write the settings beside the weights that they lead to."""
    run.mkdir(parents=True, exist_ok=True)
    partial = run / f"{CONFIG_FILE}.partial"
    partial.write_text(json.dumps(config.as_dict(), indent=2) + "\n", encoding="utf-8")
    partial.replace(run / CONFIG_FILE)


def load_config(run: Path) -> TrainConfig:
    """The settings of a run; those that came later than the run have their defaults.

    Raises:
        BadCheckpoint: the run has none, or they are malformed.
    """
    path = run / CONFIG_FILE
    known = {item.name for item in fields(TrainConfig)}
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if unknown := raw.keys() - known:
            raise BadCheckpoint(f"{path} has settings that are not known: {sorted(unknown)}")
        return TrainConfig(**{**raw, "sources": tuple(raw["sources"])})
    except FileNotFoundError:
        raise BadCheckpoint(f"{run} is not a training run: it has no {CONFIG_FILE}") from None
    except (ValueError, KeyError, TypeError, AttributeError, BadConfig) as error:
        raise BadCheckpoint(f"{path} is malformed: {error!r}") from error


def save_weights(run: Path, epoch: int, learnt: nn.ModuleDict, keep: int = 0) -> Path:
    """Write the weights after `epoch`, counted from 1.

    Args:
        run: its folder.
        epoch: how many epochs made them.
        learnt: the network and the objective whose they are.
        keep: how many epochs' weights stay; 0: all.
    """
    path = _file(run, epoch)
    of_objective = learnt["objective"].state_dict(prefix=OBJECTIVE)
    _save_whole({**learnt["network"].state_dict(), **of_objective}, path, {})
    for old in epochs(run)[:-keep] if keep else ():
        _file(run, old).unlink()
    return path


def epochs(run: Path) -> list[int]:
    """The epochs whose weights are there, in order."""
    names = (re.fullmatch(r"checkpoint-(\d+)\.safetensors", file.name) for file in run.glob("*"))
    return sorted(int(name[1]) for name in names if name)


def latest_epoch(run: Path) -> int:
    """The newest epoch with a checkpoint; 0 where there is none."""
    return max(epochs(run), default=0)


def load_weights(run: Path) -> dict[str, Tensor]:
    """The weights of a run's newest epoch by name; the objective's begin with `OBJECTIVE`.

    Raises:
        BadCheckpoint: there is none, or it is damaged.
    """
    return _load(_file(run, _newest(run)))


def load_backbone(run: Path, network: FaceNetwork) -> int:
    """Load the backbone of a run's newest epoch into `network`, not the head; return that epoch.

    Raises:
        BadCheckpoint: there is none, it is damaged, or it is of another network.
    """
    epoch = _newest(run)
    tensors = _load(_file(run, epoch))
    body = {k.removeprefix(BACKBONE): v for k, v in tensors.items() if k.startswith(BACKBONE)}
    try:
        network.backbone.load_state_dict(body)
    except RuntimeError as error:
        raise BadCheckpoint(f"epoch {epoch} of {run} is of another network: {error}") from error
    return epoch


def save_resume(
    run: Path, place: Place, modules: nn.ModuleDict, optimizer: torch.optim.Optimizer
) -> None:
    """Write where a run stands, in place of what was written before."""
    tensors = {f"weights|{name}": value for name, value in modules.state_dict().items()}
    for name, parameter in modules.named_parameters():
        for key, value in optimizer.state[parameter].items():
            tensors[f"optimizer|{name}|{key}"] = value
    _save_whole(tensors, run / RESUME_FILE, {"place": json.dumps(asdict(place))})


def load_resume(
    run: Path, modules: nn.ModuleDict, optimizer: torch.optim.Optimizer
) -> Place | None:
    """Load where a run stands; None where it has not begun.

    Raises:
        BadCheckpoint: the file is damaged, or of another network.
    """
    path = run / RESUME_FILE
    if not path.is_file():
        return None
    tensors = _load(path)
    try:
        with safe_open(path, "pt") as file:
            place = Place(**json.loads(file.metadata()["place"]))
        modules.load_state_dict(dict(_under(tensors, "weights|")))
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"{path} is of another network: {error}") from error
    for name, parameter in modules.named_parameters():
        state: dict[str, Any] = {}
        for key, value in _under(tensors, f"optimizer|{name}|"):
            state[key] = value if key == "step" else value.to(parameter.device)
        optimizer.state[parameter] = state
    return place


def _newest(run: Path) -> int:
    if epoch := latest_epoch(run):
        return epoch
    raise BadCheckpoint(f"{run} has no checkpoint yet")


def _under(tensors: Mapping[str, Tensor], prefix: str) -> Iterator[tuple[str, Tensor]]:
    return ((k.removeprefix(prefix), v) for k, v in tensors.items() if k.startswith(prefix))


def _save_whole(tensors: Mapping[str, Tensor], path: Path, header: dict[str, str]) -> None:
    """Write a file that is either whole or not there."""
    partial = path.with_suffix(".partial")
    # Copies: safetensors wants plain rows, and tensors that share no memory.
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    save_file(plain, partial, header or None)
    partial.replace(path)


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadCheckpoint(f"{path} cannot be read: {error}") from error


def _file(run: Path, epoch: int) -> Path:
    return run / f"checkpoint-{epoch:04d}.safetensors"
