"""What changes the store. Each function runs inside the caller's one write transaction.

rows + change log + audit log, committed together or not at all
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, delete, exists, insert, select
from ulid import ULID

from index.errors import NotFound
from index.names import clean_name, fold
from index.reading import face_by_photo
from index.records import Enrolled, Face, NewFace
from index.tables import (
    DEFAULT_COLLECTION_KEY,
    AuditRow,
    ChangeRow,
    ContextCropRow,
    EmbeddingRow,
    FaceRow,
    PersonRow,
)
from index.vectors import to_bytes

Action: TypeAlias = Literal["enrol", "erase"]

REMOVE = "remove"
ADD = "add"
"""Operations of the change log."""


def enrol(connection: Connection, new: NewFace, *, encoder_key: int, actor: str) -> Enrolled:
    """Store one face; the same photo of the same person again gives the first face back."""
    name = clean_name(new.person)
    first = face_by_photo(connection, name, new.photo_sha256)
    if first is not None:
        return Enrolled(first, duplicate=True)
    person_key, person_id = _person(connection, name)
    face = Face(
        face_id=str(ULID()),
        person_id=person_id,
        person=name,
        source_name=_storable(new.source_name),
        box=new.box,
        confidence=new.confidence,
        created_at=datetime.now(UTC),
        metadata=dict(new.metadata),
    )
    face_key = _insert_face(connection, face, person_key, new.photo_sha256)
    connection.execute(insert(ContextCropRow).values(face_key=face_key, jpeg=new.context))
    connection.execute(
        insert(EmbeddingRow).values(
            encoder_key=encoder_key, face_key=face_key, vector=to_bytes(new.embedding)
        )
    )
    _log(connection, "enrol", actor, person_id, [(face_key, face.face_id)])
    return Enrolled(face, duplicate=False)


def erase_face(connection: Connection, face_id: str, *, actor: str) -> None:
    """Erase a face, and its person if that was the last one.

    Raises:
        NotFound: no face has this id.
    """
    query = (
        select(FaceRow.key, PersonRow.key, PersonRow.id)
        .join(PersonRow, PersonRow.key == FaceRow.person_key)
        .where(FaceRow.id == face_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("face", face_id)
    face_key, person_key, person_id = row
    connection.execute(delete(FaceRow).where(FaceRow.key == face_key))
    has_faces = exists().where(FaceRow.person_key == person_key)
    connection.execute(delete(PersonRow).where(PersonRow.key == person_key, ~has_faces))
    _log(connection, "erase", actor, person_id, [(face_key, face_id)])


def erase_person(connection: Connection, person_id: str, *, actor: str) -> int:
    """Erase a person with all faces, and say how many those were.

    Raises:
        NotFound: no person has this id.
    """
    person_key = connection.scalar(select(PersonRow.key).where(PersonRow.id == person_id))
    if person_key is None:
        raise NotFound("person", person_id)
    faces = connection.execute(
        select(FaceRow.key, FaceRow.id).where(FaceRow.person_key == person_key)
    ).all()
    connection.execute(delete(PersonRow).where(PersonRow.key == person_key))
    _log(connection, "erase", actor, person_id, [(key, face_id) for key, face_id in faces])
    return len(faces)


def _person(connection: Connection, name: str) -> tuple[int, str]:
    """Key and id of the person with this name, made if there is none."""
    known = connection.execute(
        select(PersonRow.key, PersonRow.id).where(
            PersonRow.collection_key == DEFAULT_COLLECTION_KEY, PersonRow.name == name
        )
    ).one_or_none()
    if known is not None:
        return known[0], known[1]
    person_id = str(ULID())
    made = insert(PersonRow).values(
        id=person_id,
        collection_key=DEFAULT_COLLECTION_KEY,
        name=name,
        name_folded=fold(name),
    )
    return connection.execute(made.returning(PersonRow.key)).scalar_one(), person_id


def _insert_face(connection: Connection, face: Face, person_key: int, photo_sha256: str) -> int:
    box = face.box
    values = insert(FaceRow).values(
        id=face.face_id,
        person_key=person_key,
        photo_sha256=photo_sha256,
        source_name=face.source_name,
        left_px=box.left,
        top_px=box.top,
        width_px=box.width,
        height_px=box.height,
        confidence=face.confidence,
        details=face.metadata,
        created_at=face.created_at,
    )
    return connection.execute(values.returning(FaceRow.key)).scalar_one()


def _log(
    connection: Connection,
    action: Action,
    actor: str,
    person_id: str,
    faces: Sequence[tuple[int, str]],
) -> None:
    """Append to both logs, one entry a face; `faces` are keys with their ids."""
    operation = ADD if action == "enrol" else REMOVE
    now = datetime.now(UTC)
    common = {"at": now, "actor": actor, "action": action, "person_id": person_id}
    _insert_all(connection, ChangeRow, ({"operation": operation, "face_key": k} for k, _ in faces))
    _insert_all(connection, AuditRow, ({**common, "face_id": face_id} for _, face_id in faces))


def _insert_all(
    connection: Connection,
    table: type[ChangeRow] | type[AuditRow],
    rows: Iterable[dict[str, object]],
) -> None:
    connection.execute(insert(table), list(rows))


def _storable(text: str) -> str:
    """File names may hold bytes that are no Unicode; the database takes none of those."""
    return text.encode("utf-8", "replace").decode("utf-8")
