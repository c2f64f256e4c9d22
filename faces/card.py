"""The encoder contract: `card.json`, which says what an encoder expects and how well it does.

An encoder folder holds `encoder.onnx`, `card.json` and, where its card names it, `landmarks.onnx`.
The encoder's graph takes float32 (N, 3, S, S) and returns float32 (N, D) of unit length; the card,
not code, says the rest. Training writes cards, serving reads them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from faces.alignment import CONTEXT_MARGIN
from faces.errors import BadCard

CARD_FILE = "card.json"
ENCODER_FILE = "encoder.onnx"
LANDMARKS_FILE = "landmarks.onnx"
ALIGNMENTS = ("box", "landmarks")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the graph must be given.

    Attributes:
        size_px: side S of the square crop.
        channel_order: "RGB".
        mean: per channel, on the scale 0-1; subtracted.
        std: per channel, on the scale 0-1; divided by.
        crop_margin: added on each side of the box or the template, as a share of its side.
        alignment: "box", the upright square about the detected box; or "landmarks", the square in
            which the face's landmarks lie as in `faces.alignment.TEMPLATE`.
    """

    size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop_margin: float
    channel_order: str = "RGB"
    alignment: str = "box"

    def __post_init__(self) -> None:
        """Refuse what no code here can honour, naming the key and the value."""
        for key, sound in {
            "size_px": 16 <= self.size_px <= 1024,
            "mean": len(self.mean) == 3,
            "std": [value > 0 for value in self.std] == [True] * 3,
            "crop_margin": 0 <= self.crop_margin <= CONTEXT_MARGIN,
            "channel_order": self.channel_order == "RGB",
            "alignment": self.alignment in ALIGNMENTS,
        }.items():
            if not sound:
                raise BadCard(f"input.{key} = {getattr(self, key)!r} is not supported")


@dataclass(frozen=True, slots=True)
class Card:
    """One encoder's card.

    Attributes:
        name: the encoder's name, as answers give it.
        version: of the weights; a new training is a new version.
        created: ISO 8601 time of the export.
        input: what the graph must be given.
        dimension: D, the length of an embedding.
        sha256: file name -> hex digest, for each file of the folder that decides embeddings.
        training: recipe and data, as training recorded them.
        metrics: figures with their protocol.
        calibration: similarity -> false-match rate and probability; None until measured.
    """

    name: str
    version: str
    created: str
    input: InputSpec
    dimension: int
    sha256: dict[str, str]
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None

    @property
    def has_landmarks(self) -> bool:
        """Whether a landmark network lies beside the encoder, so that detection uses it."""
        return LANDMARKS_FILE in self.sha256

    @property
    def contract_hash(self) -> str:
        """One sha256 over the files and the input block: galleries are bound to it."""
        contract = {"files": self.sha256, "input": asdict(self.input)}
        return hashlib.sha256(json.dumps(contract, sort_keys=True).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write `card.json` into `folder`."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def load_card(folder: Path) -> Card:
    """Read and check the card of an encoder folder.

    Raises:
        BadCard: the card is missing or malformed, or a file beside it is missing or altered.
    """
    path = folder / CARD_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        spec = raw.pop("input")
        spec = InputSpec(**{**spec, "mean": tuple(spec["mean"]), "std": tuple(spec["std"])})
        card = Card(input=spec, **{key: raw[key] for key in _card_keys() if key in raw})
    except FileNotFoundError:
        raise BadCard(f"{folder} is not an encoder folder: it has no {CARD_FILE}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadCard(f"{path} is malformed: {error}") from error
    if ENCODER_FILE not in card.sha256:
        raise BadCard(f"{path}: sha256 does not name {ENCODER_FILE}")
    if spec.alignment == "landmarks" and not card.has_landmarks:
        raise BadCard(
            f"{path}: input.alignment = 'landmarks', but sha256 does not name {LANDMARKS_FILE}"
        )
    for name, expected in card.sha256.items():
        if file_sha256(folder / name) != expected:
            raise BadCard(f"{folder / name} is not the file that its card describes")
    return card


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file.

    Raises:
        BadCard: the file is missing.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BadCard(f"{path} is missing") from None


def _card_keys() -> list[str]:
    return [item.name for item in fields(Card) if item.name != "input"]
