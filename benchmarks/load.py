"""The service under load, beside its bare stages in the same run: latency, throughput, overload.

    python benchmarks/load.py [--faces N] [--rounds N] [--mixed MINUTES]

A service is started on a fresh gallery of N faces (made-up vectors with crops that are mere bytes)
and asked over loopback with photos of 500 x 500 px (made-up people from samples/). Bare is the same
work without a service: decode, detect (cascades, confirmation, landmarks), embed and search, called
directly by processes of their own, one a core, each with one thread. Bare and service take turns,
so that whatever else the machine does falls on both.

    alone       one client; its median beside the median of one bare process
    crowd       16 clients; its throughput beside that of as many bare processes as cores. What the
                load generator itself takes from the processors is measured and taken off.
    overload    4 times as many clients as 16, no pause after a refusal; what is answered, how late

`--mixed` instead searches, enrols, erases, lists and explains for so many minutes, kills clients in
the middle of their requests, and in the end looks for each enrolment that was acknowledged.
"""

import argparse
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from bulk import fill
from PIL import Image as Pictures

import encoders
import samples
from faces.confirmation import open_detector
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline
from index.gallery import Gallery

HERE = Path(__file__).parent
PHOTO_PX = 500
PHOTOS = 24
CLIENTS = 16
OVERLOAD_CLIENTS = 4 * CLIENTS
CORES = len(os.sched_getaffinity(0))
SLOW_S = 2.0

Row = dict[str, Any]
Found = tuple[float, int, str]
"""Seconds, status and the problem's type of one answer."""


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each turn")
    parser.add_argument("--mixed", type=float, metavar="MINUTES")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        data, spare = Path(folder) / "data", Path(folder) / "spare"
        fill(data, encoders.shipped(), arguments.faces)
        if arguments.mixed:
            with served(data) as (url, process):
                result = mixed(url, process, arguments.mixed * 60)
        else:
            fill(spare, encoders.shipped(), arguments.faces)
            result = compared(data, spare, arguments)
    result |= {"faces": arguments.faces, "cores": CORES, "photo_px": PHOTO_PX,
               "encoder": encoders.shipped().name, "load_average": os.getloadavg()[0]}  # fmt: skip
    name = "load_mixed.json" if arguments.mixed else "load.json"
    path = arguments.json or HERE / "results" / name
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "rounds"}, indent=2))


def photos() -> list[bytes]:
    """Photos of made-up people as JPEG, 500 x 500 px."""
    made = []
    for path in sorted(samples.people_folder().rglob("*.jpg"))[:PHOTOS]:
        picture = Pictures.open(path).convert("RGB").resize((PHOTO_PX, PHOTO_PX))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        made.append(file.getvalue())
    return made


class Bare:
    """The stages without a service, in one process with one thread."""

    def __init__(self, data: Path) -> None:
        cv2.setNumThreads(1)
        encoder = OnnxEncoder(encoders.shipped(), device="cpu", threads=1)
        self._pipeline = Pipeline(open_detector(encoder), encoder)
        self._pipeline.warm_up()
        self._gallery = Gallery.open(data, encoder=encoder.card)
        self.search(photos()[0])

    def search(self, data: bytes) -> float:
        """All stages for one photo; gives the seconds that they took, one by one and added up."""
        start = time.perf_counter()
        photo = self._pipeline.embed(data)
        embeddings = np.stack([found.embedding for found in photo.faces])
        self._gallery.search(embeddings, k=9)
        return time.perf_counter() - start

    def run(self, seconds: float) -> tuple[list[float], float]:
        """Search one photo after the other for so long; seconds of each, the processor's in all."""
        cpu_s = time.process_time()
        taken: list[float] = []
        pictures = photos()
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            taken.append(self.search(pictures[len(taken) % len(pictures)]))
        return taken, time.process_time() - cpu_s


_bare: list[Bare] = []  # of a child: a process pool has no other place for what it keeps


def open_bare(data: Path) -> None:
    """Make a child ready; for a process pool."""
    _bare.append(Bare(data))


