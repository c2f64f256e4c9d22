"""The job of benchmarks/peers.py done by the library face_recognition, in its own environment.

    python peers_face_recognition.py FOLDER

Reads how many seconds to work from a line of its input, answers with a line of JSON, and so on.
Default settings: the HOG detector, the small landmark model. The nearest of 10,000 by numpy.
"""

import json
import sys
import time
from pathlib import Path

import face_recognition  # type: ignore[import-not-found] # it is in an environment of its own
import numpy as np

FACES = 10_000
DIMENSION = 128


def main() -> None:
    """Work whenever asked."""
    paths = sorted(Path(sys.argv[1]).glob("*.jpg"))
    gallery = np.random.default_rng(0).standard_normal((FACES, DIMENSION))
    found = sum(search(path, gallery) for path in paths)
    print(json.dumps({"photos": len(paths), "found": found}), flush=True)
    for line in sys.stdin:
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < float(line):
            search(paths[done % len(paths)], gallery)
            done += 1
        print(json.dumps({"per_s": done / (time.perf_counter() - start)}), flush=True)


def search(path: Path, gallery: "np.typing.NDArray[np.float64]") -> bool:
    """Detect, embed, find the nearest nine; False where no face is found."""
    image = face_recognition.load_image_file(path)
    embeddings = face_recognition.face_encodings(image)
    for embedding in embeddings:
        np.argsort(face_recognition.face_distance(gallery, embedding))[:9]
    return bool(embeddings)


if __name__ == "__main__":
    main()
