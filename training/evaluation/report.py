"""The report: one HTML file that needs nothing beside it, and the same figures as JSON.

Evaluation -> figures.json
           -> plots -> report.html.j2 -> report.html
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from training.evaluation.engine import Evaluation
from training.evaluation.plots import plots

JSON_FILE = "evaluation.json"
HTML_FILE = "report.html"
TEMPLATE = "report.html.j2"


def write_report(evaluation: Evaluation, folder: Path) -> tuple[Path, Path]:
    """Write the report into a folder; returns the paths of the HTML and the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    html, figures = folder / HTML_FILE, folder / JSON_FILE
    write_figures(evaluation, figures)
    html.write_text(render(evaluation), encoding="utf-8")
    return html, figures


def write_figures(evaluation: Evaluation, path: Path) -> None:
    """Write the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(evaluation.figures, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def render(evaluation: Evaluation) -> str:
    """The report as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["estimate"] = told
    drawn = {title: data_uri(svg) for title, svg in plots(evaluation).items()}
    return environment.get_template(TEMPLATE).render(
        figures=evaluation.figures,
        encoder=next(iter(evaluation.measured)),
        own=evaluation.encoder.figures,
        table=list(summary(evaluation.figures)),
        plots=drawn,
    )


def summary(figures: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Rows of the table that compares embedders: what is measured, and its figures."""
    each = list(figures["embedders"].values())
    for block, names in {
        "retrieval": ("hit@1", "hit@9", "precision@9", "mAP@R"),
        "verification": ("accuracy", "AUC", "EER"),
        "given pairs": ("accuracy", "AUC", "EER"),
        "all pairs": ("TAR at FAR 0.01", "TAR at FAR 0.001", "TAR at FAR 0.0001"),
    }.items():
        if each[0][block] is not None:
            for name in names:
                yield f"{block}: {name}", [told(one[block][name]) for one in each]


def told(figure: dict[str, Any] | None) -> str:
    """A figure with its interval, in words for people; no figure where there is none to tell."""
    if figure is None or figure["value"] is None:
        return "too few to say"
    low, high = figure["interval"]
    number = _number(figure["value"])
    interval = "" if low is None else f" ({_number(low)} to {_number(high)})"
    doubt = "" if figure.get("claim", True) else ": too wide for a claim"
    return f"{number}{interval}{doubt}"


def data_uri(svg: str) -> str:
    """An SVG as the source of an image, so that the ids in two of them do not meet."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _number(value: float) -> str:
    """Three places, or two digits of what is smaller."""
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
