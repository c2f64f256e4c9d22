"""Photo manifests: a CSV or Parquet file that names photos, who is on them and what to keep.

    people.csv: path, person [, shard, metadata, consent_reference, expires_at] -> Photo, Photo, ...

Paths are relative to the manifest's folder, and photos may not lie outside it; with `shard` they
are members of that tar file. `identity` counts as `person`. Other columns are not looked at.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from faces.errors import BadSource
from faces.sources import Photo, PhotoSource
from index.parquet import Row, describe, read_rows

SUFFIXES = (".csv", ".parquet")
_PERSON = ("person", "identity")


class PhotoManifest:
    """The photos of a manifest. Iterating again starts anew; reading is thread-safe."""

    def __init__(self, path: Path) -> None:
        """Look at the manifest's columns.

        Raises:
            BadSource: it cannot be read, or does not say where the photos are.
            BadImport: it is no Parquet file.
            ExtraMissing: it is one, and pyarrow is not installed.
        """
        self.path = path
        self._folder = path.parent.resolve()
        self._photos = PhotoSource(path.parent, "manifest")
        columns = describe(path)[1] if path.suffix == ".parquet" else _columns(path)
        if "path" not in columns:
            raise BadSource(f"{path} has no column `path`")

    def __len__(self) -> int:
        if self.path.suffix == ".parquet":
            return describe(self.path)[0]
        return sum(1 for _ in self._rows())

    def __iter__(self) -> Iterator[Photo]:
        for number, row in enumerate(self._rows(), start=1):
            texts = {key: _text(value) for key, value in row.items()}
            name = texts.get("path", "")
            person = next((texts[key] for key in _PERSON if texts.get(key)), None)
            place = f"{texts.get('shard', '')}\n{name}"
            yield Photo(name or f"row {number}", person, texts, self._read, place)

    def _rows(self) -> Iterator[Row]:
        if self.path.suffix == ".parquet":
            yield from read_rows(self.path)
            return
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                yield from csv.DictReader(file, restkey="", restval="")
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BadSource(f"{self.path} cannot be read: {error}") from error

    def _read(self, place: str) -> bytes:
        shard, name = place.split("\n", 1)
        if not shard and not (self._folder / name).resolve().is_relative_to(self._folder):
            raise BadSource(f"{name!r} lies outside {self._folder}")
        return self._photos.read(name, shard)


def _columns(path: Path) -> frozenset[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return frozenset(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadSource(f"{path} cannot be read: {error}") from error


def _text(value: object) -> str:
    return "" if value is None else str(value)