def _run_bare(seconds: float) -> tuple[list[float], float]:
    return _bare[0].run(seconds)


@contextmanager
def served(data: Path, **environment: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A service on a data folder: its URL and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--data", str(data)],
        env={
            **os.environ,
            "LOOKALIKE_LOG_LEVEL": "warning",
            "LOOKALIKE_DEVICE": "cpu",
            **environment,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        while not (found := re.search(r"http://\S+", process.stdout.readline())):
            assert process.poll() is None, "the service has not started"
        yield found.group(), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def compared(data: Path, spare: Path, arguments: argparse.Namespace) -> Row:
    """Bare and service in turns."""
    seconds = arguments.seconds
    rounds: list[Row] = []
    with (
        ProcessPoolExecutor(CORES, initializer=open_bare, initargs=(spare,)) as bare,
        served(data) as (url, process),
    ):
        wait_for(bare)
        asked(url, 2, 2.0)
        for _ in range(arguments.rounds):
            before_mb = anon_mb(process.pid)
            alone_bare, bare_cpu_s = bare.submit(_run_bare, seconds).result()
            alone_cpu_s = cpu_seconds(process.pid)
            alone = asked(url, 1, seconds)
            alone_cpu_s = cpu_seconds(process.pid) - alone_cpu_s
            crowd_bare = together(bare, seconds)
            cpu_s = cpu_seconds(process.pid)
            crowd = asked(url, CLIENTS, seconds)
            cpu_s = cpu_seconds(process.pid) - cpu_s
            rounds.append(
                {
                    "alone_bare_p50_ms": 1000 * float(np.median(alone_bare)),
                    "alone_p50_ms": 1000 * p50(alone["answers"]),
                    "alone_bare_cpu_ms": 1000 * bare_cpu_s / len(alone_bare),
                    "alone_cpu_ms": 1000 * alone_cpu_s / max(1, alone["done"]),
                    "bare_per_s": crowd_bare,
                    "crowd_per_s": crowd["per_s"],
                    "crowd_statuses": crowd["statuses"],
                    "crowd_cpu_ms_each_with_refusals": 1000 * cpu_s / max(1, crowd["done"]),
                    "generator_cores": crowd["generator_cores"],
                    "crowd_per_s_less_generator": crowd["per_s"]
                    / (1 - crowd["generator_cores"] / CORES),
                    "anon_mb_before": before_mb,
                }
            )
            print(rounds[-1], flush=True)
        before_mb = anon_mb(process.pid)
        overload = asked(url, OVERLOAD_CLIENTS, 2 * seconds)
        after_mb = anon_mb(process.pid)
        again = asked(url, OVERLOAD_CLIENTS, 2 * seconds)
        in_the_end_mb = anon_mb(process.pid)
    accepted = [
        took for took, status, _ in (*overload["answers"], *again["answers"]) if status == 200
    ]

    def median(key: str) -> float:
        return float(np.median([row[key] for row in rounds]))

    return {
        "alone_ratio": float(
            np.median([row["alone_p50_ms"] / row["alone_bare_p50_ms"] for row in rounds])
        ),
        "crowd_ratio": float(
            np.median([row["crowd_per_s_less_generator"] / row["bare_per_s"] for row in rounds])
        ),
        "crowd_ratio_generator_not_taken_off": float(
            np.median([row["crowd_per_s"] / row["bare_per_s"] for row in rounds])
        ),
        "alone_ratio_of_cpu": float(
            np.median([row["alone_cpu_ms"] / row["alone_bare_cpu_ms"] for row in rounds])
        ),
        "bare_per_s": median("bare_per_s"),
        "crowd_per_s": median("crowd_per_s"),
        "alone_p50_ms": median("alone_p50_ms"),
        "alone_bare_p50_ms": median("alone_bare_p50_ms"),
        "overload": {
            "clients": OVERLOAD_CLIENTS,
            "statuses": [overload["statuses"], again["statuses"]],
            "accepted_p50_s": float(np.median(accepted)),
            "accepted_p99_s": float(np.percentile(accepted, 99)),
            "accepted_greatest_s": max(accepted),
            "accepted_above_2_s": sum(took > SLOW_S for took in accepted),
            "anon_mb": [before_mb, after_mb, in_the_end_mb],
        },
        "rounds": rounds,
    }


def wait_for(bare: ProcessPoolExecutor) -> None:
    """Let every process of the pool start and open what it needs."""
    together(bare, 1.0)


def together(bare: ProcessPoolExecutor, seconds: float) -> float:
    """Photos a second of as many bare processes as cores."""
    runs = [bare.submit(_run_bare, seconds) for _ in range(CORES)]
    return sum(len(taken) / sum(taken) for taken, _ in (run.result() for run in runs))


def asked(url: str, clients: int, seconds: float) -> Row:
    """Search with so many clients, each on its own connection, one request after the other."""
    pictures = photos()
    answers: list[Found] = []
    ends = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=1)

    def fire(number: int) -> None:
        with httpx.Client(base_url=url, timeout=30, limits=limits) as client:
            turn = number
            while time.monotonic() < ends:
                answers.append(post(client, pictures[turn % len(pictures)]))
                turn += 1

    began_s, cpu_s = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(fire, range(clients)))
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    done = sum(status == 200 for _, status, _ in answers)
    return {
        "answers": answers,
        "done": done,
        "per_s": done / took_s,
        "statuses": statuses(answers),
        "generator_cores": cpu_s / took_s,
    }


