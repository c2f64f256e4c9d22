"""Photo sources: where photos come from, whatever their layout on disk.

    path -> open_source -> PhotoSource -> Photo, Photo, ... -> photo.read() -> bytes

Four layouts, told apart by looking:

    manifest  manifest.csv beside uncompressed tar shards; columns `path`, `shard`, `identity`
    tar       uncompressed tar files, or a folder of them; within, a folder per person
    folders   one folder per person, photos inside it
    flat      photos in one folder, nobody named

Photos come out in a stable order and their bytes are read only when asked for. Nothing is kept for
each photo but, once its shard is read from, some 50 bytes of where it lies in there.
"""

import csv
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from faces.errors import BadSource

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp"}
)
MANIFEST_FILE = "manifest.csv"

Kind = Literal["manifest", "tar", "folders", "flat"]

_TAR_SUFFIX = ".tar"


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
        self._shards = _Shards(path if path.is_dir() else path.parent)

    def __iter__(self) -> Iterator[Photo]:
        if self.kind == "manifest":
            yield from self._manifest_photos()
        elif self.kind == "tar":
            yield from self._tar_photos()
        elif self.kind == "folders":
            for folder in sorted(item for item in self.path.iterdir() if item.is_dir()):
                for file in _image_files(folder):
                    yield self._file_photo(file, folder.name)
        else:
            for file in _image_files(self.path):
                yield self._file_photo(file, None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def read(self, name: str, shard: str = "") -> bytes:
        """The bytes of the photo `name`; of a manifest, of that member of `shard`.

        Raises:
            BadSource: the file or the tar member cannot be read.
        """
        if shard:
            return self._shards.read(f"{shard}\n{name}")
        return _read_file(str(self.path / name))

    def _file_photo(self, file: Path, person: str | None) -> Photo:
        return Photo(file.relative_to(self.path).as_posix(), person, {}, _read_file, str(file))

    def _tar_photos(self) -> Iterator[Photo]:
        """The pictures in all tars, by the order of their names."""
        shards = [self.path] if self.path.is_file() else _tars(self.path)
        for shard in shards:
            for name in self._shards.names(shard.name):
                if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
                    first, *rest = PurePosixPath(name).parts
                    place = f"{shard.name}\n{name}"
                    yield Photo(name, first if rest else None, {}, self._shards.read, place)

    def _manifest_photos(self) -> Iterator[Photo]:
        with (self.path / MANIFEST_FILE).open(newline="", encoding="utf-8") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                name, shard = row.get("path"), row.get("shard")
                if not name or not shard:
                    raise BadSource(f"{file.name} line {line} has no `path` or no `shard`")
                place = f"{shard}\n{name}"
                yield Photo(name, row.get("identity") or None, row, self._shards.read, place)


@dataclass(frozen=True, slots=True, eq=False)
class _Members:
    """Where the files of a tar lie: columns, sorted by name, since there may be a million."""

    names: npt.NDArray[np.bytes_]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    def find(self, name: str) -> tuple[int, int]:
        """Offset and size in bytes.

        Raises:
            KeyError: there is no such member.
        """
        wanted = name.encode()
        place = int(np.searchsorted(self.names, np.bytes_(wanted)))
        if place == len(self.names) or self.names[place] != wanted:
            raise KeyError(name)
        return int(self.offsets[place]), int(self.sizes[place])


class _Shards:
    """The tar files of a manifest. Each is indexed once, when its first photo is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._members: dict[str, _Members] = {}
        self._lock = threading.Lock()

    def names(self, shard: str) -> Iterator[str]:
        """The names of the files in a shard, sorted.

        Raises:
            BadSource: it cannot be read.
        """
        for name in self._listed(shard).names:
            yield name.decode()

    def read(self, place: str) -> bytes:
        """The bytes of a place: shard and member, a line feed between."""
        shard, name = place.split("\n", 1)
        path = self._folder / shard
        try:
            offset, size = self._listed(shard).find(name)
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except KeyError:
            raise BadSource(f"{path} has no member {name!r}") from None
        except OSError as error:
            raise BadSource(f"shard {path} cannot be read: {error}") from error

    def _listed(self, shard: str) -> _Members:
        path = self._folder / shard
        if path.parent != self._folder:
            raise BadSource(f"shard {shard!r} lies outside {self._folder}")
        try:
            with self._lock:
                if shard not in self._members:
                    self._members[shard] = _tar_members(path)
            return self._members[shard]
        except (OSError, tarfile.TarError) as error:
            raise BadSource(f"shard {path} cannot be read: {error}") from error


def open_source(path: Path) -> PhotoSource:
    """Open the photos at `path`, whichever layout it has.

    Raises:
        BadSource: `path` is no folder, or holds no photos in any known layout.
    """
    if path.is_file() and path.suffix == _TAR_SUFFIX:
        return PhotoSource(path, "tar")
    if not path.is_dir():
        raise BadSource(f"{path} is not a folder and no tar file")
    if (path / MANIFEST_FILE).is_file():
        return PhotoSource(path, "manifest")
    if any(_has_images(item) for item in sorted(path.iterdir()) if item.is_dir()):
        return PhotoSource(path, "folders")
    if _has_images(path):
        return PhotoSource(path, "flat")
    if _tars(path):
        return PhotoSource(path, "tar")
    raise BadSource(
        f"{path} holds no photos: expected {MANIFEST_FILE} with tar shards, tar files, "
        f"one folder per person, or image files ({', '.join(sorted(IMAGE_SUFFIXES))})"
    )


def _tars(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_TAR_SUFFIX}"))


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


def _tar_members(path: Path) -> _Members:
    """The files of an uncompressed tar; of two with one name the later, as tar has it."""
    with tarfile.open(path, "r:") as tar:
        found = {item.name: (item.offset_data, item.size) for item in tar if item.isfile()}
    names = np.array([name.encode() for name in found], np.bytes_)
    places = np.array(list(found.values()), np.int64).reshape(-1, 2)
    order = np.argsort(names)
    return _Members(names[order], places[order, 0], places[order, 1])
