"""The plan: one row for every photo that is to be cropped, written before the first one is.

    reader -> people, given splits -> choose -> plan.csv (taken), plan-dropped.csv (why not)

It is what makes the work resumable: row and shard of a photo are settled here.
"""

import csv
import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np

from faces.decode import image_size
from faces.errors import FaceError
from training.framing import BOX_COLUMNS, LANDMARK_COLUMNS
from training.parallel import ahead
from training.preparation.entries import CARRIED, SPLITS, Entry, Reader
from training.preparation.selection import (
    LEFT_OUT,
    NOT_GIVEN,
    OUTCOMES,
    UNNAMED,
    Selection,
    choose,
)

PLAN_FILE = "plan.csv"
PLAN_DROPPED_FILE = "plan-dropped.csv"
PLAN_COLUMNS = ("name", "shard", "identity", "split", *CARRIED, *BOX_COLUMNS, *LANDMARK_COLUMNS)
DROPPED_COLUMNS = ("source_file", "identity", "reason")

IN_WORK_PER_THREAD = 16

Progress: TypeAlias = Callable[[int], None]


def write_plan(reader: Reader, selection: Selection, folder: Path, progress: Progress) -> None:
    """Write the two files of the plan into `folder`, `plan.csv` last.

    Args:
        reader: lists the photos; it is asked twice.
        selection: which of them are taken.
        folder: of the outcome.
        progress: is told the number of photos listed.
    """
    people, given, small = array("q"), array("b"), array("b")
    index: dict[str, int] = {}
    for entry, is_small in _measured(reader, selection.min_px):
        if entry.dropped or is_small:
            people.append(LEFT_OUT)
        else:
            named = bool(entry.person)
            people.append(index.setdefault(entry.person, len(index)) if named else UNNAMED)
        given.append(SPLITS.index(entry.split) if entry.split else NOT_GIVEN)
        small.append(is_small)
        progress(len(small))
    outcomes = choose(np.array(people, np.int64), tuple(index), np.array(given, np.int8), selection)
    too_small = f"smaller than {selection.min_px} x {selection.min_px} px"
    partial = folder / f"{PLAN_FILE}.partial"
    with (
        partial.open("w", newline="", encoding="utf-8") as plan_file,
        (folder / PLAN_DROPPED_FILE).open("w", newline="", encoding="utf-8") as dropped_file,
    ):
        plan = csv.DictWriter(plan_file, PLAN_COLUMNS, restval="", extrasaction="ignore")
        dropped = csv.writer(dropped_file)
        plan.writeheader()
        dropped.writerow(DROPPED_COLUMNS)
        for entry, outcome, too_few_px in zip(reader, outcomes, small, strict=True):
            split = OUTCOMES[outcome]
            reason = entry.dropped or (too_small if too_few_px else "")
            if not reason and split not in SPLITS:
                reason = split
            if reason:
                dropped.writerow((entry.name, entry.person, reason))
            else:
                plan.writerow(_plan_row(entry, split))
    partial.replace(folder / PLAN_FILE)


def read_plan(folder: Path) -> Iterator[Mapping[str, str]]:
    """The rows of the plan, in order."""
    with (folder / PLAN_FILE).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _plan_row(entry: Entry, split: str) -> Mapping[str, str]:
    fixed = {"name": entry.name, "shard": entry.shard, "identity": entry.person, "split": split}
    return {**entry.columns, **fixed}


def _measured(reader: Reader, min_px: int) -> Iterator[tuple[Entry, bool]]:
    """Each entry, and whether its photo is too small.

    Of a photo that the reader has not measured the header is read; one that has none is left for
    the decoder to complain of.
    """

    def measure(entry: Entry) -> tuple[Entry, bool]:
        if entry.dropped:
            return entry, False
        try:
            size = [int(entry.columns[side]) for side in ("width", "height")]
        except (KeyError, ValueError):
            try:
                size = list(image_size(reader.read(entry.name, entry.shard)))
            except FaceError:
                return entry, False
        return entry, min(size) < min_px

    if not min_px:
        yield from ((entry, False) for entry in reader)
        return
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        yield from ahead(pool, measure, reader, limit=threads * IN_WORK_PER_THREAD)
