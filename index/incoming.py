"""Faces that come with an embedding: rows of exports, of Parquet files and of npz files.

    path -> open_rows -> RowSource -> Incoming, Incoming, ...

    export   faces-*.parquet beside crops-*.tar, as `lookalike gallery export` writes them
    parquet  one file with at least `person` and `embedding`
    npz      arrays `people` (N,) and `embeddings` (N, D); no pickles

A file says by which encoder its embeddings were made: `contract_hash`, noted in the Parquet file's
metadata, or as an array of the npz. Rows are read piece by piece, whatever their number.

Axes: N rows, D embedding dimension.
"""

import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from index.errors import BadImport
from index.exporting import crops_beside
from index.parquet import describe, read_rows

NPZ_ROWS_AT_ONCE = 1024
_NEEDED = {"person", "embedding"}


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """One row: columns as they are, and the context crop where there is one (else empty)."""

    name: str
    row: Mapping[str, Any]
    crop: bytes = field(repr=False)


class RowSource(Protocol):
    """Rows at one path. Iterating again starts anew."""

    @property
    def contract_hash(self) -> str:
        """Of the encoder that made the embeddings."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Incoming]: ...


def open_rows(path: Path) -> RowSource | None:
    """The rows at `path`; None if it holds photos, or nothing that is known here.

    Raises:
        BadImport: the files are malformed, of several encoders, or say of none.
        ExtraMissing: pyarrow is not installed.
    """
    if path.is_dir() and (files := sorted(path.glob("faces-*.parquet"))):
        return ParquetRows(files)
    if path.suffix == ".parquet" and "embedding" in describe(path)[1]:
        return ParquetRows([path])
    if path.suffix == ".npz":
        return NpzRows(path)
    return None


class ParquetRows:
    """Rows of Parquet files, with their crops in tar files beside them or in a column."""

    def __init__(self, files: list[Path]) -> None:
        """Look at the files' columns and notes.

        Raises:
            BadImport: see `open_rows`.
        """
        self._files = files
        self._count = 0
        contracts = set()
        for file in files:
            rows, columns, notes = describe(file)
            if lacking := _NEEDED - columns:
                raise BadImport(f"{file} has no column {' and no '.join(sorted(lacking))}")
            self._count += rows
            contracts.add(notes.get("contract_hash", ""))
        if len(contracts) > 1 or "" in contracts:
            raise BadImport(
                f"{files[0].parent} does not say by which one encoder its embeddings were made: "
                "each file needs the same `contract_hash` in its metadata"
            )
        self.contract_hash = contracts.pop()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Incoming]:
        for file in self._files:
            with ExitStack() as stack:
                crops = _Crops(crops_beside(file), stack)
                for number, row in enumerate(read_rows(file), start=1):
                    yield Incoming(f"{file.name} row {number}", row, crops.of(row))


class NpzRows:
    """Rows of an npz file; the embeddings are read piece by piece, the names at once."""

    def __init__(self, path: Path) -> None:
        """Read all but the embeddings.

        Raises:
            BadImport: see `open_rows`.
        """
        self._path = path
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.contract_hash = str(arrays["contract_hash"])
                self._columns = {
                    name: arrays[name].tolist()
                    for name in arrays.files
                    if name not in {"contract_hash", "embeddings"}
                }
            self._columns["person"] = self._columns.pop("people")
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise BadImport(
                f"{path} is no npz with contract_hash, people and embeddings: {error}"
            ) from error
        if len({len(column) for column in self._columns.values()}) != 1:
            raise BadImport(f"{path}: its arrays are not all of one length")

    def __len__(self) -> int:
        return len(self._columns["person"])

    def __iter__(self) -> Iterator[Incoming]:
        number = 0
        for piece in self._pieces():
            for embedding in piece:
                if number == len(self):
                    raise BadImport(f"{self._path}: more embeddings than people")
                row = {name: column[number] for name, column in self._columns.items()}
                number += 1
                yield Incoming(
                    f"{self._path.name} row {number}", {**row, "embedding": embedding}, b""
                )
        if number < len(self):
            raise BadImport(f"{self._path}: fewer embeddings than people")

    def _pieces(self) -> Iterator[npt.NDArray[Any]]:
        """The embeddings (n, D) in pieces: np.load would read all of them.

        Raises:
            BadImport: they are no table of numbers.
        """
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open("embeddings.npy") as file:
                shape, dtype = _npy_header(file)
                row_bytes = shape[1] * dtype.itemsize
                for start in range(0, shape[0], NPZ_ROWS_AT_ONCE):
                    rows = min(NPZ_ROWS_AT_ONCE, shape[0] - start)
                    yield np.frombuffer(file.read(rows * row_bytes), dtype).reshape(rows, shape[1])
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise BadImport(f"{self._path}: embeddings cannot be read: {error}") from error


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape (N, D) and type of the array that follows.

    Raises:
        ValueError: it is no table of floating-point numbers, row after row.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, by_column, dtype = np.lib.format.read_array_header_2_0(file)
    if len(shape) != 2 or by_column or dtype.kind != "f":
        raise ValueError(f"an array {shape} of {dtype}, not (N, D) of floating-point numbers")
    return shape, dtype


class _Crops:
    """The crops of one file of faces."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path = path
        self._tar: tarfile.TarFile | None = None
        if path.exists():
            try:
                self._tar = tarfile.open(path, "r:")  # noqa: SIM115 - the stack closes it
                stack.callback(self._tar.close)
            except tarfile.TarError as error:
                raise BadImport(f"{path} is no tar file: {error}") from error

    def of(self, row: Mapping[str, Any]) -> bytes:
        """The crop of a row; empty if it has none, or it is not there."""
        crop = row.get("crop")
        if isinstance(crop, bytes):
            return crop
        if not crop or self._tar is None:
            return b""
        try:
            member = self._tar.extractfile(crop)
        except KeyError:
            return b""
        return b"" if member is None else member.read()
