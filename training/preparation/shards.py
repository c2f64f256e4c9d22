"""Shards: the crops of so many rows of the plan, in one tar, with their rows in one part.

    rows of the plan -> crops, several at a time -> NAME-00000.tar + parts/00000.csv

The part is written last and by renaming, so where it is, its shard is whole; what else a killed run
left behind is written anew. Memory holds the crops in work, however many photos there are.
"""

import csv
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from training.framing import BOX_COLUMNS, LANDMARK_COLUMNS
from training.parallel import ahead
from training.preparation.crops import Crop, Cropper, Dropped
from training.preparation.entries import CARRIED
from training.preparation.plan import read_plan

SHARD_ROWS = 1000
IN_WORK_PER_THREAD = 8
PARTS = "parts"

PART_COLUMNS = (
    "path", "shard", "identity", "split", *CARRIED, "source_file", "width", "height",
    "outlier", *BOX_COLUMNS, *LANDMARK_COLUMNS, "how", "dropped", "print",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShardWriter:
    """Writes the shards of one outcome.

    Attributes:
        folder: of the outcome.
        cropper: makes the crops.
        workers: threads.
    """

    folder: Path
    cropper: Cropper
    workers: int

    def write_all(self, progress: Callable[[int], None]) -> int:
        """Write all shards that are not whole yet, and return how many rows that took.

        `progress` is told the rows that are dealt with, those of earlier runs included.
        """
        (self.folder / PARTS).mkdir(exist_ok=True)
        plan = read_plan(self.folder)
        number = written = 0
        with ThreadPoolExecutor(self.workers, thread_name_prefix="prepare") as pool:
            while rows := list(islice(plan, SHARD_ROWS)):
                if not self._part(number).is_file():
                    self._write(number, rows, pool, progress)
                    written += len(rows)
                progress(number * SHARD_ROWS + len(rows))
                number += 1
        return written

    def _write(
        self,
        number: int,
        rows: Sequence[Mapping[str, str]],
        pool: ThreadPoolExecutor,
        progress: Callable[[int], None],
    ) -> None:
        shard = self.folder / f"{self.folder.name}-{number:05d}.tar"
        part = self._part(number)
        partial_shard, partial_part = (path.with_suffix(".partial") for path in (shard, part))
        limit = self.workers * IN_WORK_PER_THREAD
        with (
            tarfile.open(partial_shard, "w") as tar,
            partial_part.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, PART_COLUMNS, restval="")
            writer.writeheader()
            outcomes = ahead(pool, self.cropper.crop, rows, limit=limit)
            for place, (planned, outcome) in enumerate(zip(rows, outcomes, strict=True)):
                path = f"{number * SHARD_ROWS + place:08d}.jpg"
                if isinstance(outcome, Crop):
                    _add(tar, path, outcome.jpeg)
                    writer.writerow(self._row(path, shard.name, outcome))
                else:
                    writer.writerow(_dropped_row(planned, outcome))
                progress(number * SHARD_ROWS + place + 1)
        partial_shard.replace(shard)
        partial_part.replace(part)

    def _row(self, path: str, shard: str, crop: Crop) -> dict[str, str]:
        side = str(self.cropper.framing.size_px)
        fixed = {"path": path, "shard": shard, "width": side, "height": side, "how": crop.how}
        return {**crop.row, **fixed, "print": crop.prints.tobytes().hex()}

    def _part(self, number: int) -> Path:
        return self.folder / PARTS / f"{number:05d}.csv"


def read_parts(folder: Path) -> Iterator[Mapping[str, str]]:
    """The rows of all parts, in the order of the plan."""
    for part in sorted((folder / PARTS).glob("*.csv")):
        with part.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _dropped_row(planned: Mapping[str, str], dropped: Dropped) -> dict[str, str]:
    return {
        "identity": planned["identity"],
        "source_file": planned["name"],
        "dropped": dropped.reason,
    }
