"""The settings of one training of the landmark network."""

from dataclasses import asdict, dataclass
from typing import Any

from training.errors import BadConfig


@dataclass(frozen=True, slots=True)
class LandmarkConfig:
    """Settings of a training.

    Attributes:
        sources: manifest folders; rows of a split other than "train" and rows without landmarks
            are left out.
        searched_share: of the photos of wide framing, in which the cascades are asked for boxes on
            what is no face.
        steps: of the optimiser.
        batch: squares in a step.
        learning_rate: peak rate of AdamW, reached after `warmup_steps`, then falling as a cosine.
        warmup_steps: during which the rate rises.
        weight_decay: on weights of two or more axes only.
        ema_decay: of the running mean of the weights, which is what is exported.
        seed: of every random choice.
        threads: CPU threads for torch; 0 leaves it to torch.
    """

    sources: tuple[str, ...]
    searched_share: float = 0.08
    steps: int = 1000
    batch: int = 192
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.02
    ema_decay: float = 0.995
    seed: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse settings out of range, naming the key and the value."""
        for key, sound in {
            "sources": bool(self.sources),
            "searched_share": 0 <= self.searched_share <= 1,
            "steps": self.steps >= 1,
            "batch": self.batch >= 8,
            "learning_rate": self.learning_rate > 0,
            "warmup_steps": self.warmup_steps >= 1,
            "weight_decay": self.weight_decay >= 0,
            "ema_decay": 0 <= self.ema_decay < 1,
        }.items():
            if not sound:
                raise BadConfig(f"{key} = {getattr(self, key)!r} is out of range")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
