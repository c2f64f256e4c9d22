"""Faces of the store as rows of a file, piece by piece; exports and copies of a person share it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from index.database import Database
from index.parquet import Column
from index.tables import CollectionRow, ContextCropRow, EmbeddingRow, FaceRow, PersonRow
from index.vectors import from_bytes

FACES_PER_READ = 250

CROP_SUFFIX = ".jpg"

COLUMNS: dict[str, Column] = {
    "face_id": "text",
    "person_id": "text",
    "person": "text",
    "named": "truth",
    "collection": "text",
    "source_name": "text",
    "photo_sha256": "text",
    "left_px": "integer",
    "top_px": "integer",
    "width_px": "integer",
    "height_px": "integer",
    "confidence": "number",
    "metadata": "text",
    "created_at": "time",
    "consent_reference": "text",
    "expires_at": "time",
    "crop": "text",
    "crop_sha256": "text",
    "embedding": "vector",
}
"""Of an exported face; `metadata` is JSON, `crop` the name of its picture among the crops."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportedFace:
    """A face as a row, its context crop (None if there is none), and its key in the store."""

    key: int
    row: dict[str, Any]
    crop: bytes | None


def exported_faces(
    database: Database, encoder_key: int, dimension: int, which: Sequence[ColumnElement[bool]] = ()
) -> Iterator[list[ExportedFace]]:
    """Faces in pieces, in the order of their enrolment.

    Args:
        database: the store's.
        encoder_key: whose embeddings.
        dimension: D.
        which: conditions on `FaceRow`, `PersonRow` and `CollectionRow`.
    """
    columns = [
        *FaceRow.__table__.columns,
        PersonRow.id.label("person_id"),
        PersonRow.name.label("person"),
        PersonRow.named,
        CollectionRow.name.label("collection"),
        ContextCropRow.jpeg,
        EmbeddingRow.vector,
    ]
    last_key = 0
    while True:
        query = (
            select(*columns)
            .join(PersonRow, PersonRow.key == FaceRow.person_key)
            .join(CollectionRow, CollectionRow.key == FaceRow.collection_key)
            .outerjoin(ContextCropRow, ContextCropRow.face_key == FaceRow.key)
            .outerjoin(
                EmbeddingRow,
                (EmbeddingRow.face_key == FaceRow.key) & (EmbeddingRow.encoder_key == encoder_key),
            )
            .where(FaceRow.key > last_key, *which)
            .order_by(FaceRow.key)
            .limit(FACES_PER_READ)
        )
        with database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        last_key = rows[-1].key
        yield [ExportedFace(row.key, _row(row, dimension), row.jpeg) for row in rows]


def _row(row: Row[Any], dimension: int) -> dict[str, Any]:
    embedding = None if row.vector is None else from_bytes([row.vector], dimension)[0]
    return {
        "face_id": row.id,
        "person_id": row.person_id,
        "person": row.person,
        "named": row.named,
        "collection": row.collection,
        "source_name": row.source_name,
        "photo_sha256": row.photo_sha256,
        "left_px": row.left_px,
        "top_px": row.top_px,
        "width_px": row.width_px,
        "height_px": row.height_px,
        "confidence": row.confidence,
        "metadata": json.dumps(row.details, ensure_ascii=False),
        "created_at": row.created_at,
        "consent_reference": row.consent_reference,
        "expires_at": row.expires_at,
        "crop": None if row.jpeg is None else f"{row.id}{CROP_SUFFIX}",
        "crop_sha256": row.crop_sha256,
        "embedding": embedding,
    }
