"""Whether an encoder in 8-bit integers is faster, and what it loses.

    python benchmarks/int8.py [--faces ../shared/faces] [--encoder FOLDER] [--threads 1]
        [--json benchmarks/results/int8.json]

The graph is quantised by ONNX Runtime's own tools in two ways: weights and activations, by what
calibration crops of train/celeba show (static), and weights alone with activations measured as
they come (dynamic). Speed is that of all graphs in turns, on the same crops; accuracy that of LFW
pairs. An 8-bit encoder is worth shipping only if it is faster and loses 0.3 points at most.
"""

import argparse
import json
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.quantization import QuantType, quantize_dynamic

import encoders
from faces.card import ENCODER_FILE, InputSpec, load_card
from faces.confirmation import ConfirmingDetector
from faces.landmarks import LandmarkNetwork
from faces.sources import open_source
from faces.types import Crops
from training.evaluation.pairs import read_pairs
from training.evaluation.probes import load_probes
from training.evaluation.verification import similarities, verify
from training.quantise import in_float32, quantise

Floats = npt.NDArray[np.float32]

CALIBRATED_BY = 512
TOGETHER = 64
ROUNDS = 7


def pixels_of(crops: Crops, spec: InputSpec) -> Floats:
    """What the graph takes: float32 (N, 3, S, S), normalised."""
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    scaled = (crops.astype(np.float32) / 255 - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def embeddings(session: ort.InferenceSession, pixels: Floats) -> Floats:
    """Embeddings (N, D), some crops at a time."""
    starts = range(0, len(pixels), TOGETHER)
    return np.concatenate(
        [session.run(None, {"pixels": pixels[at : at + TOGETHER]})[0] for at in starts]
    )


def seconds_for(session: ort.InferenceSession, pixels: Floats) -> float:
    """Processor time of one call."""
    began = time.process_time()
    session.run(None, {"pixels": pixels})
    return time.process_time() - began


def main() -> None:
    """Quantise, measure, print."""
    parser = argparse.ArgumentParser(description="Encoders in 8-bit integers.")
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--encoder", type=Path, default=encoders.shipped())
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    card = load_card(options.encoder)
    detector = ConfirmingDetector(LandmarkNetwork(encoders.landmark_network()))
    told = islice(open_source(options.faces / "train" / "celeba"), CALIBRATED_BY)
    calibrated_by = pixels_of(load_probes(list(told), detector, card.input).crops, card.input)
    lfw = load_probes(list(open_source(options.faces / "lfw_dev")), detector, card.input)
    pixels = pixels_of(lfw.crops, card.input)
    pairs = read_pairs(options.faces / "lfw_dev" / "pairs.csv", lfw.photos, lfw.people)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = folder / "float32.onnx"
        in_float32(options.encoder / ENCODER_FILE, whole)
        quantise(options.encoder / ENCODER_FILE, calibrated_by, folder / "static.onnx")
        quantize_dynamic(whole, folder / "dynamic.onnx", weight_type=QuantType.QUInt8)
        files = {
            "float16 weights, float32 arithmetic": options.encoder / ENCODER_FILE,
            "int8, static": folder / "static.onnx",
            "int8, dynamic": folder / "dynamic.onnx",
        }
        sizes = {kind: path.stat().st_size / 1e6 for kind, path in files.items()}
        sessions = {
            kind: ort.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
            for kind, path in files.items()
        }
    results: dict[str, dict[str, float]] = {}
    for count in (1, TOGETHER):
        for session in sessions.values():
            seconds_for(session, pixels[:count])  # the first call lays out memory
        taken: dict[str, list[float]] = {kind: [] for kind in sessions}
        for _ in range(ROUNDS * TOGETHER // count):
            for kind, session in sessions.items():
                taken[kind].append(seconds_for(session, pixels[:count]))
        for kind, times in taken.items():
            figures = results.setdefault(kind, {"MB": sizes[kind]})
            figures[f"ms a crop, batch {count}"] = 1e3 * statistics.median(times) / count
    for kind, session in sessions.items():
        units = embeddings(session, pixels)
        judged = verify(similarities(units, pairs.first, pairs.second), pairs, lfw.people)
        results[kind]["LFW pairs"] = judged["accuracy"]["value"]
        print(kind, {name: round(value, 4) for name, value in results[kind].items()}, flush=True)
    if options.json is not None:
        told_as = {"encoder": card.name, "threads": options.threads, "kinds": results}
        options.json.write_text(json.dumps(told_as, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