def post(client: httpx.Client, photo: bytes) -> Found:
    """One search."""
    start = time.perf_counter()
    try:
        answer = client.post("/search", content=photo, headers={"Content-Type": "image/jpeg"})
    except httpx.TransportError as error:
        return time.perf_counter() - start, 0, type(error).__name__
    kind = "" if answer.is_success else answer.json()["type"]
    if answer.status_code == 503:
        time.sleep(0.1)  # a tenth of what Retry-After asks for
    return time.perf_counter() - start, answer.status_code, kind


def statuses(answers: Sequence[Found]) -> dict[str, int]:
    """How often each status came, with its problem."""
    return dict(Counter(f"{status} {kind}".strip() for _, status, kind in answers))


def p50(answers: Sequence[Found]) -> float:
    """Median seconds of the answers that were none of trouble."""
    return float(np.median([took for took, status, _ in answers if status == 200]))


def mixed(url: str, process: "subprocess.Popen[str]", seconds: float) -> Row:
    """Everything at once for so long; then every acknowledged enrolment is looked for."""
    load = MixedLoad(url)
    memory = [anon_mb(process.pid)]
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(load.run, ends, seed) for seed in range(6)]
        running.append(pool.submit(load.kill_clients, ends))
        while time.monotonic() < ends:
            time.sleep(min(10.0, max(0.1, ends - time.monotonic())))
            memory.append(anon_mb(process.pid))
            print(f"{memory[-1]:.0f} MB, {load.statuses}", flush=True)
        for run in running:
            run.result()
    time.sleep(5)
    lost = load.lost()
    with httpx.Client(base_url=url, timeout=60) as client:
        text = client.get("/metrics").text
        descriptors = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
    return {
        "minutes": seconds / 60,
        "statuses": dict(load.statuses),
        "killed_clients": load.killed,
        "acknowledged": len(load.acknowledged),
        "erased": len(load.erased),
        "lost": lost,
        "erased_but_found": load.erased_but_found(),
        "anon_mb": [round(value, 1) for value in memory],
        "open_files_at_the_end": descriptors,
        "disconnected": metric(text, "lookalike_disconnected_total"),
        "overloaded": metric(text, "lookalike_overloaded_total"),
        "index_lag": metric(text, "lookalike_index_lag"),
    }


