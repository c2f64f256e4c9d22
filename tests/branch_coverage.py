"""The share of branches that the tests took, room by room, against what a room owes.

    python tests/branch_coverage.py .coverage.json faces index service

coverage.py's own `fail_under` mixes lines with branches and all rooms with each other.
"""

import json
import sys
from pathlib import Path

REQUIRED_PERCENT = 90.0


def branch_percent(report: dict[str, dict[str, dict[str, dict[str, int]]]], room: str) -> float:
    """Branches taken in the files of `room`, in per cent of those there are."""
    summaries = [
        entry["summary"] for name, entry in report["files"].items() if Path(name).parts[0] == room
    ]
    total = sum(summary["num_branches"] for summary in summaries)
    covered = sum(summary["covered_branches"] for summary in summaries)
    if not total:
        raise SystemExit(f"{room}: no branches were measured; is the room's name right?")
    return 100 * covered / total


def main(report_path: str, *rooms: str) -> int:
    """Print one line a room; 1 if one of them falls short, else 0."""
    report = json.loads(Path(report_path).read_text())
    percents = {room: branch_percent(report, room) for room in rooms}
    for room, percent in percents.items():
        print(f"branches of {room}/: {percent:.1f} % (required: {REQUIRED_PERCENT:.0f} %)")
    return int(any(percent < REQUIRED_PERCENT for percent in percents.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
