"""What changes the store. Each function runs inside the caller's one write transaction.

rows + change log + audit log, committed together or not at all
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, delete, exists, insert, select
from ulid import ULID

from index.errors import NotFound
from index.names import clean_name, fold
from index.reading import faces_by_photo
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


class _Person(NamedTuple):
    key: int
    id: str


class _Entry(NamedTuple):
    """A face as the logs name it."""

    face_key: int
    face_id: str
    person_id: str


def enrol(
    connection: Connection, new_faces: Sequence[NewFace], *, encoder_key: int, actor: str
) -> list[Enrolled]:
    """Store faces; the same photo of the same person again gives the first face back."""
    names = [clean_name(new.person) for new in new_faces]
    people = _people(connection, names)
    places = [(name, new.photo_sha256) for name, new in zip(names, new_faces, strict=True)]
    known = faces_by_photo(connection, places)
    answers, fresh = [], []
    for place, new in zip(places, new_faces, strict=True):
        duplicate = place in known
        if not duplicate:
            known[place] = _face(new, place[0], people[place[0]].id)
            fresh.append((known[place], new))
        answers.append(Enrolled(known[place], duplicate))
    if fresh:
        keys = {person.id: person.key for person in people.values()}
        _insert_faces(connection, fresh, keys, encoder_key=encoder_key, actor=actor)
    return answers


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
    _log(connection, "erase", actor, [_Entry(face_key, face_id, person_id)])


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
    entries = [_Entry(face_key, face_id, person_id) for face_key, face_id in faces]
    _log(connection, "erase", actor, entries)
    return len(faces)


def _people(connection: Connection, names: Sequence[str]) -> dict[str, _Person]:
    """Clean name -> person, made where there was none."""
    people = _people_by_name(connection, names)
    missing = [name for name in dict.fromkeys(names) if name not in people]
    if not missing:
        return people
    rows = [
        {
            "id": str(ULID()),
            "collection_key": DEFAULT_COLLECTION_KEY,
            "name": name,
            "name_folded": fold(name),
        }
        for name in missing
    ]
    connection.execute(insert(PersonRow), rows)
    return people | _people_by_name(connection, missing)


def _people_by_name(connection: Connection, names: Iterable[str]) -> dict[str, _Person]:
    query = select(PersonRow.name, PersonRow.key, PersonRow.id).where(
        PersonRow.collection_key == DEFAULT_COLLECTION_KEY, PersonRow.name.in_(set(names))
    )
    return {name: _Person(key, person_id) for name, key, person_id in connection.execute(query)}


def _face(new: NewFace, name: str, person_id: str) -> Face:
    return Face(
        face_id=str(ULID()),
        person_id=person_id,
        person=name,
        source_name=_storable(new.source_name),
        box=new.box,
        confidence=new.confidence,
        created_at=datetime.now(UTC),
        metadata=dict(new.metadata),
    )


def _insert_faces(
    connection: Connection,
    fresh: Sequence[tuple[Face, NewFace]],
    person_keys: dict[str, int],
    *,
    encoder_key: int,
    actor: str,
) -> None:
    """Insert faces with their crops and embeddings, in this order, and note them in both logs."""
    rows = [_face_row(face, person_keys[face.person_id], new.photo_sha256) for face, new in fresh]
    connection.execute(insert(FaceRow), rows)
    ids = [face.face_id for face, _ in fresh]
    found = connection.execute(select(FaceRow.id, FaceRow.key).where(FaceRow.id.in_(ids)))
    key_of = {row.id: row.key for row in found}
    crops = [{"face_key": key_of[face.face_id], "jpeg": new.context} for face, new in fresh]
    connection.execute(insert(ContextCropRow), crops)
    embeddings = [
        {
            "encoder_key": encoder_key,
            "face_key": key_of[face.face_id],
            "vector": to_bytes(new.embedding),
        }
        for face, new in fresh
    ]
    connection.execute(insert(EmbeddingRow), embeddings)
    entries = [_Entry(key_of[face.face_id], face.face_id, face.person_id) for face, _ in fresh]
    _log(connection, "enrol", actor, entries)


def _face_row(face: Face, person_key: int, photo_sha256: str) -> dict[str, Any]:
    return {
        "id": face.face_id,
        "person_key": person_key,
        "photo_sha256": photo_sha256,
        "source_name": face.source_name,
        "left_px": face.box.left,
        "top_px": face.box.top,
        "width_px": face.box.width,
        "height_px": face.box.height,
        "confidence": face.confidence,
        "details": face.metadata,
        "created_at": face.created_at,
    }


def _log(connection: Connection, action: Action, actor: str, entries: Sequence[_Entry]) -> None:
    """Append to both logs, one entry a face."""
    operation = ADD if action == "enrol" else REMOVE
    now = datetime.now(UTC)
    changes = [{"operation": operation, "face_key": entry.face_key} for entry in entries]
    connection.execute(insert(ChangeRow), changes)
    audit = [
        {
            "at": now,
            "actor": actor,
            "action": action,
            "person_id": entry.person_id,
            "face_id": entry.face_id,
        }
        for entry in entries
    ]
    connection.execute(insert(AuditRow), audit)


def _storable(text: str) -> str:
    """File names may hold bytes that are no Unicode, and controls that would reach a terminal."""
    valid = text.encode("utf-8", "replace").decode("utf-8")
    return "".join("?" if unicodedata.category(sign) == "Cc" else sign for sign in valid)
