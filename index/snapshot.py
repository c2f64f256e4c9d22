"""Snapshots: the vector indexes on disk, so that a start need not read every embedding.

    NAME.snapshot             the sequence number, and which files belong to each collection
    NAME-COLLECTION-N.base    a base; written by a merge, mapped by every start
    NAME-COLLECTION-N.rest    digests of the base, tombstones, delta: what changes between merges

A snapshot may be lost. Its files are written under new names, and only then the one that names
them is replaced, so a crash leaves the old snapshot or the new one. What does not fit, is damaged,
or could have been written by somebody else is refused, and all is built anew from the store.

Rows of erased faces are overwritten in the base, after the snapshot that gives them tombstones.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.base_file import BadFile, block_digests, check_trusted, open_base, overwrite
from index.bases import Base, read_base
from index.files import write_whole
from index.layered_index import State
from index.manifest import Entry, Origin, read_manifest, write_manifest

SUFFIX = ".snapshot"
_OURS = {SUFFIX, ".base", ".rest", ".new"}


class BadSnapshot(Exception):
    """The snapshot is missing, damaged, not to be trusted, or of another gallery or encoder."""


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """What is known of a base on the disk: digests, and which rows are overwritten already."""

    base: Base | None
    digests: bytes
    wiped: frozenset[int]


class Snapshots:
    """The snapshot of one gallery for one encoder. One thread at a time may save it."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        """Look after a folder, in which other snapshots may be."""
        self._folder = folder
        self._origin = origin
        self._name = origin.contract_hash[:16]
        self._entries: dict[int, Entry] = {}
        self._written: dict[int, _Written] = {}
        self._number = 0

    @property
    def path(self) -> Path:
        """Of the file that names the others."""
        return self._folder / f"{self._name}{SUFFIX}"

    def new_base(self, collection: int) -> Path:
        """A path that no base has had."""
        return self._new(collection, ".base")

    def load(self) -> tuple[int, dict[int, State]]:
        """The sequence number and, for each collection, what its index held.

        Checksums are compared before anything is believed.

        Raises:
            BadSnapshot: there is none, or it is of no use.
        """
        try:
            check_trusted(self._folder, folder=True)
            seq, entries = read_manifest(self.path, self._origin)
            states = {key: self._read_state(key, entry) for key, entry in entries.items()}
        except (BadFile, OSError) as error:
            raise BadSnapshot(f"{self.path}: {error}") from error
        self._entries = entries
        return seq, states

    def save(self, seq: int, states: Mapping[int, State | None]) -> None:
        """Write a snapshot; it replaces the old one at once.

        Args:
            seq: up to where the change log is in it.
            states: what the index of each collection holds; None where that was saved before.

        Raises:
            OSError: the disk is full or cannot be written; the old snapshot is still there.
        """
        before, entries, written = self.files(), dict(self._entries), {}
        try:
            for key, state in states.items():
                if state is not None:
                    entries[key], written[key] = self._write_rest(key, state)
            write_manifest(self.path, self._origin, seq, entries)
        except OSError:
            for key in written:
                self._inside(entries[key].rest).unlink(missing_ok=True)
            raise
        self._entries = entries
        self._written |= written
        for state in states.values():
            if state is not None:
                self._wipe(state)
        for file in set(before) - set(self.files()):
            file.unlink(missing_ok=True)

    def finish_wiping(self, states: Iterable[State]) -> None:
        """Overwrite what a crash may have left after the last snapshot.

        Raises:
            OSError: the disk cannot be written.
        """
        for state in states:
            self._wipe(state)

    def files(self) -> list[Path]:
        """All files of the snapshot that was loaded or saved last."""
        names = [name for entry in self._entries.values() for name in (entry.base, entry.rest)]
        return [self.path, *(self._folder / name for name in names if name is not None)]

    def discard(self) -> None:
        """Remove all files of this encoder, also those that are not part of a snapshot yet."""
        remove_others(self._folder, keep=[], name=self._name)

    def _read_state(self, key: int, entry: Entry) -> State:
        rest = self._inside(entry.rest)
        check_trusted(rest)
        content = rest.read_bytes()
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise BadFile(f"{rest} is damaged: its checksum differs")
        dimension = self._origin.dimension
        sizes = [entry.digests, 8 * entry.dead, 8 * entry.delta, 4 * dimension * entry.delta]
        if sum(sizes) != len(content):
            raise BadFile(f"{rest} holds {len(content)} bytes, not {sum(sizes)}")
        digests, dead, keys, vectors = _cut(content, sizes)
        tombstones = np.frombuffer(dead, "<i8").astype(np.int64)
        base = None
        if entry.base is not None:
            base = self._read_base(self._inside(entry.base), tombstones, digests)
            self._written[key] = _Written(base, digests, frozenset(tombstones.tolist()))
        return State(
            base=base,
            dead=tombstones,
            keys=np.frombuffer(keys, "<i8").astype(np.int64),
            vectors=np.frombuffer(vectors, "<f4").reshape(-1, dimension).astype(np.float32),
        )

    def _read_base(self, path: Path, dead: "np.typing.NDArray[np.int64]", digests: bytes) -> Base:
        file = open_base(path)  # only its header is looked at, to know where rows are
        base = read_base(file)
        if base.at(np.empty(0, np.int64)).shape[1] != self._origin.dimension:
            raise BadFile(f"{path} is of another dimension")
        if block_digests(path, file.rows(base.row_arrays, dead.tolist())) != digests:
            raise BadFile(f"{path} is damaged: its checksums differ")
        return base

    def _write_rest(self, key: int, state: State) -> tuple[Entry, _Written]:
        written = _Written(None, b"", frozenset())
        if state.base is not None:
            written = self._digested(state.base, state.dead.tolist(), self._written.get(key))
        content = b"".join(
            [
                written.digests,
                state.dead.astype("<i8").tobytes(),
                state.keys.astype("<i8").tobytes(),
                state.vectors.astype("<f4").tobytes(),
            ]
        )
        rest = self._new(key, ".rest")
        write_whole(rest, content)
        entry = Entry(
            base=None if state.base is None else state.base.file.path.name,
            rest=rest.name,
            sha256=hashlib.sha256(content).hexdigest(),
            digests=len(written.digests),
            dead=len(state.dead),
            delta=len(state.keys),
        )
        return entry, written

    @staticmethod
    def _digested(base: Base, dead: list[int], before: _Written | None) -> _Written:
        """Digests of a base as it will be with these rows overwritten."""
        known, wiped = b"", frozenset[int]()
        if before is not None and before.base is base:
            known, wiped = before.digests, before.wiped
        rows = base.file.rows(base.row_arrays, [row for row in dead if row not in wiped])
        if rows or not known:
            known = block_digests(base.file.path, rows, known)
        return _Written(base, known, frozenset(dead))

    def _wipe(self, state: State) -> None:
        base = state.base
        if base is None:
            return
        rows = [row for row in state.dead.tolist() if base.holds_vector(row)]
        if rows:
            overwrite(base.file.path, base.file.rows(base.row_arrays, rows))

    def _new(self, collection: int, suffix: str) -> Path:
        while True:
            self._number += 1
            path = self._folder / f"{self._name}-{collection}-{self._number}{suffix}"
            if not path.exists():
                return path

    def _inside(self, name: str) -> Path:
        """A file of the folder by its name, which must not lead elsewhere."""
        if Path(name).name != name:
            raise BadFile(f"{name!r} is no file of this folder")
        return self._folder / name


def remove_others(folder: Path, keep: Iterable[Path], name: str = "") -> None:
    """Remove what earlier encoders and crashes left, since those may hold faces erased later.

    Args:
        folder: of the snapshots.
        keep: files that stay.
        name: with which those begin that go.
    """
    kept = set(keep)
    for file in folder.glob(f"{name}*"):
        if file not in kept and file.suffix in _OURS:
            file.unlink(missing_ok=True)


def _cut(content: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield content[start : start + size]
        start += size
