"""The model card: MODEL_CARD.md, written from what `card.json` holds and nothing else.

card.json (recipe, data, figures, calibration) -> template -> MODEL_CARD.md

Every figure in it was measured and recorded by `lookalike evaluate --record`; what was not measured
is said to be so. The terms are those of the folder's LICENSE, where there is one.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2

from faces.calibration import read_calibration
from faces.card import Card, load_card

MODEL_CARD_FILE = "MODEL_CARD.md"
TEMPLATE_FILE = "model_card.md.j2"

TOLD_RATES = (1e-2, 1e-3, 1e-4)
"""False-match rates whose similarity is told, where enough pairs were measured."""


def write_model_card(folder: Path) -> Path:
    """Write `MODEL_CARD.md` beside the card of an encoder folder, in place of an earlier one.

    Raises:
        BadCard: the folder is no sound encoder folder.
    """
    path = folder / MODEL_CARD_FILE
    path.write_text(render(load_card(folder)), encoding="utf-8")
    return path


def render(card: Card) -> str:
    """The text of a card's MODEL_CARD.md."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("training", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # Markdown of our own figures, no web page
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE_FILE).render(
        card=card,
        steps=list(_steps(card)),
        sets=card.training.get("sources", []),
        figures={name: dict(_told(found)) for name, found in card.metrics.items()},
        groups={name: list(_groups(found)) for name, found in card.metrics.items()},
        calibration=_calibration(card),
    )


def _steps(card: Card) -> Iterator[str]:
    """One sentence for each run that led to the weights, the earliest first."""
    training = card.training
    for config in [*training.get("history", []), training.get("config")]:
        if config is None:
            continue
        teacher = f", teacher {Path(config['teacher']).name}" if config.get("teacher") else ""
        start = config.get("start", "random")
        origin = "random weights" if start == "random" else f"the weights of {Path(start).name}"
        passes = config["epochs"]
        yield (
            f"`{config['objective']}`{teacher}, from {origin}: "
            f"{passes} {'epoch' if passes == 1 else 'epochs'} over "
            f"{', '.join(config['sources'])}, views `{config.get('views', 'face')}`, batch "
            f"{config['batch']}, {config['size_px']} px, seed {config['seed']}"
        )
    if training.get("int8"):
        yield "exported with weights and activations as 8-bit integers, for CPUs"


def _told(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The main figures of one set: name, value with its interval."""
    for block in ("given pairs", "verification"):
        for name in ("accuracy", "AUC", "EER"):
            estimate = (found.get(block) or {}).get(name) or {}
            if estimate.get("value") is not None:
                yield f"{block}: {name}", _estimate(estimate)
    for name, estimate in (found.get("retrieval") or {}).items():
        if isinstance(estimate, Mapping) and estimate.get("value") is not None:
            yield f"retrieval: {name}", _estimate(estimate)


def _groups(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Kind of group, group, and what is claimed of it."""
    for kind, groups in (found.get("breakdown") or {}).items():
        for group, told in groups.items():
            if isinstance(told, Mapping):
                yield kind, group, _claim(told)


def _claim(told: Mapping[str, Any]) -> str:
    parts = [f"{told[key]} {key}" for key in ("people", "photos") if key in told]
    for name, figure in told.items():
        if isinstance(figure, Mapping) and figure.get("value") is not None:
            wide = "" if figure.get("claim", True) else " (too wide for a claim)"
            parts.append(f"{name} {_estimate(figure)}{wide}")
    return "; ".join(parts)


def _estimate(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["interval"]
    if low is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} ({low:.3f} to {high:.3f})"


def _calibration(card: Card) -> dict[str, Any] | None:
    if card.calibration is None:
        return None
    found = read_calibration(card.calibration)
    least = found.least_false_match_rate * (1 - 1e-9)  # it comes out of a logarithm
    rates = [rate for rate in TOLD_RATES if rate >= least]
    return {
        "pairs": (found.same_person_pairs, found.cross_person_pairs, found.people),
        "rows": [
            (rate, found.similarity_at(rate), found.same_person_probability(at, 0.5))
            for rate in rates
            for at in (found.similarity_at(rate),)
        ],
    }
