"""A base on disk: a header and raw arrays, written once and mapped into memory.

    header (JSON, padded to 8,192 bytes) | arrays, each from a multiple of 4,096 bytes

Nothing but these arrays is in the file, so no parser is in danger from it. Digests of its blocks
are kept elsewhere, in the snapshot that names the file. The only change that a base ever sees is
that rows of erased faces are overwritten (with `BLANK`); digests are always of the content as it
is after that, so that a crash before or after the overwriting makes no difference.
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from index.files import sync_folder

FORMAT = 1
HEADER_BYTES = 8192
ALIGNMENT = 4096
BLOCK_BYTES = 4 * 2**20
DIGEST_BYTES = 32

BLANK = 0x80
"""What rows are overwritten with: 0 as a coarse byte, and next to 0 as float32."""

Array: TypeAlias = npt.NDArray[Any]
Ranges: TypeAlias = Sequence[tuple[int, int]]
"""Stretches of a file: offset and size in bytes."""


class BadFile(Exception):
    """A file of the index is missing, damaged, not ours, or of another version."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an array lies in the file."""

    offset: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def row(self, position: int) -> tuple[int, int]:
        """Offset and size of one row of the array."""
        size = self.nbytes // self.shape[0]
        return self.offset + position * size, size


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself: the kind of base, its numbers, and its arrays."""

    format: int
    kind: str
    numbers: Mapping[str, int]
    arrays: Mapping[str, Layout]

    def to_bytes(self) -> bytes:
        """As it stands in the file."""
        written = json.dumps(asdict(self)).encode()
        assert len(written) <= HEADER_BYTES
        return written.ljust(HEADER_BYTES)


class BaseWriter:
    """A base in the making, under a name of its own until it is whole.

    Arrays are mapped, so that what is written to them takes no memory of the process.
    """

    def __init__(self, path: Path, shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
        """Make the file.

        Args:
            path: of the finished base.
            shapes: name -> dtype and shape of each array.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        self._path = path
        self._fresh = path.with_suffix(".new")
        self._layouts: dict[str, Layout] = {}
        end = HEADER_BYTES
        for name, (dtype, shape) in shapes.items():
            self._layouts[name] = Layout(end, np.dtype(dtype).str, shape)
            end += -(-self._layouts[name].nbytes // ALIGNMENT) * ALIGNMENT
        with self._fresh.open("w+b") as file:
            os.posix_fallocate(file.fileno(), 0, end)  # a full disk says so here, not by SIGBUS
            os.fchmod(file.fileno(), 0o600)
        mapped = np.memmap(self._fresh, np.uint8, "r+")
        self._mapped = mapped
        self.arrays = {name: _view(mapped, layout) for name, layout in self._layouts.items()}

    def finish(self, kind: str, numbers: Mapping[str, int]) -> None:
        """Write the header, and give the file its name once all is on the disk."""
        header = Header(FORMAT, kind, numbers, self._layouts).to_bytes()
        self._mapped[:HEADER_BYTES] = np.frombuffer(header, np.uint8)
        self._mapped.flush()
        self._fresh.replace(self._path)
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Let go of the mapping, and of a file that was not finished."""
        self.arrays = {}
        del self._mapped
        self._fresh.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, eq=False)
class BaseFile:
    """An open base: its header, and its arrays as read-only views of the mapped file."""

    path: Path
    header: Header
    arrays: Mapping[str, Array]

    def rows(self, names: Sequence[str], positions: Sequence[int]) -> list[tuple[int, int]]:
        """The stretches of the file that these rows of these arrays take, in order."""
        layouts = [self.header.arrays[name] for name in names]
        return sorted(layout.row(position) for layout in layouts for position in positions)


def open_base(path: Path) -> BaseFile:
    """Map a base whose digests were compared.

    Raises:
        BadFile: it is not there, not only ours to write, or no base of this version.
    """
    check_trusted(path)
    try:
        mapped = np.memmap(path, np.uint8, "r")
        raw = json.loads(mapped[:HEADER_BYTES].tobytes())
        layouts = {
            name: Layout(layout["offset"], layout["dtype"], tuple(layout["shape"]))
            for name, layout in raw["arrays"].items()
        }
        header = Header(raw["format"], raw["kind"], raw["numbers"], layouts)
        if header.format != FORMAT:
            raise BadFile(f"{path} has the format {header.format}, not {FORMAT}")
        return BaseFile(path, header, {name: _view(mapped, at) for name, at in layouts.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFile(f"{path} is no base: {error}") from error


def check_trusted(path: Path, *, folder: bool = False) -> None:
    """Refuse a file that somebody else could have put there or could change; or such a folder.

    Raises:
        BadFile: not a regular file (or no folder), or another user owns or may write it.
    """
    try:
        status = path.lstat()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error}") from error
    expected = stat.S_ISDIR if folder else stat.S_ISREG
    if not expected(status.st_mode):
        raise BadFile(f"{path} is no {'folder' if folder else 'regular file'}")
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadFile(f"{path} could be written by others: it is not trusted")


def block_digests(path: Path, wiped: Ranges, known: bytes = b"") -> bytes:
    """SHA-256 of each block of the file, as if the stretches `wiped` were blank.

    Args:
        path: the file.
        wiped: the stretches, in order.
        known: earlier digests of the file; only blocks that `wiped` touches are read then.

    Raises:
        OSError: the file cannot be read.
    """
    touched: dict[int, list[tuple[int, int]]] = {}
    for offset, size in wiped:
        for block in range(offset // BLOCK_BYTES, (offset + size - 1) // BLOCK_BYTES + 1):
            touched.setdefault(block, []).append((offset, size))
    digests = bytearray(known)
    buffer = bytearray(BLOCK_BYTES)
    with path.open("rb", buffering=0) as file:
        blocks = -(-os.fstat(file.fileno()).st_size // BLOCK_BYTES)
        for block in sorted(touched) if known else range(blocks):
            file.seek(block * BLOCK_BYTES)
            size = file.readinto(buffer)
            for start, length in touched.get(block, ()):
                first = max(start - block * BLOCK_BYTES, 0)
                last = min(start + length - block * BLOCK_BYTES, size)
                buffer[first:last] = bytes([BLANK]) * (last - first)
            digest = hashlib.sha256(memoryview(buffer)[:size]).digest()
            digests[block * DIGEST_BYTES : (block + 1) * DIGEST_BYTES] = digest
    return bytes(digests)


def overwrite(path: Path, ranges: Ranges) -> None:
    """Make stretches of the file blank, on the disk too.

    Raises:
        OSError: the disk cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY)
    try:
        for offset, size in ranges:
            os.pwrite(descriptor, bytes([BLANK]) * size, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _view(mapped: Array, layout: Layout) -> Array:
    piece = np.asarray(mapped)[layout.offset : layout.offset + layout.nbytes]
    return piece.view(np.dtype(layout.dtype)).reshape(layout.shape)
