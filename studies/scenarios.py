"""The scenarios of pairs-vs-triplets: one training run each, by name."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FLOORS = ("pixels", "untrained network")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run.

    Attributes:
        data: set of pictures.
        loss: by its name in the report.
        augmentation: policy of the views.
        seed: of everything random.
        epochs: passes over the pictures.
    """

    data: str
    loss: str
    augmentation: str
    seed: int
    epochs: int

    @property
    def name(self) -> str:
        """Of the step."""
        what = f"{self.data}/{self.loss}/{self.augmentation}"
        return f"{what}/{self.epochs} epochs/seed {self.seed}"

    @property
    def slug(self) -> str:
        """Of its folder."""
        return "".join(sign if sign.isalnum() else "-" for sign in self.name.lower())

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def map_file(folder: Path, scenario: Scenario) -> Path:
    """Where the t-SNE map of a scenario is kept, float32 (N, 2)."""
    return folder / "maps" / f"{scenario.slug}.npy"
