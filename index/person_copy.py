"""All that is stored of one person as one zip: the answer to a data subject's request.

    person.json       name, ids, faces with metadata, consent and times, the audit log's entries
    crops/ID.jpg      each face's context crop

Embeddings of all encoders are among the faces: they are personal data too.
"""

import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, or_, select

from index import reading
from index.binding import bound_encoder
from index.database import Database
from index.errors import Conflict
from index.face_rows import ExportedFace, exported_faces
from index.files import explained, sync_file
from index.tables import AuditRow, EmbeddingRow, EncoderRow, FaceRow, PersonRow
from index.vectors import from_bytes

PARTIAL = ".partial"


def copy_person(database: Database, person_id: str, target: Path) -> int:
    """Write the zip of a person, and say how many faces are in it.

    Raises:
        Conflict: there is such a file already.
        NotFound: no person has this id.
        StorageFull: no room.
        StoreUnavailable: the store cannot be read, or the file not be written.
    """
    if target.exists():
        raise Conflict(f"{target} is there already")
    with database.read() as connection:
        person = reading.person_by_id(connection, person_id)
        encoder = bound_encoder(connection)
        dimension = connection.scalar(
            select(EncoderRow.dimension).where(EncoderRow.key == encoder.key)
        )
    assert dimension is not None
    fresh = target.with_name(target.name + PARTIAL)
    faces: list[dict[str, Any]] = []
    with explained(str(target)):
        try:
            with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
                fresh.chmod(0o600)
                mine = [PersonRow.id == person_id]
                for piece in exported_faces(database, encoder.key, dimension, mine):
                    for face in piece:
                        faces.append(_described(database, face))
                        if face.crop is not None:
                            archive.writestr(f"crops/{face.row['crop']}", face.crop)
                told = {
                    "person_id": person_id,
                    "person": person.person,
                    "faces": faces,
                    "audit_log": _audit_log(database, person_id),
                }
                text = json.dumps(told, indent=2, ensure_ascii=False, default=_plain)
                archive.writestr("person.json", text + "\n")
            sync_file(fresh)
            fresh.rename(target)
        finally:
            fresh.unlink(missing_ok=True)
    return len(faces)


def _described(database: Database, face: ExportedFace) -> dict[str, Any]:
    """A face's row with its embeddings by the encoders' names, and metadata as what it is."""
    row = {key: value for key, value in face.row.items() if key != "embedding"}
    row["metadata"] = json.loads(row["metadata"])
    with database.read() as connection:
        row["embeddings"] = _embeddings(connection, face.key)
    return row


def _embeddings(connection: Connection, face_key: int) -> list[dict[str, Any]]:
    query = (
        select(EncoderRow.name, EncoderRow.version, EncoderRow.dimension, EmbeddingRow.vector)
        .join(EncoderRow, EncoderRow.key == EmbeddingRow.encoder_key)
        .where(EmbeddingRow.face_key == face_key)
        .order_by(EncoderRow.key)
    )
    return [
        {
            "encoder": name,
            "version": version,
            "embedding": from_bytes([vector], dimension)[0].tolist(),
        }
        for name, version, dimension, vector in connection.execute(query)
    ]


def _audit_log(database: Database, person_id: str) -> list[dict[str, Any]]:
    """What was done to the person and to the faces that are the person's now."""
    theirs = select(FaceRow.id).join(PersonRow).where(PersonRow.id == person_id)
    query = (
        select(AuditRow.at, AuditRow.actor, AuditRow.action, AuditRow.person_id, AuditRow.face_id)
        .where(or_(AuditRow.person_id == person_id, AuditRow.face_id.in_(theirs)))
        .order_by(AuditRow.key)
    )
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - its API


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
