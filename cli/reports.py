"""What a build or an import has led to, in words and as a file."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from index.build import BuildReport

REJECTED_SHOWN = 5
"""Rejected photos that the summary names."""


def print_report(report: "BuildReport") -> None:
    """Counts, the reasons of rejections, and the first rejected photos by name."""
    rate = report.photos / report.seconds if report.seconds else 0.0
    typer.echo(f"{report.photos:,} photos in {report.seconds:.1f} s ({rate:.1f} a second)")
    typer.echo(f"  enrolled   {report.enrolled:,}")
    typer.echo(f"  duplicate  {report.duplicate:,}")
    typer.echo(f"  skipped    {report.skipped:,}  (enrolled before)")
    typer.echo(f"  rejected   {len(report.rejected):,}")
    reasons = Counter(type(item.error).__name__ for item in report.rejected)
    for reason, count in reasons.most_common():
        typer.echo(f"    {count:,} {_words(reason)}")
    for item in report.rejected[:REJECTED_SHOWN]:
        typer.echo(f"    {item.source_name}: {item.error}")
    if len(report.rejected) > REJECTED_SHOWN:
        typer.echo(f"    and {len(report.rejected) - REJECTED_SHOWN:,} more")


def _words(class_name: str) -> str:
    """`ImageTooLarge` to `image too large`."""
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in class_name).strip()


def write_rejected(target: Path, report: "BuildReport") -> None:
    """Write each rejection with its reason as JSON."""
    found = [
        {
            "source_name": item.source_name,
            "reason": _words(type(item.error).__name__),
            "detail": str(item.error),
        }
        for item in report.rejected
    ]
    try:
        target.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        typer.echo(f"lookalike: {target} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from None
