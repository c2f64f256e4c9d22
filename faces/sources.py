"""Photo sources: where photos come from, whatever their layout on disk.

    path -> open_source -> PhotoSource -> Photo, Photo, ... -> photo.read() -> bytes

Three layouts, told apart by looking:

    manifest  manifest.csv beside uncompressed tar shards; columns `path`, `shard`, `identity`
    folders   one folder per person, photos inside it
    flat      photos in one folder, nobody named

Photos come out in a stable order and their bytes are read only when asked for.
"""

import csv
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from faces.errors import BadSource

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp"}
)
MANIFEST_FILE = "manifest.csv"

Kind = Literal["manifest", "folders", "flat"]


class _Reader(Protocol):
    def __call__(self, place: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a source.

    Attributes:
        name: its path within the source, with forward slashes; unique there.
        person: who is on it, or None where the source does not say.
        row: the manifest's other columns; empty for folders.
    """

    name: str
    person: str | None
    row: Mapping[str, str] = field(repr=False)
    _read: _Reader = field(repr=False)
    _place: str = field(repr=False)

    def read(self) -> bytes:
        """The bytes of the photo.

        Raises:
            BadSource: the file or the tar member cannot be read.
        """
        return self._read(self._place)


class PhotoSource:
    """Photos at one path. Iterating again starts anew; reading is thread-safe."""

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path = path
        self.kind: Kind = kind
        self._shards = _Shards(path)

    def __iter__(self) -> Iterator[Photo]:
        if self.kind == "manifest":
            yield from self._manifest_photos()
        elif self.kind == "folders":
            for folder in sorted(item for item in self.path.iterdir() if item.is_dir()):
                for file in _image_files(folder):
                    yield self._file_photo(file, folder.name)
        else:
            for file in _image_files(self.path):
                yield self._file_photo(file, None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _file_photo(self, file: Path, person: str | None) -> Photo:
        return Photo(file.relative_to(self.path).as_posix(), person, {}, _read_file, str(file))

    def _manifest_photos(self) -> Iterator[Photo]:
        with (self.path / MANIFEST_FILE).open(newline="", encoding="utf-8") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                name, shard = row.get("path"), row.get("shard")
                if not name or not shard:
                    raise BadSource(f"{file.name} line {line} has no `path` or no `shard`")
                place = f"{shard}\n{name}"
                yield Photo(name, row.get("identity") or None, row, self._shards.read, place)


class _Shards:
    """The tar files of a manifest. Each is indexed once, when its first photo is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._members: dict[str, dict[str, tuple[int, int]]] = {}
        self._lock = threading.Lock()

    def read(self, place: str) -> bytes:
        """The bytes of a place: shard and member, a line feed between."""
        shard, name = place.split("\n", 1)
        path = self._folder / shard
        if path.parent != self._folder:
            raise BadSource(f"shard {shard!r} lies outside {self._folder}")
        try:
            with self._lock:
                if shard not in self._members:
                    self._members[shard] = _tar_members(path)
            offset, size = self._members[shard][name]
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except KeyError:
            raise BadSource(f"{path} has no member {name!r}") from None
        except (OSError, tarfile.TarError) as error:
            raise BadSource(f"shard {path} cannot be read: {error}") from error


def open_source(path: Path) -> PhotoSource:
    """Open the photos at `path`, whichever layout it has.

    Raises:
        BadSource: `path` is no folder, or holds no photos in any known layout.
    """
    if not path.is_dir():
        raise BadSource(f"{path} is not a folder")
    if (path / MANIFEST_FILE).is_file():
        return PhotoSource(path, "manifest")
    if any(_has_images(item) for item in sorted(path.iterdir()) if item.is_dir()):
        return PhotoSource(path, "folders")
    if _has_images(path):
        return PhotoSource(path, "flat")
    raise BadSource(
        f"{path} holds no photos: expected {MANIFEST_FILE} with tar shards, "
        f"one folder per person, or image files ({', '.join(sorted(IMAGE_SUFFIXES))})"
    )


def _image_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
    )


def _has_images(folder: Path) -> bool:
    return any(file.suffix.lower() in IMAGE_SUFFIXES for file in folder.rglob("*"))


def _read_file(place: str) -> bytes:
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise BadSource(f"{place} cannot be read: {error}") from error


def _tar_members(path: Path) -> dict[str, tuple[int, int]]:
    """Name -> (offset, size in bytes) of each file in an uncompressed tar."""
    with tarfile.open(path, "r:") as tar:
        return {item.name: (item.offset_data, item.size) for item in tar if item.isfile()}
