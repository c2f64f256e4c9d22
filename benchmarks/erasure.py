"""How long erasing takes to leave no byte, by the size of the gallery.

    python -m benchmarks.erasure --faces 20000 200000

Enrols made-up people (vectors like each other within a person, crops of random bytes) and starts
`lookalike serve` on their folder. Once it has merged its index, one person is erased by HTTP, and
every file of the data folder is searched for what may not be left: the name, pieces of each crop,
and each vector, both as the store holds it and as the rows of the index do.

First the file is watched with one of each until none is left; then all of them are looked for.
"""

import argparse
import json
import mmap
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt

from encoders import shipped
from faces.card import Card, load_card
from faces.types import Box, Embeddings
from index.base_file import open_base
from index.gallery import INDEX_FOLDER, Gallery
from index.merge_rules import Rules
from index.records import NewFace

CROP_BYTES = 2_000
FACES_PER_PERSON = 20
PEOPLE_TOGETHER = 25
DEVIATION = 0.5
"""How far a face is from its person's mean vector, of unit length."""

PIECE_BYTES = 24
"""Length of what is searched for."""

PIECE_EVERY = 512
LIMIT_S = 60.0
MERGE_LIMIT_S = 3600.0

Needles = Mapping[str, Sequence[bytes]]
"""What may not be left, by what it is of."""

Row = dict[str, float | str | bool]


@dataclass(frozen=True)
class Crowd:
    """People of random faces; the same number is always the same person."""

    dimension: int

    def person(self, number: int) -> list[NewFace]:
        """All faces of one of them."""
        dice = np.random.default_rng(number)
        mean = _unit(dice.standard_normal(self.dimension))
        return [
            NewFace(
                person=f"Person {number:07d} of the crowd",
                source_name=f"{number:07d}-{place}.jpg",
                photo_sha256=dice.bytes(32).hex(),
                box=Box(0, 0, 96, 96),
                confidence=0.9,
                embedding=_unit(mean + DEVIATION * _unit(dice.standard_normal(self.dimension))),
                context=dice.bytes(CROP_BYTES),
            )
            for place in range(FACES_PER_PERSON)
        ]


def fill(data: Path, card: Card, people: int) -> None:
    """Enrol a crowd, as a builder does."""
    crowd = Crowd(card.dimension)
    with Gallery.open(data, encoder=card) as gallery:
        for start in range(0, people, PEOPLE_TOGETHER):
            some = range(start, min(people, start + PEOPLE_TOGETHER))
            gallery.add([face for number in some for face in crowd.person(number)])


@contextmanager
def served(data: Path, encoder: Path) -> Iterator[httpx.Client]:
    """A client of the service on this folder."""
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0"]
    command += ["--data", str(data), "--encoder", str(encoder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = ""
        while not (address := re.search(r"http://[\w.:]+", said)):
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the service did not start: {said}")
            said += line
        with httpx.Client(base_url=address.group(), timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def wait_for_merge(client: httpx.Client, faces: int) -> str:
    """Wait until the index is of the kind that it should be; gives that."""
    wanted = Rules().kind_for("auto", faces)
    end_s = time.monotonic() + MERGE_LIMIT_S
    while (kind := client.get("/info").json()["gallery"]["index"]["kind"]) != wanted:
        if time.monotonic() > end_s:
            raise RuntimeError(f"the index is still {kind} after {MERGE_LIMIT_S:.0f} s")
        time.sleep(2)
    time.sleep(5)  # until the snapshot is there, too
    return str(kind)


def needles(data: Path, card: Card, victim: int) -> Needles:
    """What of a person is in the files, as text, pixels and vectors."""
    faces = Crowd(card.dimension).person(victim)
    found = {"name": [str(faces[0].person).encode()]}
    found["crop"] = [
        face.context[start : start + PIECE_BYTES]
        for face in faces
        for start in range(0, CROP_BYTES - PIECE_BYTES, PIECE_EVERY)
    ]
    found["vector"] = [face.embedding.astype("<f4").tobytes()[:PIECE_BYTES] for face in faces]
    keys = np.arange(victim * FACES_PER_PERSON, (victim + 1) * FACES_PER_PERSON) + 1
    for base in (data / INDEX_FOLDER).glob("*.base"):
        for name, rows in _rows(base, keys).items():
            found[f"index {name}"] = [row.tobytes()[:PIECE_BYTES] for row in rows]
    return found


def _rows(base: Path, keys: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.uint8]]:
    """The rows of a base that hold the vectors of these faces."""
    arrays = open_base(base).arrays
    places = np.flatnonzero(np.isin(arrays["keys"], keys))
    return {name: arrays[name][places] for name in ("vectors", "coarse", "fine") if name in arrays}


def left(folder: Path, wanted: Needles) -> dict[str, int]:
    """How many of the needles of each kind some file of the folder holds."""
    found: dict[str, set[bytes]] = {kind: set() for kind in wanted}
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                for kind, some in wanted.items():
                    found[kind] |= {n for n in some if n not in found[kind] and data.find(n) >= 0}
        except (FileNotFoundError, ValueError):  # gone meanwhile, or empty
            continue
    return {kind: len(some) for kind, some in found.items()}


def measure(count: int, folder: Path, encoder: Path) -> Row:
    """Enrol `count` faces, erase one person of a running service, and watch the files."""
    card, people = load_card(encoder), count // FACES_PER_PERSON
    victim = people // 2
    fill(folder, card, people)
    with served(folder, encoder) as client:
        kind = wait_for_merge(client, count)
        wanted = needles(folder, card, victim)
        watched = {kind: some[:1] for kind, some in wanted.items()}
        before = left(folder, watched)
        name = wanted["name"][0].decode()
        [person] = client.get("/people", params={"q": name}).json()["items"]
        began_s = time.perf_counter()
        client.delete(f"/people/{person['person_id']}").raise_for_status()
        answered_s = time.perf_counter()
        while any(left(folder, watched).values()) and time.perf_counter() - answered_s < LIMIT_S:
            time.sleep(0.2)
        clean_s = time.perf_counter()
        after = left(folder, wanted)
        searched_s = time.perf_counter()
    return {
        "faces": count,
        "dimension": card.dimension,
        "index": kind,
        "folder_mb": round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6),
        "all_found_before": all(before.values()),
        "answer_ms": round((answered_s - began_s) * 1000),
        "clean_s": round(clean_s - answered_s, 2),
        "searched_until_s": round(searched_s - answered_s, 2),
        "looked_for": sum(len(some) for some in wanted.values()),
        "left": sum(after.values()),
    }


def _unit(vector: npt.NDArray[np.floating]) -> Embeddings:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def main() -> None:
    """Measure each size, print it and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--faces", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--encoder", type=Path, default=shipped())
    parser.add_argument("--folder", type=Path, help="where to put the galleries")
    parser.add_argument(
        "--json", type=Path, default=Path(__file__).parent / "results" / "erasure.json"
    )
    options = parser.parse_args()
    rows = []
    for count in options.faces:
        folder = Path(tempfile.mkdtemp(dir=options.folder))
        try:
            rows.append(measure(count, folder / "data", options.encoder))
        finally:
            shutil.rmtree(folder)
        print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
