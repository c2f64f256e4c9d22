"""Preparation: any data set becomes a folder that `lookalike train` reads.

    reader -> plan.csv -> shards, several photos at a time -> manifest.csv + report.json

A killed preparation goes on where it was: the plan is kept, whole shards are kept. One that is
finished is not done again.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from faces.types import Detector
from training.errors import BadTrainingData
from training.framing import Framing
from training.preparation.crops import Cropper, NoFacePolicy
from training.preparation.entries import Reader
from training.preparation.outcome import write_manifest
from training.preparation.plan import PLAN_DROPPED_FILE, PLAN_FILE, read_plan, write_plan
from training.preparation.report import Report, load_report
from training.preparation.selection import Selection
from training.preparation.shards import PARTS, ShardWriter
from training.preparation.state import begin

Stage: TypeAlias = Literal["listed", "cropped"]
Progress: TypeAlias = Callable[[Stage, int, int | None], None]
"""Told the stage, how many photos it has dealt with, and of how many; None while listing."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is asked for.

    Attributes:
        selection: which photos, and their splits.
        framing: of the crops.
        no_face: whether a photo without a found face is dropped, or its middle taken.
    """

    selection: Selection
    framing: Framing
    no_face: NoFacePolicy = "drop"

    def settings(self, reader: Reader) -> dict[str, Any]:
        """All that decides the outcome, as plain values."""
        shares = {"shares": list(self.selection.shares)}  # as JSON has them
        return {
            "source": reader.describe(),
            "selection": asdict(self.selection) | shares,
            "framing": asdict(self.framing),
            "no_face": self.no_face,
        }


def prepare(
    reader: Reader,
    detector: Detector,
    preparation: Preparation,
    folder: Path,
    *,
    workers: int,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Report:
    """Prepare a data set, or go on preparing it.

    Args:
        reader: of the data set.
        detector: finds faces.
        preparation: what is asked for.
        folder: of the outcome; made where it is not there.
        workers: threads.
        progress: is told how far it is.

    Raises:
        BadConfig: the folder holds an outcome of other settings, or something else.
        BadSource: the data set cannot be listed.
        BadTrainingData: no photo is left.
    """
    settings = preparation.settings(reader)
    if begin(folder, settings):
        return load_report(folder)
    started = time.perf_counter()
    if not (folder / PLAN_FILE).is_file():
        write_plan(
            reader, preparation.selection, folder, lambda done: progress("listed", done, None)
        )
    total = sum(1 for _ in read_plan(folder))
    if not total:
        raise BadTrainingData(f"no photo is left to prepare; {folder / PLAN_DROPPED_FILE} says why")
    cropper = Cropper(reader, detector, preparation.framing, preparation.no_face)
    writer = ShardWriter(folder, cropper, workers)
    cropped = writer.write_all(lambda done: progress("cropped", done, total))
    report = Report(settings, cropped=cropped)
    write_manifest(folder, report)
    report.seconds = round(time.perf_counter() - started, 1)
    report.save(folder)
    shutil.rmtree(folder / PARTS)
    for name in (PLAN_FILE, PLAN_DROPPED_FILE):
        (folder / name).unlink()
    return report
