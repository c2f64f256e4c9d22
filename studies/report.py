"""The report of a study: one HTML file that needs nothing beside it, and the figures as JSON.

Report -> report.html.j2 -> report.html
       -> report.json

No real face goes into a report; contact sheets in it show people that samples/ drew.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal

import jinja2

HTML_FILE = "report.html"
JSON_FILE = "report.json"
TEMPLATE = "report.html.j2"
VERSION = 1

Verdict = Literal["holds", "does not hold", "cannot be told here"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the write-up, what was measured for it, and what that says."""

    claim: str
    measured: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words; the first column names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says.

    Attributes:
        study: its name.
        title: of the page.
        question: what the write-up asked.
        answer: what was found, in two or three sentences.
        data: on which data.
        settings: of the recipe, by name.
        claims: of the write-up.
        tables: the main one first.
        plots: title -> data URI of a picture.
        differences: why figures differ from the write-up's, each in a sentence.
        figures: of all steps, by name.
    """

    study: str
    title: str
    question: str
    answer: str
    data: str
    settings: Mapping[str, Any]
    claims: Sequence[Claim]
    tables: Sequence[Table]
    plots: Mapping[str, str]
    differences: Sequence[str]
    figures: Mapping[str, Any] = field(repr=False)


def write_report(report: Report, folder: Path) -> Path:
    """Write both files into a folder; returns the path of the HTML."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "version": VERSION,
        "study": report.study,
        "question": report.question,
        "answer": report.answer,
        "data": report.data,
        "recipe": dict(report.settings),
        "claims": [asdict(claim) for claim in report.claims],
        "tables": [asdict(table) for table in report.tables],
        "differences": list(report.differences),
        "steps": dict(report.figures),
    }
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / JSON_FILE).write_text(text + "\n", encoding="utf-8")
    html = folder / HTML_FILE
    html.write_text(render(report), encoding="utf-8")
    return html


def render(report: Report) -> str:
    """The report as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(report=report)


def spread(values: Sequence[float], places: int = 3) -> str:
    """Mean and standard deviation over seeds, in words; one value stands by itself."""
    if not values:
        return "not run"
    middle = f"{mean(values):.{places}f}"
    if len(values) == 1:
        return f"{middle} (1 seed)"
    return f"{middle} ± {stdev(values):.{places}f}"
