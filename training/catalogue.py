"""The catalogue: what is known of a source's photos before any of them is opened.

    manifest.csv or files --read_catalogue--> columns (people, splits, hints), names --read--> bytes

A million photos take some 100 MB: every column is one array, names are one run of bytes, and no
Python object is kept for a photo. Columns are in the order of the source.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faces.errors import BadSource
from faces.sources import MANIFEST_FILE, PhotoSource
from training.csv_columns import Cells, read_columns, read_header
from training.framing import BOX_COLUMNS, LANDMARK_COLUMNS, Hints, hints_of, number

Codes: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float32]

BLOCK = 50_000
"""Files that are listed at one time."""

TEXT_COLUMNS = ("path", "shard", "identity", "split", "outlier")
NUMBER_COLUMNS = BOX_COLUMNS + LANDMARK_COLUMNS


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Many short texts as one run of bytes.

    Attributes:
        data: uint8 (total length,), UTF-8.
        ends: int64 (N,), where each text ends in `data`.
    """

    data: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> str:
        start = int(self.ends[row - 1]) if row else 0
        return self.data[start : self.ends[row]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    def take(self, rows: npt.NDArray[np.int64]) -> "Texts":
        """The texts of `rows`."""
        return make_texts(self[int(row)] for row in rows)


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A column with few different texts.

    Attributes:
        codes: int32 (N,), an index into `texts`.
        texts: the different texts, in the order in which they first occur.
    """

    codes: Codes
    texts: tuple[str, ...]

    def equal(self, text: str) -> npt.NDArray[np.bool_]:
        """Where the column has this text: bool (N,)."""
        if text not in self.texts:
            return np.zeros(len(self.codes), np.bool_)
        same: npt.NDArray[np.bool_] = self.codes == self.texts.index(text)
        return same


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The photos of one source, as columns of length N.

    Attributes:
        source: where their bytes are read.
        names: unique within the source.
        shards: the tar that each lies in; empty texts for plain files.
        people: who is on each; the empty text where nobody is named.
        splits: "train", "val", ... ; empty where the source does not say.
        outliers: why a photo was flagged by `lookalike data prepare`; mostly empty.
        boxes: float32 (N, 4), as `training.framing.BOX_COLUMNS`; nan where unknown.
        landmarks: float32 (N, 10), as `training.framing.LANDMARK_COLUMNS`; nan where unknown.
    """

    source: PhotoSource
    names: Texts
    shards: Labels
    people: Labels
    splits: Labels
    outliers: Labels
    boxes: Floats
    landmarks: Floats

    def __len__(self) -> int:
        return len(self.names)

    def hints(self, row: int) -> Hints:
        """What is known of the face on one photo."""
        return hints_of(self.boxes[row], self.landmarks[row])

    def read(self, row: int) -> bytes:
        """The bytes of one photo.

        Raises:
            BadSource: they cannot be read.
        """
        return self.source.read(self.names[row], self.shards.texts[self.shards.codes[row]])


def read_catalogue(source: PhotoSource) -> Catalogue:
    """Read the columns of a source.

    Raises:
        BadSource: the manifest is malformed.
    """
    blocks = _manifest_blocks(source) if source.kind == "manifest" else _file_blocks(source)
    names = TextsMaker()
    labels = {column: LabelsMaker() for column in TEXT_COLUMNS[1:]}
    numbers: list[Floats] = []
    for block in blocks:
        names.add(block["path"])
        rows = len(block["path"])
        for column, maker in labels.items():
            maker.add(block.get(column, np.zeros(rows, "S1")))
        numbers.append(np.full((rows, len(NUMBER_COLUMNS)), np.nan, np.float32))
        for place, column in enumerate(NUMBER_COLUMNS):
            if column in block:
                numbers[-1][:, place] = _numbers(block[column])
    matrix = np.concatenate([np.empty((0, len(NUMBER_COLUMNS)), np.float32), *numbers])
    return Catalogue(
        source,
        names.made(),
        labels["shard"].made(),
        labels["identity"].made(),
        labels["split"].made(),
        labels["outlier"].made(),
        matrix[:, : len(BOX_COLUMNS)],
        matrix[:, len(BOX_COLUMNS) :],
    )


def make_texts(texts: Iterable[str]) -> Texts:
    """Pack texts."""
    maker, remaining = TextsMaker(), iter(texts)
    while some := list(islice(remaining, BLOCK)):
        maker.add(np.array([text.encode() for text in some], np.bytes_))
    return maker.made()


def _manifest_blocks(source: PhotoSource) -> Iterator[Mapping[str, Cells]]:
    path = source.path / MANIFEST_FILE
    header = read_header(path)
    for needed in ("path", "shard"):
        if needed not in header:
            raise BadSource(f"{path} has no column `{needed}`")
    for block in read_columns(path, TEXT_COLUMNS + NUMBER_COLUMNS):
        for needed in ("path", "shard"):
            if (block[needed] == b"").any():
                raise BadSource(f"{path}: a row has no `{needed}`")
        yield block


def _file_blocks(source: PhotoSource) -> Iterator[Mapping[str, Cells]]:
    photos = iter(source)
    while some := [(photo.name, photo.person or "") for photo in islice(photos, BLOCK)]:
        names, people = ([text.encode() for text in texts] for texts in zip(*some, strict=True))
        yield {"path": np.array(names, np.bytes_), "identity": np.array(people, np.bytes_)}


def _numbers(cells: Cells) -> Floats:
    """float32 (N,); nan where a cell is empty or no number."""
    filled = np.where(cells == b"", b"nan", cells)
    try:
        return filled.astype(np.float32)
    except ValueError:
        return np.array([number(cell.decode()) for cell in cells.tolist()], np.float32)


class TextsMaker:
    """Packs texts, block by block."""

    def __init__(self) -> None:
        self._data: list[npt.NDArray[np.uint8]] = []
        self._lengths: list[npt.NDArray[np.int64]] = []

    def add(self, cells: Cells) -> None:
        """Take the next texts."""
        lengths = np.char.str_len(cells).astype(np.int64)
        matrix = np.ascontiguousarray(cells).view(np.uint8).reshape(len(cells), -1)
        self._data.append(matrix[np.arange(matrix.shape[1]) < lengths[:, None]])
        self._lengths.append(lengths)

    def made(self) -> Texts:
        """All texts so far."""
        lengths = np.concatenate([np.empty(0, np.int64), *self._lengths])
        return Texts(np.concatenate([np.empty(0, np.uint8), *self._data]), np.cumsum(lengths))


class LabelsMaker:
    """Numbers different texts in the order in which they first occur."""

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._codes: list[Codes] = []

    def add(self, cells: Cells) -> None:
        """Take the next texts."""
        # Equal neighbours count once: manifests mostly go person by person.
        begins = np.concatenate([[True], cells[1:] != cells[:-1]])[: len(cells)]
        heads = cells[begins].tolist()
        codes = [self._index.setdefault(head, len(self._index)) for head in heads]
        self._codes.append(np.array(codes, np.int32)[np.cumsum(begins) - 1])

    def made(self) -> Labels:
        """All texts so far."""
        codes = np.concatenate([np.empty(0, np.int32), *self._codes])
        return Labels(codes, tuple(text.decode() for text in self._index))
