"""Bulk building from crops on disk beside the bare encoder, and the builder's memory.

    python benchmarks/bulk.py [--crops N] [--rounds N] [--threads N] [--filled N ...]

In each round the encoder embeds N crops that are in memory already (bare), and then a new gallery
is filled from the same N crops as JPEG files (bulk): read, hashed, decoded, landmarks found,
aligned, embedded, stored and synced. Both use the same threads, one graph each. Rounds alternate,
so that whatever else the machine does falls on both; the ratio of a round is bare seconds by bulk
seconds. Beside it the ratio of processor seconds, which other processes hardly change.

Then children build the same crops into galleries that have more and more faces, and tell their
greatest private memory (RssAnon). Pictures are made-up people from samples/.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import encoders
from faces.alignment import CONTEXT_MAX_PX
from faces.decode import decode_image
from faces.encoder import LoadedEncoder, OnnxEncoder
from faces.jpeg import encode_jpeg
from faces.pipeline import Pipeline
from faces.sources import PhotoSource, open_source
from faces.types import Box, Crops, DetectedFace, Image
from index.build import build_from_crops
from index.gallery import Gallery
from index.preparing import CropPreparer
from index.records import NewFace
from samples.generator import make_person, render

HERE = Path(__file__).parent
CROP_PX = 200
PEOPLE = 2
"""Drawn once each; the other pictures are theirs, a little lighter and shifted by some pixels."""

ADDED_TOGETHER = 1000
FILLED_CROP_BYTES = 1000

Row = dict[str, Any]


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--filled", type=int, nargs="*", default=[0, 10_000, 100_000])
    parser.add_argument("--encoder", type=Path, default=encoders.shipped())
    parser.add_argument("--json", type=Path, default=HERE / "results" / "bulk.json")
    parser.add_argument("--child", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        data, crops = arguments.child
        print(json.dumps(build_and_watch(data, crops, arguments.encoder, arguments.threads)))
        return
    with tempfile.TemporaryDirectory(dir=".") as folder:
        work = Path(folder)
        draw(work / "crops", arguments.crops)
        pipeline = crop_pipeline(arguments.encoder)
        rounds = measure(pipeline, work, arguments.rounds, arguments.threads)
        memory = [watched(work, count, arguments) for count in arguments.filled]
    result = {
        "crops": arguments.crops,
        "threads": arguments.threads,
        "load_average": os.getloadavg()[0],
        "encoder": pipeline.encoder.card.name,
        "rounds": rounds,
        "ratio_median": float(np.median([row["ratio"] for row in rounds])),
        "ratio_of_cpu_median": float(np.median([row["ratio_of_cpu"] for row in rounds])),
        "memory": memory,
    }
    print(f"median of the ratios: {result['ratio_median']:.3f}, "
          f"of processor seconds {result['ratio_of_cpu_median']:.3f}")  # fmt: skip
    for row in memory:
        print(f"{row['faces_before']:>9,} faces before: {row['greatest_anon_mb']:.1f} MB private")
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


class NoDetector:
    """Crops need no detection."""

    def detect(
        self,
        _image: Image,
        *,
        only_largest: bool = False,  # noqa: ARG002 - the seam has it
    ) -> list[DetectedFace]:
        """Is not called."""
        raise AssertionError("a crop was searched for faces")


def crop_pipeline(encoder: Path) -> Pipeline:
    """The pipeline of an encoder whose graph runs in one thread for each caller."""
    return Pipeline(NoDetector(), OnnxEncoder(encoder, device="cpu", threads=1))


def draw(folder: Path, count: int) -> None:
    """Draw crops, in a folder for each person."""
    drawn = [render(make_person(seed), size_px=CROP_PX) for seed in range(PEOPLE)]
    assert CROP_PX <= CONTEXT_MAX_PX
    for number in range(count):
        person = folder / f"Person {number % PEOPLE}"
        person.mkdir(parents=True, exist_ok=True)
        lighter = np.clip(drawn[number % PEOPLE].astype(np.int16) + number % 23, 0, 255)
        picture = np.roll(lighter.astype(np.uint8), number // PEOPLE % 40 - 20, axis=1)
        (person / f"{number}.jpg").write_bytes(encode_jpeg(picture))


def measure(pipeline: Pipeline, work: Path, rounds: int, threads: int) -> list[Row]:
    """Alternate bare and bulk."""
    source = open_source(work / "crops")
    size_px = pipeline.encoder.card.input.size_px
    first = decode_image(next(iter(source)).read())[:size_px, :size_px]
    crops = np.repeat(first[None], len(source), axis=0)
    rows = []
    for number in range(-1, rounds):  # the first one warms up
        bare_s, bare_cpu_s = timed(lambda: embed_bare(pipeline.encoder, crops, threads))
        data = work / f"gallery-{number}"
        with Gallery.open(data, encoder=pipeline.encoder.card) as gallery:
            bulk_s, bulk_cpu_s = timed(partial(build, gallery, pipeline, source, threads))
        row = {
            "bare_per_s": len(crops) / bare_s,
            "bulk_per_s": len(crops) / bulk_s,
            "ratio": bare_s / bulk_s,
            "ratio_of_cpu": bare_cpu_s / bulk_cpu_s,
        }
        if number >= 0:
            rows.append(row)
            print("  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
    return rows


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and on the processors."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def embed_bare(encoder: LoadedEncoder, crops: Crops, threads: int) -> None:
    """Embed crops as they lie in memory, in as many threads as the builder has."""
    step = CropPreparer.together
    parts = [crops[start : start + step] for start in range(0, len(crops), step)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(encoder.embed, parts))


def build(gallery: Gallery, pipeline: Pipeline, source: PhotoSource, threads: int) -> None:
    """Build a gallery from crops on disk."""
    report = build_from_crops(gallery, pipeline, source, progress=None, workers=threads)
    assert report.enrolled == len(source), report


def watched(work: Path, faces: int, arguments: argparse.Namespace) -> Row:
    """Fill a gallery, and let a child build into it."""
    data = work / f"filled-{faces}"
    fill(data, arguments.encoder, faces)
    command = [sys.executable, __file__, "--encoder", str(arguments.encoder)]
    command += ["--threads", str(arguments.threads), "--child", str(data), str(work / "crops")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path[1:], str(HERE.parent)])}
    told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    row: Row = {"faces_before": faces, **json.loads(told.stdout)}
    return row


def fill(data: Path, encoder: Path, count: int) -> None:
    """Enrol random vectors with crops that are mere bytes."""
    card = OnnxEncoder(encoder, device="cpu", threads=1).card
    random = np.random.default_rng(0)
    with Gallery.open(data, encoder=card) as gallery:
        for start in range(0, count, ADDED_TOGETHER):
            vectors = random.standard_normal((ADDED_TOGETHER, card.dimension), np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            gallery.add(
                [
                    NewFace(
                        person=f"Filled {number // 10}",
                        source_name=f"{number}.jpg",
                        photo_sha256=f"{number:064x}",
                        box=Box(0, 0, 100, 100),
                        confidence=1.0,
                        embedding=vector,
                        context=random.bytes(FILLED_CROP_BYTES),
                    )
                    for number, vector in enumerate(vectors, start=start)
                ]
            )


def build_and_watch(data: Path, crops: Path, encoder: Path, threads: int) -> Row:
    """Build, and give the greatest private memory meanwhile."""
    pipeline = crop_pipeline(encoder)
    greatest = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            greatest[0] = max(greatest[0], anon_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Gallery.open(data, encoder=pipeline.encoder.card) as gallery:
            build(gallery, pipeline, open_source(crops), threads)
    finally:
        done.set()
        watcher.join()
    return {"greatest_anon_mb": round(greatest[0], 1)}


def anon_mb() -> float:
    """Private memory of this process in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
