"""How fast, how right and how large are vector indexes of 10 thousand to a million faces?

    python benchmarks/search.py [FACES] [--sizes N ...] [--kinds NAME ...]

The vectors are made of real embeddings (`likely_vectors`); probes are new photos of people of the
gallery. For each size and kind there are two processes, so that memory is told apart: one builds,
one opens and searches. The latter also times FAISS's scan of all vectors, one for each ten searches
of the index, so that a busy machine slows both alike: read the ratio, not the milliseconds. All
of them use one thread for a search; hnswlib and usearch are left out where they are not installed.

What was made and built is kept in a work folder and made again only if it is missing; a row that is
in the JSON file is not measured again. So a run that was cut off goes on where it was.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from likely_vectors import LikelyFaces, real_embeddings
from search_kinds import KINDS, Opened, OpenedOurs

from faces.types import Embeddings
from index.base_building import write_exact
from index.base_file import open_base
from index.bases import ExactBase
from index.faiss_index import inner_products
from index.vector_index import Keys

HERE = Path(__file__).parent
NEAREST = 10
PROBES = 500
TUNING = 200
"""Probes of their own, by which the effort of the other kinds is chosen."""
RECALL = 0.99
FLAT_EVERY = 10
CLIENT_SECONDS = 5.0
NEEDS = {"hnswlib": "hnswlib", "usearch f16": "usearch"}

Row = dict[str, Any]


def main() -> None:
    """Measure everything, print a table and write JSON after each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="?", default=Path("../shared/faces"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--work", type=Path, default=Path("build/search"))
    parser.add_argument("--json", type=Path, default=HERE / "results" / "search.json")
    parser.add_argument("--child", choices=["build", "search"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(1)
    if arguments.child:
        work = arguments.work / str(arguments.sizes[0])
        step = build if arguments.child == "build" else measure
        print(json.dumps(step(arguments.kinds[0], work)))
        return
    table = _table_so_far(arguments.json)
    for size in arguments.sizes:
        prepare(arguments.faces, arguments.work, size)
        for kind in arguments.kinds:
            if (size, kind) in {(row["faces"], row["kind"]) for row in table}:
                continue
            if kind in NEEDS and importlib.util.find_spec(NEEDS[kind]) is None:
                print(f"{kind} is not installed: left out")
                continue
            row: Row = {"faces": size, "kind": kind}
            row |= _child("build", kind, size, arguments) | _child("search", kind, size, arguments)
            table = _table_so_far(arguments.json, row)
            print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)
            arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _table_so_far(path: Path, *more: Row) -> list[Row]:
    """The rows of an earlier run or of one beside this, and `more`, by size and kind."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return sorted([*rows, *more], key=lambda row: (row["faces"], list(KINDS).index(row["kind"])))


def prepare(faces: Path, work: Path, size: int) -> None:
    """Make the vectors of one size, the probes, and what they should find."""
    folder = work / str(size)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / "probes.npz").exists():
        return
    likely = LikelyFaces(*real_embeddings(faces, work / "real.npz"))
    first = next(likely.gallery(1))
    numbers = iter(range(size))
    blocks = ((np.fromiter(numbers, np.int64, len(block)), block) for block in likely.gallery(size))
    exact = ExactBase(write_exact(folder / "exact.base", first.shape[1], size, blocks))
    probes = likely.probes(PROBES + TUNING, size)
    np.savez(folder / "probes.npz", probes=probes, nearest=exact.scan(probes, NEAREST)[1])


def build(kind: str, work: Path) -> Row:
    """Build one kind, unless it is there, and say what that took."""
    folder = work / kind.replace(" ", "-")
    report = folder / "build.json"
    if not report.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        exact = ExactBase(open_base(work / "exact.base"))
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        KINDS[kind].build(exact, folder)
        row = {
            "build_s": round(time.perf_counter() - began_s, 1),
            "build_cpu_s": round(time.process_time() - began_cpu_s, 1),
            "files_mb": round(sum(file.stat().st_size for file in folder.iterdir()) / 1e6),
        }
        report.write_text(json.dumps(row), encoding="utf-8")
    built: Row = json.loads(report.read_text(encoding="utf-8"))
    return built


def measure(kind: str, work: Path) -> Row:
    """Open one kind and search it."""
    folder = work / kind.replace(" ", "-")
    exact = ExactBase(open_base(work / "exact.base"))
    with np.load(work / "probes.npz") as saved:
        probes, nearest = saved["probes"], saved["nearest"]
    for file in folder.iterdir():
        drop_from_cache(file)
    before_mb = status_mb("RssAnon")
    cold_s, _ = _timed_open(kind, folder, exact)
    warm_s, opened = _timed_open(kind, folder, exact)
    effort = _choose_effort(kind, opened, probes[PROBES:], nearest[PROBES:])
    recall = _recall(opened, probes[:PROBES], nearest[:PROBES])
    memory: Row = {
        "private_mb": status_mb("RssAnon") - before_mb,
        "mapped_mb": status_mb("RssFile"),
    }
    row: Row = {"load_cold_s": round(cold_s, 2), "load_s": round(warm_s, 2), "effort": effort}
    row |= {"recall": round(recall, 4)} | memory
    row |= _beside_flat(opened, exact, probes[:PROBES])
    row |= {f"queries_per_s_{n}": _throughput(opened, probes, n) for n in (1, 8)}
    if isinstance(opened, OpenedOurs):
        row |= _visible_ms(opened, probes)
    return row


def _timed_open(kind: str, folder: Path, exact: ExactBase) -> tuple[float, Opened]:
    """Seconds until the first answer."""
    began_s = time.perf_counter()
    opened = KINDS[kind].open(folder, exact)
    opened.search(exact.at(np.arange(1)), 1)
    return time.perf_counter() - began_s, opened


def _choose_effort(kind: str, opened: Opened, probes: Embeddings, nearest: Keys) -> int | None:
    """The least effort with which enough is found."""
    for effort in KINDS[kind].efforts:
        opened.set_effort(effort)
        if _recall(opened, probes, nearest) >= RECALL:
            return effort
    return KINDS[kind].efforts[-1] if KINDS[kind].efforts else None


def _recall(opened: Opened, probes: Embeddings, nearest: Keys) -> float:
    """Share of the nearest that are found."""
    found = [opened.search(probe[None], NEAREST) for probe in probes]
    hits = [np.isin(row, mine).sum() for row, mine in zip(nearest, found, strict=True)]
    return float(np.sum(hits) / nearest.size)


def _beside_flat(opened: Opened, exact: ExactBase, probes: Embeddings) -> Row:
    """Milliseconds of the index, and of the scan of everything, in turns; wall clock and CPU."""
    flat = exact.at(np.arange(exact.count))  # as FAISS's flat index holds it: in private memory
    mine, scans, mine_cpu, scans_cpu = [], [], [], []
    for number, probe in enumerate(probes):
        wall_s, cpu_s = _timed(lambda probe=probe: opened.search(probe[None], NEAREST))
        mine.append(wall_s)
        mine_cpu.append(cpu_s)
        if number % FLAT_EVERY == 0:  # not each time: it empties the caches that the index fills
            wall_s, cpu_s = _timed(lambda probe=probe: inner_products(probe[None], flat, NEAREST))
            scans.append(wall_s)
            scans_cpu.append(cpu_s)
    return {
        "p50_ms": _ms(mine, 50),
        "p99_ms": _ms(mine, 99),
        "cpu_ms": _ms(mine_cpu, 50),
        "flat_p50_ms": _ms(scans, 50),
        "flat_cpu_ms": _ms(scans_cpu, 50),
        "times_flat": round(float(np.median(scans) / np.median(mine)), 1),
        "times_flat_cpu": round(float(np.median(scans_cpu) / np.median(mine_cpu)), 1),
    }


def _throughput(opened: Opened, probes: Embeddings, clients: int) -> float:
    """Queries per second of so many threads together."""
    counts = [0] * clients
    end_s = time.perf_counter() + CLIENT_SECONDS

    def ask(client: int) -> None:
        while time.perf_counter() < end_s:
            probe = probes[(counts[client] * clients + client) % len(probes)]
            opened.search(probe[None], NEAREST)
            counts[client] += 1

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / CLIENT_SECONDS, 1)


def _visible_ms(opened: OpenedOurs, probes: Embeddings) -> Row:
    """Median and worst time of 100 until a face that is added is found."""
    times = []
    for number, probe in enumerate(probes[:100]):
        key = 10**9 + number
        began_s = time.perf_counter()
        opened.index.add(np.array([key]), probe[None])
        assert opened.search(probe[None], 1)[0] == key
        times.append(time.perf_counter() - began_s)
    return {"visible_p50_ms": _ms(times, 50), "visible_ms": _ms(times, 100)}


def _timed(call: Any) -> tuple[float, float]:  # noqa: ANN401 - any call
    wall_s, cpu_s = time.perf_counter(), time.thread_time()
    call()
    return time.perf_counter() - wall_s, time.thread_time() - cpu_s


def _ms(seconds: list[float], percentile: float) -> float:
    return round(1000 * float(np.percentile(seconds, percentile)), 3)


def _child(step: str, kind: str, size: int, arguments: argparse.Namespace) -> Row:
    command = [sys.executable, __file__, "--child", step, "--kinds", kind, "--sizes", str(size)]
    command += ["--work", str(arguments.work)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def drop_from_cache(file: Path) -> None:
    """Let the next reading come from the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def status_mb(name: str) -> int:
    """A figure of this process's memory in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return round(int(line.split()[1]) * 1024 / 1e6)
    raise KeyError(name)


if __name__ == "__main__":
    main()
