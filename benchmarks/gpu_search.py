"""Exact search on a GPU: vectors of 512 numbers, 1 and 10 million of them.

    python benchmarks/gpu_search.py [--device cuda] [--json benchmarks/results/gpu_search.json]

It wants faiss-gpu; with `--device cpu` the same is measured with faiss-cpu, to compare. Vectors are
random directions: for exact search their place does not matter. float16 halves the memory; its
recall is counted against float32 on the CPU over a part of the gallery.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np

DIMENSION = 512
PIECE = 250_000
NEAREST = 10
QUERIES = 64
SIZES = (1_000_000, 10_000_000)


def pieces(size: int) -> "list[tuple[int, int]]":
    """Seed and length of each piece, so that no more than one is in memory at a time."""
    return [(start, min(PIECE, size - start)) for start in range(0, size, PIECE)]


def vectors(seed: int, count: int) -> "np.ndarray[Any, Any]":
    """Random directions, float32 (count, 512)."""
    made = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def make_index(device: str) -> Any:  # noqa: ANN401  # faiss has no types
    """An empty exact index on the device."""
    if device == "cpu":
        return faiss.IndexFlatIP(DIMENSION)
    if not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
        sys.exit("faiss-gpu is not installed, or it sees no GPU")
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    return faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), DIMENSION, config)


def measure(device: str, size: int) -> dict[str, float]:
    """Build time, and time of a search by the number of probes in it."""
    index = make_index(device)
    began = time.perf_counter()
    for seed, count in pieces(size):
        index.add(vectors(seed, count))
    figures = {"seconds to make and add": time.perf_counter() - began}
    probes = vectors(10**9, QUERIES)
    for batch in (1, QUERIES):
        times = []
        for _ in range(12):
            began = time.perf_counter()
            index.search(probes[:batch], NEAREST)
            times.append(time.perf_counter() - began)
        figures[f"ms a search of {batch}"] = 1e3 * float(np.median(times[2:]))
    part = vectors(0, min(size, PIECE))
    exact = faiss.IndexFlatIP(DIMENSION)
    exact.add(part)
    small = make_index(device)
    small.add(part)
    want, found = (chosen.search(probes, NEAREST)[1] for chosen in (exact, small))
    same = [len(set(a) & set(b)) for a, b in zip(want, found, strict=True)]
    figures["recall@10"] = sum(same) / want.size
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Exact search on a GPU.")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--smoke", action="store_true", help="10,000 vectors")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = (10_000,) if options.smoke else SIZES
    results = {str(size): measure(options.device, size) for size in sizes}
    for size, figures in results.items():
        told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        print(f"{int(size):>12,}: {told}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        told_json = {"device": options.device, "sizes": results}
        options.json.write_text(json.dumps(told_json, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
