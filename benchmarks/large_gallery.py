"""A whole gallery of a million faces: starts, searches, enrolments and memory.

    python benchmarks/large_gallery.py [FACES] [--faces-enrolled N] [--encoder FOLDER]

Faces of likely vectors (`likely_vectors`) are enrolled through `Gallery.add`, with crops of 3 kB
(`--crop-bytes`). Then a child process serves the data folder three times:

    first     without a snapshot: exact at once, merged into a graph in the background
    again     with the snapshot, whose files are not in the page cache
    erased    the same after a person was erased by a command

It tells the seconds until the first answer, milliseconds of searches (store and all) and until an
enrolment is found, before, during and after the merge, and the private memory (RssAnon) throughout.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from likely_vectors import DIMENSION, PHOTOS_PER_PERSON, LikelyFaces, real_embeddings
from search import HERE, NEAREST, drop_from_cache, status_mb

import encoders
from faces.card import Card, load_card
from faces.types import Box, Embeddings
from index.gallery import INDEX_FOLDER, Gallery
from index.records import NewFace

PROBES = 200
ADDED_TOGETHER = 500
CROP_BYTES = 3000

Row = dict[str, Any]


def main() -> None:
    """Fill the data folder, if need be, and serve it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--faces-enrolled", type=int, default=1_000_000)
    parser.add_argument("--crop-bytes", type=int, default=CROP_BYTES)
    parser.add_argument("--encoder", type=Path, default=encoders.shipped())
    parser.add_argument("--work", type=Path, default=Path("build/search"))
    parser.add_argument("--json", type=Path, default=HERE / "results" / "large_gallery.json")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    data = arguments.work / f"gallery-{arguments.faces_enrolled}"
    likely = LikelyFaces(*real_embeddings(arguments.faces, arguments.work / "real.npz"))
    probes = likely.probes(PROBES, arguments.faces_enrolled)
    if arguments.child:
        print(json.dumps(serve(data, arguments.encoder, probes)))
        return
    report: Row = {"faces": arguments.faces_enrolled}
    if not data.exists():
        report["enrolling"] = fill(data, arguments.encoder, likely, arguments)
    for name in ("first", "again", "erased"):
        if name == "erased":
            report["erasing_s"] = erase_somebody(data, arguments.encoder)
        for file in (data / INDEX_FOLDER).iterdir():
            drop_from_cache(file)
        report[name] = _child()
        print(name, report[name], flush=True)
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def fill(data: Path, encoder: Path, likely: LikelyFaces, arguments: argparse.Namespace) -> Row:
    """Enrol faces as a builder does."""
    began_s, count = time.perf_counter(), arguments.faces_enrolled
    with Gallery.open(data, encoder=card(encoder)) as gallery:
        batch: list[NewFace] = []
        for number, vector in enumerate(_vectors(likely, count)):
            batch.append(_face(number, vector, arguments.crop_bytes))
            if len(batch) == ADDED_TOGETHER:
                gallery.add(batch)
                batch = []
        gallery.add(batch)
    seconds = time.perf_counter() - began_s
    return {"faces_per_s": round(count / seconds), "private_mb": status_mb("RssAnon")}


def erase_somebody(data: Path, encoder: Path) -> float:
    """Erase a person by a command, no service running; seconds until all files are clean."""
    began_s = time.perf_counter()
    with Gallery.open(data, encoder=card(encoder)) as gallery:
        gallery.erase_person(gallery.people(limit=1).items[0].person_id)
    return round(time.perf_counter() - began_s, 2)


def serve(data: Path, encoder: Path, probes: Embeddings) -> Row:
    """Open the gallery as a service does, and measure until nothing is left to merge."""
    before_mb, peak = status_mb("RssAnon"), Peak()
    began_s = time.perf_counter()
    with Gallery.open(data, encoder=card(encoder), serve=True) as gallery:
        gallery.search(probes[:1], k=NEAREST)
        row: Row = {"searchable_s": round(time.perf_counter() - began_s, 2)}
        row["before_mb"], row["opened_mb"] = before_mb, status_mb("RssAnon")
        row["at_once"] = {"kind": gallery.stats().index_kind} | latency(gallery, probes)
        gallery.catch_up()  # begins a merge that is due
        time.sleep(5)
        row["later"] = latency(gallery, probes)
        began_s = time.perf_counter()
        gallery._projection.wait_for_merges()  # noqa: SLF001 - nobody else would wait
        row["merged_s"] = round(time.perf_counter() - began_s, 1)
        row["peak_mb"], peak = peak.stop(), Peak()
        row["merged"] = {"kind": gallery.stats().index_kind} | latency(gallery, probes)
        began_s = time.perf_counter()
        gallery.maintain()
        row["maintain_s"] = round(time.perf_counter() - began_s, 2)
        row["private_mb"] = status_mb("RssAnon")
    return row | {"peak_after_mb": peak.stop(), "index_mb": _size_mb(data / INDEX_FOLDER)}


def latency(gallery: Gallery, probes: Embeddings) -> Row:
    """Milliseconds of searches, and from an enrolment's begin until it is found."""
    searches, visible = [], []
    for probe in probes:
        began_s = time.perf_counter()
        gallery.search(probe[None], k=NEAREST)
        searches.append(time.perf_counter() - began_s)
    for probe in probes[:20]:
        face = _face(int(time.time_ns()), probe)
        began_s = time.perf_counter()
        [enrolled] = gallery.add([face])
        stored_s = time.perf_counter()
        [matches] = gallery.search(probe[None], k=NEAREST, group_by="face")
        assert enrolled.face.face_id in {match.face.face_id for match in matches}
        visible.append((time.perf_counter() - stored_s, stored_s - began_s))
    return {
        "p50_ms": round(1000 * float(np.percentile(searches, 50)), 2),
        "p99_ms": round(1000 * float(np.percentile(searches, 99)), 2),
        "enrol_p50_ms": round(1000 * float(np.median([stored for _, stored in visible])), 2),
        "visible_p50_ms": round(1000 * float(np.median([found for found, _ in visible])), 2),
        "visible_max_ms": round(1000 * max(found for found, _ in visible), 2),
    }


def card(encoder: Path) -> Card:
    """The card of an encoder, as if it gave as many numbers as the vectors have."""
    return replace(load_card(encoder), dimension=DIMENSION)


class Peak:
    """Watches the private memory of this process."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._mb = 0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        """The most that it was, in MB."""
        self._stop.set()
        self._thread.join()
        return self._mb

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self._mb = max(self._mb, status_mb("RssAnon"))


def _vectors(likely: LikelyFaces, count: int) -> Iterator[Embeddings]:
    for block in likely.gallery(count):
        yield from block


def _face(number: int, vector: Embeddings, crop_bytes: int = CROP_BYTES) -> NewFace:
    return NewFace(
        person=f"Person {number // PHOTOS_PER_PERSON}",
        source_name=f"{number}.jpg",
        photo_sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        box=Box(10, 10, 100, 100),
        confidence=0.9,
        embedding=vector,
        context=np.random.default_rng(number).bytes(crop_bytes),
    )


def _size_mb(folder: Path) -> int:
    return round(sum(file.stat().st_size for file in folder.iterdir()) / 1e6)


def _child() -> Row:
    command = [sys.executable, __file__, *sys.argv[1:], "--child"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


if __name__ == "__main__":
    main()
