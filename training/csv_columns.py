"""Columns of a large CSV file: a million rows in seconds, without a Python object for each cell.

    file -> blocks of whole lines -> where cells begin and end -> the wanted columns as bytes arrays

Python's csv module makes a string of every cell, which for a manifest of a million photos and 25
columns is most of the time. Lines without quotes need no such reader: commas and line feeds are all
there is to find. From the first block that has a quote or an odd number of cells on, the csv module
reads on, so that every file is understood alike.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.errors import BadSource

Cells: TypeAlias = npt.NDArray[np.bytes_]
"""One column of a block: bytes (rows,), UTF-8."""

Bytes: TypeAlias = npt.NDArray[np.uint8]

BLOCK_BYTES = 8 * 2**20
BLOCK_ROWS = 50_000
LONGEST = 1024
"""Bytes of a wanted cell at most: columns are arrays of equal width."""

COMMA, LINE_FEED, CARRIAGE_RETURN, QUOTE = b',\n\r"'


def read_header(path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        BadSource: the file cannot be read.
    """
    return _read_header(path)[0]


def read_columns(path: Path, wanted: Sequence[str]) -> Iterator[Mapping[str, Cells]]:
    """The wanted columns of a CSV file with a header, block by block.

    Args:
        path: of the file, UTF-8.
        wanted: names of columns; those that the file does not have are left out.

    Raises:
        BadSource: a row has not as many cells as the header, or a cell is too long.
    """
    header, lines = _read_header(path)
    columns = {name: header.index(name) for name in wanted if name in header}
    with path.open("rb") as file:
        for _ in range(lines):
            file.readline()
        while block := _whole_lines(file):
            cells = _split(np.frombuffer(block, np.uint8), columns, len(header))
            if cells is None:
                yield from _by_csv_module(path, block, file, columns, header)
                return
            yield cells


def _read_header(path: Path) -> tuple[list[str], int]:
    """The names of the columns, and how many lines they take."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            return next(reader, []), reader.line_num
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadSource(f"{path} cannot be read: {error}") from error


def _whole_lines(file: BinaryIO) -> bytes:
    block = file.read(BLOCK_BYTES)
    return block + file.readline() if block else b""


def _split(block: Bytes, columns: Mapping[str, int], width: int) -> Mapping[str, Cells] | None:
    """The columns of a block of lines; None if it takes the csv module to read it."""
    if block[-1] != LINE_FEED:
        block = np.append(block, np.uint8(LINE_FEED))
    ends = np.flatnonzero((block == COMMA) | (block == LINE_FEED))
    rows = int(np.count_nonzero(block == LINE_FEED))
    if len(ends) != rows * width or bool((block == QUOTE).any()):
        return None
    table = ends.reshape(rows, width)
    if not bool((block[table[:, -1]] == LINE_FEED).all()):
        return None
    starts = np.concatenate([[0], ends[:-1] + 1]).reshape(rows, width)
    returned = block[table[:, -1] - 1] == CARRIAGE_RETURN
    if np.count_nonzero(block == CARRIAGE_RETURN) != np.count_nonzero(returned):
        return None  # one within a line ends it, too, for the csv module
    table = table.copy()
    table[:, -1] -= returned
    return {name: _gather(block, starts[:, at], table[:, at]) for name, at in columns.items()}


def _gather(block: Bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> Cells:
    """The bytes from each start to its end, as an array of equal width."""
    lengths = ends - starts
    width = max(1, int(lengths.max()))
    if width > LONGEST:
        raise BadSource(f"a manifest's cell has {width} bytes; at most {LONGEST} are accepted")
    places = starts[:, None] + np.arange(width)
    taken = block[np.minimum(places, len(block) - 1)]
    taken[np.arange(width) >= lengths[:, None]] = 0
    cells: Cells = taken.view(f"S{width}")[:, 0]
    return cells


def _by_csv_module(
    path: Path, block: bytes, file: BinaryIO, columns: Mapping[str, int], header: list[str]
) -> Iterator[Mapping[str, Cells]]:
    """The columns of `block` and of the rest of the file."""
    file.seek(-len(block), io.SEEK_CUR)
    with io.TextIOWrapper(file, "utf-8", newline="") as text:
        reader = csv.reader(text)
        while rows := [row for row in islice(reader, BLOCK_ROWS) if row]:
            if odd := next((row for row in rows if len(row) != len(header)), None):
                raise BadSource(
                    f"{path.name}: the row of {odd[0]!r} has {len(odd)} cells; "
                    f"the header has {len(header)}"
                )
            yield {
                name: np.array([row[at].encode() for row in rows], np.bytes_)
                for name, at in columns.items()
            }
