"""How long a manifest of a million photos takes to load, and what memory photos cost.

    python benchmarks/manifest.py [--json benchmarks/results/manifest.json]

Two measurements, each in a process of its own so that peaks do not mix:

    load      what `lookalike train` does before it opens a photo: columns, split, key of the cache
    prepare   peak memory of `lookalike data prepare` over few and over many photos

Time is told as it passed and as processor time; on a busy machine the two differ.
"""

import argparse
import csv
import io
import json
import os
import resource
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from faces.detection import HaarDetector
from faces.jpeg import encode_jpeg
from faces.sources import open_source
from training.catalogue import read_catalogue
from training.framing import LANDMARK_COLUMNS, Framing
from training.preparation.prepare import Preparation, prepare
from training.preparation.readers import open_reader
from training.preparation.selection import Selection

PHOTOS = 1_000_000
FEW, MANY = 2_000, 10_000
PER_PERSON = 20
MB = 2**20

Result = TypeVar("Result")


@dataclass(frozen=True)
class Load:
    """Loading the manifest: times in seconds, memory beyond that of an idle process in MB."""

    photos: int
    columns: int
    manifest_mb: float
    seconds: float
    processor_s: float
    peak_mb: float
    kept_mb: float


@dataclass(frozen=True)
class Memory:
    """Peak memory of a preparation beyond that of an idle process, in MB."""

    photos: int
    peak_mb: float
    photos_per_processor_s: float


def write_manifest(folder: Path, photos: int) -> int:
    """A manifest like those of ../shared/faces; returns the number of its columns."""
    fixed = {"split": "train", "source": "made-up", "width": 160, "height": 160, "gender": "f"}
    landmarks = dict(zip(LANDMARK_COLUMNS, (62.6, 75.6, 93.7, 72.4, 79.6, 94.1, 67.7, 107.3, 95.3,
                                            105.2), strict=True))  # fmt: skip
    columns = ["path", "identity", "shard", "source_file", "near_dup_of", *fixed, *landmarks]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for photo in range(photos):
            person = f"person_{photo // PER_PERSON:06d}"
            writer.writerow(
                {"path": f"{person}/{photo:08d}.jpg", "identity": person,
                 "shard": f"made-{photo // FEW:05d}.tar", **fixed, **landmarks}
            )  # fmt: skip
    return len(columns)


def write_shards(folder: Path, photos: int) -> None:
    """The tars of that manifest: each photo is one of a few pictures of noise."""
    random = np.random.default_rng(0)
    pictures = [
        encode_jpeg(random.integers(0, 255, (160, 160, 3), dtype=np.uint8)) for _ in range(16)
    ]
    for first in range(0, photos, FEW):
        with tarfile.open(folder / f"made-{first // FEW:05d}.tar", "w") as tar:
            for photo in range(first, min(first + FEW, photos)):
                name = f"person_{photo // PER_PERSON:06d}/{photo:08d}.jpg"
                member = tarfile.TarInfo(name)
                data = pictures[photo % len(pictures)]
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def measure_load(folder: str, columns: int) -> Load:
    """Load a manifest in this process."""
    path = Path(folder)
    before, started, processor = _now_mb(), time.perf_counter(), time.process_time()
    catalogue = read_catalogue(open_source(path))
    rows = np.flatnonzero(catalogue.splits.equal("train") & catalogue.outliers.equal(""))
    return Load(
        len(rows),
        columns,
        (path / "manifest.csv").stat().st_size / MB,
        time.perf_counter() - started,
        time.process_time() - processor,
        _peak_mb() - before,
        _now_mb() - before,
    )


def measure_preparation(source: str, to: str, photos: int) -> Memory:
    """Prepare a made-up set in this process."""
    before, processor = _now_mb(), time.process_time()
    preparation = Preparation(Selection("people"), Framing("box", 0.25, 224))
    report = prepare(open_reader(Path(source)), HaarDetector(), preparation, Path(to), workers=2)
    assert report.prepared == photos
    rate = photos / (time.process_time() - processor)
    return Memory(photos, _peak_mb() - before, rate)


def alone(work: Callable[..., Result], *arguments: object) -> Result:
    """The result of `work` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


def _now_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        columns = write_manifest(root, arguments.photos)
        load = alone(measure_load, str(root), columns)
        print(f"load     {load}")
        memory = []
        for photos in (FEW, MANY):
            source = root / f"made-{photos}"
            source.mkdir()
            write_manifest(source, photos)
            write_shards(source, photos)
            to = str(root / f"to-{photos}")
            memory.append(alone(measure_preparation, str(source), to, photos))
            print(f"prepare  {memory[-1]}")
    if arguments.json:
        found = {"load": asdict(load), "prepare": [asdict(item) for item in memory]}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
