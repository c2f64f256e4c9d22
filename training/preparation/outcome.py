"""The outcome: all parts become one manifest, with what only the whole shows.

parts -> columns -> near-duplicates, pictures under two names -> manifest.csv, report
"""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faces.sources import MANIFEST_FILE
from training.catalogue import Labels, LabelsMaker
from training.csv_columns import Cells, read_columns
from training.preparation.entries import SPLITS
from training.preparation.outliers import Fingerprints, near_duplicates, under_two_names
from training.preparation.plan import PLAN_DROPPED_FILE
from training.preparation.report import Report
from training.preparation.shards import PART_COLUMNS, PARTS, read_parts

DROPPED_FILE = "dropped.csv"
TWO_NAMES = "under two names"

MANIFEST_COLUMNS = (
    *(column for column in PART_COLUMNS if column not in {"dropped", "print"}),
    "near_dup_of",
)

Paths: TypeAlias = npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Columns (N,) of all crops in the order of the manifest.

    Attributes:
        paths: their names in the shards.
        people: who is on each.
        splits: of each.
        near: int64, the row that each repeats, or -1.
        double: bool, the same picture has another name, too.
    """

    paths: Paths
    people: Labels
    splits: Labels
    near: npt.NDArray[np.int64]
    double: npt.NDArray[np.bool_]


def write_manifest(folder: Path, report: Report) -> None:
    """Write `manifest.csv` from the parts, add what was dropped, and count everything.

    The manifest is written first to a partial file: a folder with a manifest is finished but for
    its report.
    """
    whole = read_whole(folder)
    partial = folder / f"{MANIFEST_FILE}.partial"
    report.dropped = _begin_dropped(folder)
    with (
        partial.open("w", newline="", encoding="utf-8") as file,
        (folder / DROPPED_FILE).open("a", newline="", encoding="utf-8") as dropped_file,
    ):
        manifest = csv.DictWriter(file, MANIFEST_COLUMNS, extrasaction="ignore")
        dropped = csv.writer(dropped_file)
        manifest.writeheader()
        row = 0
        for part_row in read_parts(folder):
            if part_row["dropped"]:
                reason = part_row["dropped"]
                dropped.writerow((part_row["source_file"], part_row["identity"], reason))
                report.dropped[reason] += 1
                continue
            outlier = part_row["outlier"] or (TWO_NAMES if whole.double[row] else "")
            near = int(whole.near[row])
            original = whole.paths[near].decode() if near >= 0 else ""
            manifest.writerow({**part_row, "outlier": outlier, "near_dup_of": original})
            report.found[part_row["how"]] += 1
            report.flagged[outlier] += bool(outlier)
            row += 1
    report.flagged = +report.flagged
    _count(whole, report)
    partial.replace(folder / MANIFEST_FILE)


def read_whole(folder: Path) -> Whole:
    """The columns of all parts that only the whole can be judged by."""
    people, splits = LabelsMaker(), LabelsMaker()
    paths: list[Cells] = []
    prints: list[npt.NDArray[np.uint64]] = []
    wanted = ("path", "identity", "split", "print")
    for part in sorted((folder / PARTS).glob("*.csv")):
        for block in read_columns(part, wanted):
            kept = block["path"] != b""
            paths.append(block["path"][kept])
            people.add(block["identity"][kept])
            splits.add(block["split"][kept])
            prints.append(_from_hex(block["print"][kept]))
    all_prints = np.concatenate([np.empty((0, 8), np.uint64), *prints])
    who = people.made()
    numbers = np.where(who.equal(""), -1, who.codes).astype(np.int64)
    return Whole(
        np.concatenate([np.empty(0, "S1"), *paths]),
        who,
        splits.made(),
        near_duplicates(all_prints, numbers),
        under_two_names(all_prints, numbers),
    )


def _from_hex(cells: Cells) -> Fingerprints:
    digits = b"".join(cells.tolist()).decode()
    return np.frombuffer(bytes.fromhex(digits), np.uint64).reshape(-1, 8)


def _begin_dropped(folder: Path) -> Counter[str]:
    """Begin the list of dropped photos with those that the plan left out, and count these."""
    shutil.copyfile(folder / PLAN_DROPPED_FILE, folder / DROPPED_FILE)
    counts: Counter[str] = Counter()
    for block in read_columns(folder / DROPPED_FILE, ("reason",)):
        counts.update(reason.decode() for reason in block["reason"].tolist())
    return counts


def _count(whole: Whole, report: Report) -> None:
    report.prepared = len(whole.paths)
    report.listed = report.prepared + sum(report.dropped.values())
    report.near_duplicates = int((whole.near >= 0).sum())
    named = ~whole.people.equal("")
    counts = np.bincount(whole.people.codes[named])
    report.single = int((counts == 1).sum())
    report.splits = dict(_splits(whole, named))


def _splits(whole: Whole, named: npt.NDArray[np.bool_]) -> Iterator[tuple[str, dict[str, int]]]:
    for split in SPLITS:
        inside = whole.splits.equal(split)
        if inside.any():
            people = len(np.unique(whole.people.codes[inside & named]))
            yield split, {"photos": int(inside.sum()), "people": people}
