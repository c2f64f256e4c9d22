"""Exports: a gallery as files that others can read, and that an import restores.

    store -> faces-00001.parquet + crops-00001.tar, faces-00002.parquet + ...

The Parquet file of a shard is named last, so where there is one its shard is whole; an export that
was broken off goes on after the last whole shard. What changes meanwhile is not looked at again.
"""

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from index.database import Database, make_folder
from index.errors import Conflict
from index.face_rows import COLUMNS, ExportedFace, exported_faces
from index.files import explained, sync_file, sync_folder
from index.parquet import RowWriter, describe
from index.tables import CollectionRow, EncoderRow, FaceRow, GalleryRow

FORMAT = "lookalike-1"
FACES_PER_SHARD = 5000
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Exported:
    """How many faces an export has, and how many of them it had before."""

    faces: int
    before: int


def export(
    database: Database,
    target: Path,
    *,
    collection: str | None = None,
    faces_per_shard: int = FACES_PER_SHARD,
    progress: Callable[[int], None] | None = None,
) -> Exported:
    """Write all faces into a folder, or go on with it.

    Args:
        database: the store's; it may be in use.
        target: the folder; it is made if it is missing.
        collection: only this one; None for all.
        faces_per_shard: in one pair of files.
        progress: is told how many faces the folder has.

    Raises:
        Conflict: the folder has an export of another gallery, encoder or collection.
        ExtraMissing: pyarrow is not installed.
        StorageFull: no room.
        StoreUnavailable: the store cannot be read, or the folder not be written.
    """
    encoder_key, dimension, notes = _notes(database, collection)
    with explained(str(target)):
        make_folder(target)
        done, number, last_key = _whole_shards(target, notes)
        before = done
        which = [FaceRow.key > last_key]
        if collection is not None:
            which.append(CollectionRow.name == collection)
        pieces = exported_faces(database, encoder_key, dimension, which)
        for shard in _shards(pieces, faces_per_shard):
            number += 1
            for count in _write_shard(target, number, shard, notes):
                if progress is not None:
                    progress(done + count)
            done += count
    return Exported(done, before)


def count_faces(database: Database, collection: str | None = None) -> int:
    """How many faces an export will have."""
    query = select(func.count()).select_from(FaceRow)
    if collection is not None:
        query = query.join(CollectionRow, CollectionRow.key == FaceRow.collection_key)
        query = query.where(CollectionRow.name == collection)
    with database.read() as connection:
        return connection.scalar(query) or 0


def crops_beside(faces: Path) -> Path:
    """The file of crops that belongs to a file of faces."""
    return faces.with_name(faces.name.replace("faces-", "crops-", 1)).with_suffix(".tar")


def _notes(database: Database, collection: str | None) -> tuple[int, int, dict[str, str]]:
    """The key and dimension of the encoder, and what is noted in each file."""
    query = select(
        GalleryRow.id,
        EncoderRow.key,
        EncoderRow.name,
        EncoderRow.contract_hash,
        EncoderRow.dimension,
    ).join(EncoderRow, EncoderRow.key == GalleryRow.encoder_key)
    with database.read() as connection:
        gallery_id, key, name, contract_hash, dimension = connection.execute(query).one()
    return (
        key,
        dimension,
        {
            "format": FORMAT,
            "gallery_id": gallery_id,
            "encoder": name,
            "contract_hash": contract_hash,
            "collection": collection or "",
        },
    )


def _whole_shards(target: Path, notes: dict[str, str]) -> tuple[int, int, int]:
    """Faces, number and last key of the shards that are there already.

    Raises:
        Conflict: they are of another gallery, encoder or collection.
    """
    faces, last_key, found = 0, 0, sorted(target.glob("faces-*.parquet"))
    for path in found:
        rows, _, told = describe(path)
        for key, wanted in notes.items():
            if told.get(key) != wanted:
                raise Conflict(
                    f"{path} is of another export ({key} = {told.get(key)!r}, not {wanted!r}): "
                    "choose an empty folder"
                )
        faces += rows
        last_key = int(told["last_key"])
    for partial in target.glob(f"*{PARTIAL}"):
        partial.unlink()
    return faces, len(found), last_key


def _shards(
    pieces: Iterable[list[ExportedFace]], faces_per_shard: int
) -> Iterator[Iterator[list[ExportedFace]]]:
    """The same pieces, as many to a shard as are at least `faces_per_shard` faces."""
    source = iter(pieces)

    def one(first: list[ExportedFace]) -> Iterator[list[ExportedFace]]:
        count = len(first)
        yield first
        while count < faces_per_shard and (piece := next(source, None)) is not None:
            count += len(piece)
            yield piece

    while (first := next(source, None)) is not None:
        yield one(first)


def _write_shard(
    target: Path, number: int, pieces: Iterable[list[ExportedFace]], notes: dict[str, str]
) -> Iterator[int]:
    """Write one pair of files; tells after each piece how many faces it has."""
    faces = target / f"faces-{number:05d}.parquet"
    crops = crops_beside(faces)
    fresh_faces, fresh_crops = (path.with_name(path.name + PARTIAL) for path in (faces, crops))
    count, last_key = 0, 0
    with tarfile.open(fresh_crops, "w") as tar, RowWriter(fresh_faces, COLUMNS, notes) as writer:
        for piece in pieces:
            writer.write([face.row for face in piece])
            for face in piece:
                if face.crop is not None:
                    _append(tar, face.row["crop"], face.crop)
            count, last_key = count + len(piece), piece[-1].key
            yield count
        writer.note("last_key", str(last_key))
    for path in (fresh_faces, fresh_crops):
        path.chmod(0o600)
        sync_file(path)
    fresh_crops.rename(crops)
    fresh_faces.rename(faces)
    sync_folder(target)


def _append(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o600
    member.mtime = int(datetime.now(UTC).timestamp())
    tar.addfile(member, io.BytesIO(content))
