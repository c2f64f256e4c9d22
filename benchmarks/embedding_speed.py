"""How many crops a second an encoder embeds, by batch size, on a CPU or a GPU.

    python benchmarks/embedding_speed.py [--encoder FOLDER] [--device auto] [--seconds 5]
        [--json benchmarks/results/embedding_speed.json]

The graph is run by ONNX Runtime as the service runs it, on random crops. Latency is that of one
call; the first calls, in which memory is laid out, are left out.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

import encoders
from faces.encoder import OnnxEncoder

BATCHES = (1, 8, 32, 128)
WARM_UP = 3


def measure(encoder: OnnxEncoder, batch: int, seconds: float) -> dict[str, float]:
    """Crops a second and the median latency of a call with `batch` crops."""
    size = encoder.card.input.size_px
    shape = (batch, size, size, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for _ in range(WARM_UP):
        encoder.embed(crops)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or not times:
        began = time.perf_counter()
        encoder.embed(crops)
        times.append(time.perf_counter() - began)
    return {
        "crops/s": batch * len(times) / sum(times),
        "median ms a call": 1e3 * float(np.median(times)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Embedding throughput.")
    parser.add_argument("--encoder", type=Path, default=encoders.shipped())
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--smoke", action="store_true", help="a tenth of a second each")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    encoder = OnnxEncoder(
        options.encoder, device=options.device, threads=options.threads, batch=max(BATCHES)
    )
    seconds = 0.1 if options.smoke else options.seconds
    results = {str(batch): measure(encoder, batch, seconds) for batch in BATCHES}
    told = {
        "encoder": encoder.card.name,
        "device": encoder.device,
        "machine": platform.processor() or platform.machine(),
        "batches": results,
    }
    print(f"{encoder.card.name} on {encoder.device}")
    for batch, figures in results.items():
        speed, latency = figures.values()
        print(f"  batch {batch:>4}: {speed:9.1f} crops/s, {latency:8.2f} ms a call")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
