"""The process that `fuzz_uploads` watches: sends inputs to the app until it breaks or is done.

    python -m benchmarks.fuzz_target FOLDER INPUTS SEED

    input -> one byte: which request, one byte: how it is cut into pieces, the rest: its payload
          -> the whole app, by ASGI, in this process -> an answer that the API document knows

Inputs come from Atheris (libFuzzer), which watches which lines of ours, of the multipart parser and
of Pillow an input reaches; it starts from small pictures in each format. PNG's checksums are mended
in half of what it makes, since nearly nothing would get past them.
"""

import asyncio
import io
import json
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import atheris
import numpy as np
import numpy.typing as npt

with atheris.instrument_imports(include=["service", "faces", "python_multipart", "PIL"]):
    from PIL import Image

    from faces.types import Image as Pixels
    from samples.generator import make_person, render
    from service.app import create_app
    from service.settings import read_settings

Message = dict[str, Any]

HANG_S = 2.0
"""Of processor time: the wall clock also counts what others do on the machine."""

WALL_S = 600
"""A deadlock uses no processor time."""
LARGEST_BYTES = 1 << 16
TELL_EVERY = 1000
FACE_PX = 96
BOUNDARY = b"b"
FORM = b"multipart/form-data; boundary=b"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def part(name: bytes, content: bytes, file: bytes | None = None) -> bytes:
    """One part of a multipart body."""
    named = b'; filename="' + file + b'"' if file is not None else b""
    head = b'Content-Disposition: form-data; name="' + name + b'"' + named
    return b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """A multipart body."""
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


class Requests:
    """Turns an input into a request: path, query, content type, body."""

    def __init__(self, photo: bytes) -> None:
        self._photo = photo
        self._kinds: list[Callable[[bytes], tuple[str, bytes, bytes, bytes]]] = [
            lambda payload: ("/search", b"", b"image/jpeg", payload),
            lambda payload: ("/detect", b"", FORM, form(part(b"image", payload, b"a.jpg"))),
            lambda payload: ("/embed", b"faces=all", FORM, form(part(b"image", payload, b"a"))),
            lambda payload: ("/search", b"faces=all&k=3", FORM, payload),
            lambda payload: ("/gallery", b"", FORM, payload),
            lambda payload: ("/verify", b"", FORM, payload),
            lambda payload: ("/search", payload, b"image/jpeg", self._photo),
            lambda payload: ("/detect", b"", payload, form(part(b"image", self._photo, b"a"))),
            lambda payload: ("/gallery", b"", FORM, self._enrolment(payload)),
        ]

    def of(self, data: bytes) -> tuple[str, bytes, bytes, bytes]:
        """The request of an input, which has one byte at least."""
        return self._kinds[data[0] % len(self._kinds)](data[2:])

    def seeds(self, pictures: dict[str, bytes]) -> Iterator[bytes]:
        """Inputs to begin with."""
        for picture in pictures.values():
            for kind in (0, 1, 2):
                yield bytes((kind, 0)) + picture
        photo = part(b"image", self._photo, b"a.jpg")
        twice = part(b"image_a", self._photo, b"a"), part(b"image_b", self._photo, b"b")
        enrolled = part(b"person", b"Ada"), part(b"images", self._photo, b"a.jpg")
        for kind, body in ((3, form(photo)), (5, form(*twice)), (4, form(*enrolled))):
            for pieces in (0, 1, 40):
                yield bytes((kind, pieces)) + body
        yield b"\x06\x00k=3&group_by=face&min_similarity=0.5&collection=default"
        yield b"\x07\x00" + FORM
        yield b'\x08\x00Ada\x00{"from": "a holiday"}'

    def _enrolment(self, payload: bytes) -> bytes:
        person, _, metadata = payload.partition(b"\x00")
        photo = part(b"images", self._photo, b"a.jpg")
        return form(part(b"person", person), part(b"metadata", metadata), photo)


