"""The settings of one training run: what each means, its default, what is allowed.

    recipe (TOML) + options of the command -> TrainConfig -> config.json beside the weights

The command line and the recipes take their settings from this table, so it imports nothing heavy.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args

from training.errors import BadConfig

_T = TypeVar("_T")

ObjectiveName = Literal[
    "ntxent",
    "simclr",
    "same-person",
    "dcl",
    "nnclr",
    "cosine_embedding",
    "contrastive_margin",
    "triplet_margin",
    "supcon",
    "arcface",
    "cosface",
    "cross_entropy",
    "debiased",
    "distill",
]
OBJECTIVES: tuple[str, ...] = get_args(ObjectiveName)
ALIASES = {"simclr": "ntxent"}

LARGEST_MARGIN = 0.5
"""`faces.alignment.CONTEXT_MARGIN`, which is not imported here because it brings OpenCV along."""


def setting(default: _T, what: str) -> _T:
    """A field of TrainConfig with its default, and its meaning in the words of the command."""
    result: _T = field(default=default, metadata={"help": what})
    return result


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a run; each says in its own words what it is."""

    # What is seen
    sources: tuple[str, ...] = field(
        metadata={"help": "Folders: a folder per person, manifest.csv with shards, or photos."}
    )
    alignment: Literal["box", "landmarks"] = setting(
        "box", "How a face is cut out: by its box, or turned and scaled by its five landmarks."
    )
    size_px: int = setting(112, "Side of the encoder's input in pixels.")
    crop_margin: float = setting(
        0.0, "Added on each side of the box or template, as a share of it."
    )
    max_per_person: int = setting(
        50, "Photos of one person used in an epoch, drawn anew each time."
    )
    val_share: float = setting(
        0.0, "Share of the people kept back for the kNN accuracy where no row says split=val."
    )
    views: str = setting("face", "Policy of the views, as `lookalike data views` shows them.")
    augment: Literal["one", "both"] = setting(
        "both", "Whether one picture of a pair is changed at random, or both."
    )

    # What is learnt
    objective: ObjectiveName = setting(  # noqa: RUF009  # strings, which cannot change
        "ntxent", "What is learnt from; docs/training.md explains each."
    )
    temperature: float = setting(
        0.1, "Temperature tau of the contrastive objectives and of distill."
    )
    scale: float = setting(32.0, "s of arcface and cosface: what cosines are multiplied by.")
    margin: float = setting(
        0.0, "m of the objectives with a margin (of arcface in radians); 0: the usual one of each."
    )
    mining: Literal["all", "semi-hard", "hard"] = setting(
        "semi-hard", "Triplets that triplet_margin learns from."
    )
    squared: bool = setting(
        default=True, what="Square the distances of triplet_margin and contrastive_margin."
    )
    class_prior: float = setting(
        0.01, "Of debiased: the chance that two photos show one person by accident."
    )
    queue: int = setting(4096, "Of nnclr and distill: how many photos are remembered.")
    likeness: float = setting(
        1.0, "Of distill: weight of the likeness to photos seen of late against the direction."
    )
    within_source: bool = setting(
        default=True,
        what="Take negatives from a photo's own source only: framing tells sources apart.",
    )
    teacher: str = setting(
        "", "Of distill: a file of embeddings, an encoder's folder, or hog, which needs no names."
    )

    # What learns it
    arch: str = setting("resnet18", "Any of torchvision's ResNets by its name there.")
    stem: Literal["standard", "small", "tiny"] = setting(
        "standard",
        "First layers: standard leaves a quarter of the side; small (3x3, stride 2, for 48 to 80 "
        "px) a half, at 4 times the work; tiny (3x3, for 32 px) all of it, at 16 times.",
    )
    head: Literal["auto", "mlp", "linear", "norm"] = setting(
        "auto",
        "Between features and objective: two layers (mlp), one, or batch norm alone; auto is what "
        "the objective is used to.",
    )
    projection_dim: int = setting(
        128, "Width of what the objective sees; norm keeps the features'."
    )
    start: str = setting(
        "random", "Weights to start from: random, imagenet, or another run's folder."
    )

    # How it is learnt
    epochs: int = setting(50, "Passes over the photos.")
    batch: int = setting(128, "Photos (or pairs) in a step, of all processes together.")
    chunk: int = setting(
        0,
        "Pictures that the network sees at once; 0: all. A smaller chunk lets a large batch fit, "
        "with its exact gradients, for a second forward pass.",
    )
    optimizer: Literal["adamw", "sgd", "lars"] = setting(
        "adamw", "lars is for batches of thousands."
    )
    learning_rate: float = setting(
        1e-3, "Peak rate; for sgd about 0.1, for lars about 0.3 for each 256 pictures of a batch."
    )
    momentum: float = setting(0.9, "Of sgd and lars.")
    weight_decay: float = setting(
        0.05, "Not on biases and batch norm; for sgd and lars 1e-4 to 1e-6."
    )
    warmup: float = setting(
        0.05, "Share of all steps in which the rate rises; then it falls as a cosine."
    )
    seed: int = setting(0, "Of every random choice.")

    # What it runs on
    device: str = setting("auto", "auto, cpu, or a CUDA device such as cuda:0.")
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "auto", "Of the network's arithmetic; auto is bfloat16 on a GPU, else float32."
    )
    compile: bool = setting(default=False, what="Compile the network (torch.compile).")
    threads: int = setting(0, "CPU threads; 0 leaves it to torch.")

    # What is kept and shown
    checkpoint_every: int = setting(1, "Epochs between checkpoints.")
    keep_checkpoints: int = setting(0, "How many epochs' weights are kept; 0: all.")
    knn_every: int = setting(5, "Epochs between measurements of the kNN accuracy; 0: never.")
    tensorboard: bool = setting(default=True, what="Write curves for TensorBoard.")

    def __post_init__(self) -> None:
        """Refuse settings out of range, naming the key and the value."""
        for key, name in ALIASES.items():
            if self.objective == key:
                object.__setattr__(self, "objective", name)
        for item in fields(self):
            choices = get_args(item.type)
            if choices and ... not in choices and getattr(self, item.name) not in choices:
                raise BadConfig(
                    f"{item.name} = {getattr(self, item.name)!r} is none of {', '.join(choices)}"
                )
        for key, sound in {
            "sources": bool(self.sources),
            "size_px": 16 <= self.size_px <= 512,
            "crop_margin": 0 <= self.crop_margin <= LARGEST_MARGIN,
            "max_per_person": self.max_per_person >= 2,
            "val_share": 0 <= self.val_share < 1,
            "temperature": self.temperature > 0,
            "scale": self.scale > 0,
            "margin": self.margin >= 0,
            "class_prior": 0 <= self.class_prior < 1,
            "queue": self.queue >= 1,
            "likeness": self.likeness >= 0,
            "projection_dim": self.projection_dim >= 2,
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 2,
            "chunk": self.chunk == 0 or self.chunk >= 4,
            "learning_rate": self.learning_rate > 0,
            "momentum": 0 <= self.momentum < 1,
            "weight_decay": self.weight_decay >= 0,
            "warmup": 0 <= self.warmup < 1,
            "threads": self.threads >= 0,
            "checkpoint_every": self.checkpoint_every >= 1,
            "keep_checkpoints": self.keep_checkpoints >= 0,
            "knn_every": self.knn_every >= 0,
        }.items():
            if not sound:
                raise BadConfig(f"{key} = {getattr(self, key)!r} is out of range")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


# What may change when a run goes on: nothing that decides its weights but how long it lasts.
FREE_TO_CHANGE = (
    *("epochs", "device", "threads", "compile"),
    *("checkpoint_every", "keep_checkpoints", "knn_every", "tensorboard"),
)


def differences(old: TrainConfig, new: TrainConfig) -> str:
    """How two settings differ in what decides a run's weights; empty where they agree."""
    return ", ".join(
        f"{item.name} was {getattr(old, item.name)!r} and is now {getattr(new, item.name)!r}"
        for item in fields(TrainConfig)
        if item.name not in FREE_TO_CHANGE and getattr(old, item.name) != getattr(new, item.name)
    )
