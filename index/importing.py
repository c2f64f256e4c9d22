"""The import of faces that come with embeddings, in batches, going on where it was stopped.

    rows -> checked -> by another encoder? known already, or embedded anew -> Gallery.add -> report

A batch is one transaction. A row counts when its batch is committed; the next run skips by content
what is there. Embeddings of another encoder are never stored: those faces are embedded from their
crops, or rejected where there is none.

Axes: D embedding dimension.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from faces.errors import FaceError
from faces.types import Box
from index.build import BuildReport, Progress
from index.checkup import Embed
from index.details import details_of, time_of
from index.errors import BadImport, Conflict, GalleryError, InvalidEmbedding
from index.gallery import Gallery
from index.incoming import Incoming, RowSource
from index.names import clean_name
from index.preparing import Rejected
from index.records import NewFace, Vector
from index.tables import DEFAULT_COLLECTION
from index.vectors import checked

BATCH_FACES = 256
"""Faces in one transaction."""


def import_rows(
    gallery: Gallery,
    source: RowSource,
    *,
    contract_hash: str,
    embed: Embed,
    collection: str | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Enrol all rows of a source.

    Args:
        gallery: takes the faces; a service may have it open, too.
        source: the rows.
        contract_hash: of the gallery's encoder; rows of another one are embedded from their crops.
        embed: does so.
        collection: where to; None takes the collection that each row names, and makes it.
        progress: is told how far it is.

    Raises:
        BadImport: the files are damaged.
        StoreError: the gallery cannot be written; what was reported as done is kept.
    """
    started_s = time.perf_counter()
    work = _Import(gallery, embed, anew=source.contract_hash != contract_hash)
    rows = iter(source)
    while batch := list(islice(rows, BATCH_FACES)):
        work.take(batch, collection)
        if progress is not None:
            progress(work.report.photos)
    work.report.seconds = time.perf_counter() - started_s
    return work.report


_NO_CROP = "made by another encoder, and there is no crop to embed it from"


class _Named(NamedTuple):
    """A face, and what a report calls it."""

    name: str
    face: NewFace


class _Import:
    """The state of one import."""

    def __init__(self, gallery: Gallery, embed: Embed, *, anew: bool) -> None:
        self.report = BuildReport()
        self._gallery = gallery
        self._embed = embed
        self._anew = anew
        self._collections = {item.name for item in gallery.collections()}

    def take(self, batch: Iterable[Incoming], collection: str | None) -> None:
        """Enrol a batch; what is wrong with a row rejects that row only."""
        by_collection: dict[str, list[_Named]] = {}
        for incoming in batch:
            try:
                where = collection or incoming.row.get("collection") or DEFAULT_COLLECTION
                self._make_sure_of(where)
                face = _face(incoming)
                if self._anew and not face.context:
                    raise BadImport(_NO_CROP)
            except GalleryError as error:
                self.report.rejected.append(Rejected(incoming.name, error))
            else:
                if not self._is_known(face, where):
                    by_collection.setdefault(where, []).append(_Named(incoming.name, face))
        for where, named in by_collection.items():
            self._add(self._embedded_anew(named) if self._anew else named, where)

    def _is_known(self, face: NewFace, collection: str) -> bool:
        """Whether the face need not be embedded, or must not be taken again, as it has no name."""
        if not self._anew and face.person is not None:
            return False  # `Gallery.add` finds out at less cost
        found = self._gallery.face_by_photo(face.person, face.photo_sha256, collection=collection)
        self.report.skipped += found is not None
        return found is not None

    def _add(self, named: Sequence[_Named], collection: str) -> None:
        sound = list(self._sound(named))
        for item in self._gallery.add(sound, collection=collection):
            if item.duplicate:
                self.report.skipped += 1
            else:
                self.report.enrolled += 1

    def _sound(self, named: Iterable[_Named]) -> Iterator[NewFace]:
        """Those whose embeddings can be the encoder's; the others are rejected."""
        for name, face in named:
            try:
                checked(face.embedding[None], self._gallery.dimension)
            except InvalidEmbedding as error:
                self.report.rejected.append(Rejected(name, error))
            else:
                yield face

    def _embedded_anew(self, named: Sequence[_Named]) -> list[_Named]:
        """Faces with embeddings of the gallery's encoder; damaged crops are rejected."""
        try:
            vectors = list(self._embed([face.context for _, face in named]))
        except FaceError as error:
            if len(named) > 1:  # find out which one it is
                return [done for one in named for done in self._embedded_anew([one])]
            self.report.rejected.append(Rejected(named[0].name, error))
            return []
        return [
            _Named(name, replace(face, embedding=vector))
            for (name, face), vector in zip(named, vectors, strict=True)
        ]

    def _make_sure_of(self, collection: str) -> None:
        if collection not in self._collections:
            with suppress(Conflict):  # made by somebody else meanwhile
                self._gallery.make_collection(collection)
            self._collections.add(collection)


def _face(incoming: Incoming) -> NewFace:
    """A row as a face to enrol.

    Raises:
        BadImport: a value is missing or malformed, or the crop is not the one that was exported.
        InvalidName: the person's name cannot be one.
    """
    row = incoming.row
    details = details_of(row)
    embedding = _embedding(row)
    digest = hashlib.sha256(incoming.crop).hexdigest()
    if row.get("crop_sha256") and row["crop_sha256"] != digest:
        raise BadImport("its crop is missing or not the one that was exported")
    unnamed = row.get("named") is False
    return NewFace(
        person=None if unnamed else clean_name(str(row["person"] or "")),
        source_name=str(row.get("source_name") or incoming.name),
        photo_sha256=str(row.get("photo_sha256") or _digest(embedding)),
        box=_box(row),
        confidence=float(row.get("confidence") or 0.0),
        embedding=embedding,
        context=incoming.crop,
        metadata=details.metadata,
        consent_reference=details.consent_reference,
        expires_at=details.expires_at,
        face_id=row.get("face_id"),
        created_at=time_of(row, "created_at"),
    )


def _embedding(row: Mapping[str, Any]) -> Vector:
    """The embedding as float32 (D,); empty where the row has none.

    Raises:
        BadImport: it is no list of numbers.
    """
    value = row.get("embedding")
    try:
        vector = np.asarray([] if value is None else value, np.float32)
    except (TypeError, ValueError) as error:
        raise BadImport(f"embedding is no list of numbers: {error}") from error
    if vector.ndim != 1:
        raise BadImport(f"embedding is of shape {vector.shape}, not (D,)")
    return vector


def _digest(embedding: Vector) -> str:
    """What tells two faces of unknown photos apart."""
    return hashlib.sha256(embedding.tobytes()).hexdigest()


def _box(row: Mapping[str, Any]) -> Box:
    try:
        return Box(
            *(int(row.get(f"{side}_px") or 0) for side in ("left", "top", "width", "height"))
        )
    except (TypeError, ValueError) as error:
        raise BadImport(f"the box is no four numbers: {error}") from error