class Target:
    """The app, and what came of the inputs so far."""

    def __init__(self, folder: Path, told: Path) -> None:
        self._told = told
        self._app = create_app(read_settings(data=folder, workers=1))
        self._loop = asyncio.new_event_loop()
        self._lifespan = self._app.router.lifespan_context(self._app)  # it ends with its last name
        self._loop.run_until_complete(self._lifespan.__aenter__())
        self._app.state.resources.readiness.prepared.wait()
        paths = self._app.openapi()["paths"]
        self._known = {path: set(about.get("post", {"responses": ()})["responses"])
                       for path, about in paths.items()}  # fmt: skip
        self.requests = Requests(encoded(face(1), "JPEG"))
        self._statuses: Counter[str] = Counter()
        self._inputs, self._slowest_s = 0, 0.0

    def try_input(self, data: bytes) -> None:
        """Send one request; an answer that may not be is raised, and so ends the fuzzer."""
        data = data or b"\x00"
        began_s = time.process_time()
        path, query, content_type, body = self.requests.of(data)
        size = max(1, len(body) // (1 + data[1] if len(data) > 1 else 1))
        status, answer = self._send("POST", path, query, content_type, body, size)
        took_s = time.process_time() - began_s
        self._check(path, status, answer)
        if took_s > HANG_S:
            raise TimeoutError(f"{path} took {took_s:.1f} s of processor time")
        if status == 201:
            for enrolled in json.loads(answer)["enrolled"]:
                self._send("DELETE", f"/gallery/{enrolled['face_id']}", b"", b"", b"", 1)
        self._inputs += 1
        self._slowest_s = max(self._slowest_s, took_s)
        self._statuses[f"{path} {status}"] += 1
        if self._inputs % TELL_EVERY == 0:
            self._tell()

    def _check(self, path: str, status: int, answer: bytes) -> None:
        known = self._known[path]
        if status >= 500 or str(status) not in known:
            raise AssertionError(f"{path} answered {status}: {answer[:300]!r}")
        json.loads(answer)

    def _send(
        self, method: str, path: str, query: bytes, content_type: bytes, body: bytes, size: int
    ) -> tuple[int, bytes]:
        pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        messages: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ]
        messages[-1]["more_body"] = False
        coming = iter(messages)
        sent: list[Message] = []

        async def receive() -> Message:
            following = next(coming, None)
            if following is None:
                await asyncio.Event().wait()  # the client stays, and says no more
            assert following is not None
            return following

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(dict(message))

        headers = [(b"host", b"localhost"), (b"content-type", content_type)]
        scope: Message = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query,
            "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("h", 80),
        }  # fmt: skip
        self._loop.run_until_complete(self._app(scope, receive, send))
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    def _tell(self) -> None:
        line = {
            "inputs": self._inputs,
            "slowest_s": round(self._slowest_s, 3),
            "resident_mb": resident_mb(),
            "answers": dict(sorted(self._statuses.items())),
        }
        with self._told.open("a") as file:
            file.write(json.dumps(line) + "\n")


def face(seed: int) -> Pixels:
    """A made-up person, small."""
    return np.asarray(render(make_person(seed), size_px=FACE_PX))


def encoded(pixels: Pixels | npt.NDArray[np.uint16], format_name: str, **options: object) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_name, **options)
    return file.getvalue()


def pictures() -> dict[str, bytes]:
    """A small picture in each accepted format, and some of their less common kinds."""
    import pillow_heif  # noqa: PLC0415 - registers its writer for this process alone

    pillow_heif.register_heif_opener()
    whole, small = face(1), face(1)[::4, ::4]
    grey16 = (small[..., 0].astype(np.uint16) * 257).astype(np.uint16)
    made = {name: encoded(whole, name) for name in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF")}
    made |= {f"{name} small": encoded(small, name) for name in (*made, "GIF", "BMP")}
    made["progressive"] = encoded(whole, "JPEG", progressive=True)
    made["16 bits"] = encoded(grey16, "PNG")
    frames = [Image.fromarray(face(seed)[::4, ::4]) for seed in (2, 3)]
    made["moving"] = encoded(small, "GIF", save_all=True, append_images=frames)
    exif = Image.Exif()
    exif[0x0112] = 6
    made["turned"] = encoded(whole, "JPEG", exif=exif)
    return made


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Atheris' own mutation, and for every other seed the checksums of a PNG mended."""
    changed = bytes(atheris.Mutate(data, max_size))
    start = changed.find(SIGNATURE)
    if seed % 2 or start < 0:
        return changed
    return changed[:start] + mended(changed[start:])


def mended(png: bytes) -> bytes:
    """A PNG whose chunks have right checksums, as far as they are whole (PNG, section 5.3)."""
    fixed, at = bytearray(png), len(SIGNATURE)
    while at + 12 <= len(fixed):
        end = at + 8 + int.from_bytes(fixed[at : at + 4], "big")
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = zlib.crc32(fixed[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(fixed)


def resident_mb() -> int:
    """What this process holds of memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [found] = [line.split()[1] for line in lines if line.startswith("VmRSS")]
    return int(found) // 1024


def fuzz(folder: Path, inputs: int, seed: int) -> None:
    """Be the child: never returns."""
    corpus = folder / "corpus"
    corpus.mkdir()
    target = Target(folder / "data", folder / "told")
    for number, start in enumerate(target.requests.seeds(pictures())):
        (corpus / str(number)).write_bytes(start)
    options = {
        "runs": inputs, "seed": seed, "max_len": LARGEST_BYTES, "timeout": WALL_S,
        "rss_limit_mb": 4096, "artifact_prefix": f"{folder}/found-", "print_final_stats": 1,
    }  # fmt: skip
    arguments = [sys.argv[0], str(corpus), *(f"-{name}={value}" for name, value in options.items())]
    atheris.Setup(arguments, target.try_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
