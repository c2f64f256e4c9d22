"""The settings of one training run. They are saved beside its weights."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from faces.alignment import CONTEXT_MARGIN
from training.errors import BadConfig

Objective = Literal["simclr", "same-person", "cosface"]
OBJECTIVES = get_args(Objective)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a run.

    Attributes:
        sources: folders of photos, as `faces.sources.open_source` understands them.
        objective: what is learnt from. "simclr": two views of one photo are a pair, no labels
            (Chen et al. 2020, arXiv:2002.05709). "same-person": views of two photos of one person
            where labels are there, else of one photo; the loss is the same. "cosface": one view of
            each labelled photo against a prototype of every person (training.losses.cosface).
        start: where the backbone starts: "random", "imagenet" (where its weights can be loaded,
            else random), or the folder of another run. The head always starts anew.
        epochs: passes over the photos.
        batch: pairs per step; the network sees twice as many pictures.
        size_px: side S of the crops.
        crop_margin: added on each side of the box, as a share of its side.
        learning_rate: peak rate of AdamW, reached after the warm-up, then falling as a cosine.
        weight_decay: on weights of two or more axes only; not on biases and batch norm.
        warmup: share of all steps during which the rate rises.
        temperature: tau of NT-Xent (ibid., section 2.1).
        scale: s of CosFace (arXiv:1801.09414, section 3.1).
        margin: m of CosFace.
        projection_dim: width of what the loss sees (ibid., 128).
        max_per_person: photos of one person used in an epoch, drawn anew each time.
        checkpoint_every: epochs between checkpoints.
        seed: of every random choice.
        threads: CPU threads for torch; 0 leaves it to torch.
        device: "cpu" or a CUDA device.
    """

    sources: tuple[str, ...]
    objective: Objective = "simclr"
    start: str = "random"
    epochs: int = 50
    batch: int = 128
    size_px: int = 112
    crop_margin: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    temperature: float = 0.1
    scale: float = 32.0
    margin: float = 0.2
    projection_dim: int = 128
    max_per_person: int = 50
    checkpoint_every: int = 1
    seed: int = 0
    threads: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse settings out of range, naming the key and the value."""
        for key, sound in {
            "sources": bool(self.sources),
            "objective": self.objective in OBJECTIVES,
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 2,
            "size_px": 32 <= self.size_px <= 512,
            "crop_margin": 0 <= self.crop_margin <= CONTEXT_MARGIN,
            "learning_rate": self.learning_rate > 0,
            "weight_decay": self.weight_decay >= 0,
            "warmup": 0 <= self.warmup < 1,
            "temperature": self.temperature > 0,
            "scale": self.scale > 0,
            "margin": 0 <= self.margin < 1,
            "projection_dim": self.projection_dim >= 2,
            "max_per_person": self.max_per_person >= 2,
            "checkpoint_every": self.checkpoint_every >= 1,
        }.items():
            if not sound:
                raise BadConfig(f"{key} = {getattr(self, key)!r} is out of range")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
