"""Data sets that are photo sources already, and LFW, which is a folder for each person.

folder for each person | LFW | manifest.csv with shards | photos of nobody in particular
"""

import os
from collections.abc import Iterator
from pathlib import Path

from faces.errors import BadSource
from faces.sources import IMAGE_SUFFIXES, PhotoSource, open_source
from training.framing import BOX_COLUMNS, LANDMARK_COLUMNS
from training.preparation.entries import CARRIED, SPLITS, Entry, SplitPolicy
from training.preparation.files import read_file, read_lines

LFW_FOLDERS = ("lfw_funneled", "lfw-deepfunneled", "lfw")
LFW_HOMES = ("", "lfw_home", "lfw-py")
"""Where scikit-learn (lfw_home) and torchvision (lfw-py) put them."""

LFW_SPLITS = {"peopleDevTrain.txt": "train", "peopleDevTest.txt": "test"}

_KNOWN = (*CARRIED, "width", "height", *BOX_COLUMNS, *LANDMARK_COLUMNS)


class SourceSet:
    """A photo source: a folder for each person, or a manifest with shards, or one flat folder."""

    def __init__(self, root: Path) -> None:
        """Open it.

        Raises:
            BadSource: there are no photos.
        """
        self._source: PhotoSource = open_source(root)

    def describe(self) -> dict[str, str | float | None]:
        """Layout and folder."""
        layout = "unlabelled" if self._source.kind == "flat" else self._source.kind
        return {"layout": layout, "root": str(self._source.path.resolve())}

    @property
    def usual_split(self) -> SplitPolicy:
        """A manifest says itself."""
        return "given" if self._source.kind == "manifest" else "people"

    def __iter__(self) -> Iterator[Entry]:
        for photo in self._source:
            row = photo.row
            columns = {column: row[column] for column in _KNOWN if row.get(column)}
            split = row.get("split", "")
            odd = "" if split in {"", *SPLITS} else f"split {split!r} is none of {SPLITS}"
            columns.setdefault("source", self._source.path.name)
            yield Entry(
                photo.name,
                photo.person or "",
                row.get("shard", ""),
                "" if odd else split,
                odd,
                columns,
            )

    def read(self, name: str, shard: str) -> bytes:
        """The bytes of a photo.

        Raises:
            BadSource: they cannot be read.
        """
        return self._source.read(name, shard)


class UnlabelledSet:
    """All photos below a folder, however they lie; whatever their folders are called is no name."""

    usual_split: SplitPolicy = "people"

    def __init__(self, root: Path) -> None:
        """Take the folder.

        Raises:
            BadSource: it is none.
        """
        if not root.is_dir():
            raise BadSource(f"{root} is not a folder")
        self._root = root

    def describe(self) -> dict[str, str | float | None]:
        """Layout and folder."""
        return {"layout": "unlabelled", "root": str(self._root.resolve())}

    def __iter__(self) -> Iterator[Entry]:
        for folder, below, files in os.walk(self._root):
            below.sort()
            for file in sorted(files):
                if Path(file).suffix.lower() in IMAGE_SUFFIXES:
                    name = (Path(folder) / file).relative_to(self._root).as_posix()
                    yield Entry(name, columns={"source": self._root.name})

    def read(self, name: str, shard: str) -> bytes:
        """The bytes of a photo.

        Raises:
            BadSource: they cannot be read.
        """
        assert not shard
        return read_file(self._root / name)


class LfwSet:
    """Labeled Faces in the Wild (Huang et al. 2007), as scikit-learn or torchvision leave it."""

    def __init__(self, root: Path) -> None:
        """Find the photos.

        Raises:
            BadSource: there are none.
        """
        found = find_lfw(root)
        if found is None:
            raise BadSource(f"{root} has no folder {', '.join(LFW_FOLDERS)}")
        self._folder = found
        self._source = open_source(found)
        if self._source.kind != "folders":
            raise BadSource(f"{found} has no folder for each person")

    @property
    def usual_split(self) -> SplitPolicy:
        """The development split is by people, where its lists are there."""
        return "given" if self._given() else "people"

    def describe(self) -> dict[str, str | float | None]:
        """Layout and folder."""
        return {"layout": "lfw", "root": str(self._folder.resolve())}

    def __iter__(self) -> Iterator[Entry]:
        given = self._given()
        for photo in self._source:
            folder = photo.person or ""
            split = given.get(folder, "")
            dropped = "in no list of the development split" if given and not split else ""
            yield Entry(
                photo.name,
                folder.replace("_", " "),
                split=split,
                dropped=dropped,
                columns={"source": self._folder.name},
            )

    def read(self, name: str, shard: str) -> bytes:
        """The bytes of a photo.

        Raises:
            BadSource: they cannot be read.
        """
        return self._source.read(name, shard)

    def _given(self) -> dict[str, str]:
        """Folder -> split, by `peopleDevTrain.txt` and `peopleDevTest.txt` beside the photos."""
        lists = [self._folder.parent / name for name in LFW_SPLITS]
        if not all(path.is_file() for path in lists):
            return {}
        return {
            line.split("\t")[0]: LFW_SPLITS[path.name]
            for path in lists
            for line in read_lines(path)[1:]  # the first says how many follow
            if line.strip()
        }


def find_lfw(root: Path) -> Path | None:
    """The folder of people's folders."""
    places = (root / home / name for home in LFW_HOMES for name in LFW_FOLDERS)
    return next((place for place in places if place.is_dir()), None)