class MixedLoad:
    """Clients that do all sorts of things, and remember what they were promised."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._photos = photos()
        self._lock = threading.Lock()
        self._number = 0
        self.statuses: Counter[str] = Counter()
        self.acknowledged: dict[str, str] = {}
        self.erased: set[str] = set()
        self.killed = 0

    def run(self, ends: float, seed: int) -> None:
        """Ask until the end."""
        choice = random.Random(seed)
        shares: dict[Callable[[httpx.Client, random.Random], httpx.Response], int] = {
            self._search: 60,
            self._enrol: 25,
            self._erase: 6,
            self._list: 8,
            self._explain: 1,
        }
        actions, weights = list(shares), list(shares.values())
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while time.monotonic() < ends:
                [action] = choice.choices(actions, weights)
                answer = action(client, choice)
                kind = "" if answer.is_success else answer.json()["type"]
                name = action.__name__.strip("_")
                with self._lock:
                    self.statuses[f"{name} {answer.status_code} {kind}".strip()] += 1
                if answer.status_code == 503:
                    time.sleep(0.2)

    def kill_clients(self, ends: float) -> None:
        """Let curl begin to search and to enrol, and kill it soon after."""
        choice = random.Random(99)
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(self._photos[0])
            file.flush()
            while time.monotonic() < ends:
                command = ["curl", "--silent", "--output", os.devnull, "--limit-rate", "2M"]
                if self.killed % 2:
                    command += ["-F", f"image=@{file.name}", f"{self._url}/search"]
                else:
                    command += ["-F", f"images=@{file.name}", "-F", f"person=Killed {self.killed}"]
                    command += [f"{self._url}/gallery"]
                client = subprocess.Popen(command)
                time.sleep(choice.uniform(0.005, 0.3))
                client.kill()
                client.wait()
                self.killed += 1
                time.sleep(choice.uniform(0.1, 1.0))

    def lost(self) -> list[str]:
        """Faces whose enrolment was acknowledged, which nobody erased, and which are not there."""
        with httpx.Client(base_url=self._url, timeout=60) as client:
            kept = [face for face in self.acknowledged if face not in self.erased]
            return [face for face in kept if client.get(f"/gallery/{face}").status_code != 200]

    def erased_but_found(self) -> int:
        """Faces whose erasure was acknowledged, and which are there."""
        with httpx.Client(base_url=self._url, timeout=60) as client:
            return sum(client.get(f"/gallery/{face}").status_code == 200 for face in self.erased)

    def _photo(self, choice: random.Random) -> bytes:
        """A photo that nobody has sent before: one of ours, and bytes that a decoder passes by."""
        return choice.choice(self._photos) + choice.randbytes(8)

    def _search(self, client: httpx.Client, choice: random.Random) -> httpx.Response:
        return client.post("/search", files={"image": choice.choice(self._photos)})

    def _enrol(self, client: httpx.Client, choice: random.Random) -> httpx.Response:
        with self._lock:
            self._number += 1
            person = f"Mixed {self._number}"
        answer = client.post(
            "/gallery", data={"person": person}, files={"images": self._photo(choice)}
        )
        if answer.status_code == 201:
            [face] = answer.json()["enrolled"]
            with self._lock:
                self.acknowledged[face["face_id"]] = person
        return answer

    def _erase(self, client: httpx.Client, choice: random.Random) -> httpx.Response:
        with self._lock:
            there = [face for face in self.acknowledged if face not in self.erased]
            face = choice.choice(there) if there else "none"
            self.erased |= {face} & self.acknowledged.keys()
        answer = client.delete(f"/gallery/{face}")
        if answer.status_code != 204:
            self.erased.discard(face)
        return answer

    def _list(self, client: httpx.Client, choice: random.Random) -> httpx.Response:
        return client.get(choice.choice(["/gallery?limit=50", "/people?limit=50", "/info"]))

    def _explain(self, client: httpx.Client, choice: random.Random) -> httpx.Response:
        one, other = choice.sample(self._photos, 2)
        return client.post("/explain", files={"image_a": one, "image_b": other})


def metric(text: str, name: str) -> float | None:
    """A metric without labels."""
    found = re.search(rf"^{name} (\S+)", text, re.MULTILINE)
    return float(found.group(1)) if found else None


def anon_mb(pid: int) -> float:
    """Private memory of a process in MB."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found.group(1)) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Seconds that a process has had of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
