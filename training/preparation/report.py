"""The report of a preparation: what was taken, what was dropped and why, what looks wrong."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

REPORT_FILE = "report.json"


@dataclass(slots=True)
class Report:
    """Counts; the settings are saved with them.

    Attributes:
        settings: of the preparation.
        listed: photos of the data set.
        prepared: crops in the shards.
        dropped: reason -> photos that gave no crop.
        found: how the face was found -> crops.
        flagged: flaw -> crops that the manifest flags; training leaves them out.
        near_duplicates: crops that repeat an earlier one of the same person.
        splits: split -> {"photos", "people"}.
        single: people with one crop.
        seconds: of the last run; a resumed one did not do all of it.
        cropped: photos dealt with in the last run.
    """

    settings: Mapping[str, Any]
    listed: int = 0
    prepared: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    near_duplicates: int = 0
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    single: int = 0
    seconds: float = 0.0
    cropped: int = 0

    def save(self, folder: Path) -> None:
        """Write it beside the manifest."""
        partial = folder / f"{REPORT_FILE}.partial"
        # dataclasses.asdict would take a Counter apart into pairs.
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        text = json.dumps(values, indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(folder / REPORT_FILE)

    def lines(self) -> list[str]:
        """The report in words."""
        rate = f", {self.cropped / self.seconds:.0f} a second" if self.seconds else ""
        people = sum(split["people"] for split in self.splits.values())
        now = f"{self.cropped:,} cropped in {self.seconds:.0f} s{rate}"
        lines = [f"{self.listed:,} photos listed, {self.prepared:,} prepared ({now})"]
        lines += _table("dropped", self.dropped)
        lines += _table("faces", self.found)
        lines += _table("flagged, left out of training", self.flagged)
        lines += [f"near-duplicates (column near_dup_of): {self.near_duplicates:,}"]
        lines += [f"{people:,} people, {self.single:,} of them with one photo"] if people else []
        lines += [
            f"{split}: {counts['photos']:,} photos of {counts['people']:,} people"
            for split, counts in self.splits.items()
        ]
        return lines


def load_report(folder: Path) -> Report:
    """The report of a finished preparation."""
    values = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
    for counts in ("dropped", "found", "flagged"):
        values[counts] = Counter(values[counts])
    return Report(**values)


def _table(title: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    total = sum(counts.values())
    return [f"{title}: {total:,}"] + [f"  {n:>9,}  {what}" for what, n in counts.most_common()]
