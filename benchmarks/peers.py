"""Ours beside the library face_recognition: photos a second, doing the same job in the same run.

    python benchmarks/peers.py --python ENVIRONMENT/bin/python [--rounds N] [--seconds S]

The job: decode, detect, embed, and the nearest of 10,000. Each with its default settings, over the
same photos of 500 x 500 px (made-up people from samples/), in as many
processes as cores. They take turns, so that whatever else the machine does falls on both.

The environment, apart from ours, which needs none of it:

    pip install 'setuptools<80' dlib-bin face_recognition_models numpy pillow click
    pip install --no-deps face_recognition
"""

import argparse
import json
import os
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
from bulk import fill
from load import CORES, HERE, open_bare, photos, together

import encoders
from faces.confirmation import open_detector
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline

FACES = 10_000

Row = dict[str, Any]


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="of the other environment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each turn")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "peers.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder, ExitStack() as opened:
        data, pictures = Path(folder) / "data", Path(folder) / "photos"
        pictures.mkdir()
        for number, photo in enumerate(photos()):
            (pictures / f"{number:03}.jpg").write_bytes(photo)
        fill(data, encoders.shipped(), FACES)
        theirs = [opened.enter_context(Peer(arguments.python, pictures)) for _ in range(CORES)]
        ours = opened.enter_context(
            ProcessPoolExecutor(CORES, initializer=open_bare, initargs=(data,))
        )
        together(ours, 1.0)
        found, *_ = [peer.answer() for peer in theirs]
        rounds = []
        for _ in range(arguments.rounds):
            row = {"ours_per_s": together(ours, arguments.seconds)}
            row["theirs_per_s"] = all_together(theirs, arguments.seconds)
            row["ratio"] = row["ours_per_s"] / row["theirs_per_s"]
            rounds.append(row)
            print("  ".join(f"{key} {value:.2f}" for key, value in row.items()), flush=True)
    result = {
        "photos": found["photos"],
        "found_by_theirs": found["found"],
        "found_by_ours": found_by_ours(),
        "ratio_median": float(np.median([row["ratio"] for row in rounds])),
        "cores": CORES,
        "gallery_faces": FACES,
        "encoder": encoders.shipped().name,
        "load_average": os.getloadavg()[0],
        "rounds": rounds,
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "rounds"}, indent=2))


class Peer:
    """A process with the other library."""

    def __init__(self, python: Path, pictures: Path) -> None:
        script = HERE / "peers_face_recognition.py"
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", str(script), str(pictures)],
            env={**environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, seconds: float) -> None:
        """Let it work for so long."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()

    def answer(self) -> Row:
        """What it says next."""
        assert self._process.stdout is not None
        said: Row = json.loads(self._process.stdout.readline())
        return said


def all_together(peers: list[Peer], seconds: float) -> float:
    """Photos a second of all peers at work at once."""
    for peer in peers:
        peer.ask(seconds)
    return float(sum(peer.answer()["per_s"] for peer in peers))


def found_by_ours() -> int:
    """In how many of the photos ours finds a face."""
    encoder = OnnxEncoder(encoders.shipped(), device="cpu", threads=1)
    pipeline = Pipeline(open_detector(encoder), encoder)
    return sum(bool(pipeline.detect(photo).faces) for photo in photos())


if __name__ == "__main__":
    main()
