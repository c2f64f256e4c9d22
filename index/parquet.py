"""Parquet files, in pieces: the only file that imports pyarrow, which the extra `parquet` brings.

    path -> read_rows -> row, row, ...      rows are mappings from column to value
    rows -> RowWriter -> path               columns and their types are given as a schema

pyarrow is imported when a file is opened, so everything else works without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Literal, Self, TypeAlias

from index.errors import BadImport, ExtraMissing

ROWS_AT_ONCE = 512

Column: TypeAlias = Literal["text", "integer", "number", "truth", "time", "vector"]
"""Types of columns; "vector" is a list of float32 and "time" is in UTC, in microseconds."""

Row: TypeAlias = Mapping[str, Any]


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, with a few hundred in memory at a time.

    Raises:
        BadImport: it is no Parquet file, or damaged.
        ExtraMissing: pyarrow is not installed.
    """
    _, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except _errors() as error:
        raise BadImport(f"{path} cannot be read as Parquet: {error}") from error


def describe(path: Path) -> tuple[int, frozenset[str], dict[str, str]]:
    """The number of rows, the names of the columns, and what is noted beside them.

    Raises:
        BadImport: it is no Parquet file, or damaged.
        ExtraMissing: pyarrow is not installed.
    """
    _, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            noted = file.metadata.metadata or {}
            notes = {key.decode(): value.decode("utf-8", "replace") for key, value in noted.items()}
            return file.metadata.num_rows, frozenset(file.schema_arrow.names), notes
    except _errors() as error:
        raise BadImport(f"{path} cannot be read as Parquet: {error}") from error


class RowWriter:
    """Writes one file, piece by piece; a context."""

    def __init__(self, path: Path, schema: Mapping[str, Column], notes: Mapping[str, str]) -> None:
        """Begin a file with these columns and notes.

        Raises:
            ExtraMissing: pyarrow is not installed.
        """
        arrow, parquet = _pyarrow()
        self._arrow = arrow
        types = {
            "text": arrow.string(),
            "integer": arrow.int64(),
            "number": arrow.float64(),
            "truth": arrow.bool_(),
            "time": arrow.timestamp("us", tz="UTC"),
            "vector": arrow.list_(arrow.float32()),
        }
        fields = [(name, types[kind]) for name, kind in schema.items()]
        self._schema = arrow.schema(fields, metadata=dict(notes))
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def note(self, key: str, value: str) -> None:
        """Note something that is known only now beside the rows."""
        self._writer.add_key_value_metadata({key: value})

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows."""
        self._writer.write_table(self._arrow.Table.from_pylist(list(rows), schema=self._schema))


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    """The package, and its part for Parquet.

    Raises:
        ExtraMissing: it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ExtraMissing("Parquet", package="pyarrow", extra="parquet") from error
    return pa, parquet


def _errors() -> tuple[type[Exception], ...]:
    arrow, _ = _pyarrow()
    return (arrow.ArrowException, OSError)
