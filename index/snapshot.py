"""Snapshots: a vector index on disk, so that a start need not read every embedding from the store.

    header (JSON, padded to 1,024 bytes) | what the index saved

A snapshot is a copy that may be lost. It is written beside the old one and renamed over it, so a
crash leaves the old or the new; what does not fit or is damaged is refused, and the index is built
anew from the store.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from index.vector_index import VectorIndex

SUFFIX = ".snapshot"
FORMAT = 1
HEADER_BYTES = 1024
_CHUNK_BYTES = 2**20


class BadSnapshot(Exception):
    """The snapshot is missing, damaged, or of another gallery, encoder or kind."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a snapshot must belong to, to be of use.

    Attributes:
        gallery: id of the store.
        contract_hash: of the encoder.
        kind: of the vector index.
        dimension: D.
    """

    gallery: str
    contract_hash: str
    kind: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Header:
    """The first bytes of a snapshot: `seq` and `count` of the index, `sha256` of what follows."""

    format: int
    origin: Origin
    seq: int
    count: int
    sha256: str

    def to_bytes(self) -> bytes:
        """As it stands in the file."""
        return json.dumps(asdict(self)).encode().ljust(HEADER_BYTES)


def write_snapshot(path: Path, origin: Origin, index: VectorIndex) -> None:
    """Write a snapshot of an index that nobody changes meanwhile; it replaces the old one at once.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("w+b") as file:
            file.write(b" " * HEADER_BYTES)
            index.save(file)
            header = Header(FORMAT, origin, index.last_seq, index.size, _payload_sha256(file))
            file.seek(0)
            file.write(header.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def load_snapshot(path: Path, origin: Origin, index: VectorIndex) -> None:
    """Fill an index from its snapshot. The checksum is compared before anything is believed.

    Raises:
        BadSnapshot: there is none, or it is damaged or does not belong to `origin`.
    """
    try:
        with path.open("rb") as file:
            header = _read_header(file)
            if header.format != FORMAT or header.origin != origin:
                raise BadSnapshot(f"{path} belongs to another gallery, encoder or version")
            if _payload_sha256(file) != header.sha256:
                raise BadSnapshot(f"{path} is damaged: its checksum differs")
            file.seek(HEADER_BYTES)
            index.load(file, header.count)
            index.follow(header.seq)
    except OSError as error:
        raise BadSnapshot(f"{path} cannot be read: {error}") from error


def remove_others(folder: Path, keep: Iterable[Path]) -> None:
    """Remove what earlier encoders and crashes left, since those may hold faces erased later."""
    kept = set(keep)
    for file in folder.iterdir():
        if file not in kept and file.suffix in {SUFFIX, ".new"}:
            file.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder outlast a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_header(file: BinaryIO) -> Header:
    try:
        raw = json.loads(file.read(HEADER_BYTES))
        return Header(**{**raw, "origin": Origin(**raw["origin"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BadSnapshot(f"the header is damaged: {error}") from error


def _payload_sha256(file: BinaryIO) -> str:
    """Of all that follows the header."""
    digest = hashlib.sha256()
    file.seek(HEADER_BYTES)
    while piece := file.read(_CHUNK_BYTES):
        digest.update(piece)
    return digest.hexdigest()
