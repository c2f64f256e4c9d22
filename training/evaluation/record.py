"""What a card keeps of an evaluation: the main figures, under the name of the set of photos.

Evaluation -> card.metrics[source] -> card.json -> MODEL_CARD.md
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from faces.card import Card, load_card
from training.evaluation.engine import Evaluation
from training.model_card import write_model_card

BLOCKS = ("retrieval", "verification", "given pairs", "all pairs", "open set", "breakdown")
PROTOCOL = (
    "lookalike evaluate; each value with its 95 % interval over people; photos without a found "
    "face take a fallback crop"
)


def record_figures(evaluation: Evaluation, folder: Path) -> Card:
    """Write an evaluation's main figures into the card of the encoder in `folder`."""
    card = load_card(folder)
    figures = evaluation.figures
    kept: dict[str, Any] = {
        "protocol": PROTOCOL,
        **{key: figures[key] for key in ("photos", "people", "left out", "faces", "fallback")},
    }
    kept |= {name: evaluation.encoder.figures[name] for name in BLOCKS}
    recorded = replace(card, metrics={**card.metrics, figures["source"]: kept})
    recorded.save(folder)
    write_model_card(folder)
    return recorded
