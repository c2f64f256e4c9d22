"""Enrolling and erasing. Each function runs inside the caller's one write transaction.

rows + change log + audit log, committed together or not at all
"""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select
from ulid import ULID

from index.errors import NotFound
from index.logs import Action, Entry, log
from index.names import clean_name, fold
from index.reading import KEYS_PER_QUERY, faces_by_photo
from index.records import Enrolled, Face, NewFace
from index.tables import ContextCropRow, EmbeddingRow, FaceRow, PersonRow
from index.vectors import to_bytes

EXPIRED_AT_ONCE = 500
"""Faces erased in one transaction, so that none is long."""

UNNAMED = "Unnamed "
"""What the made-up name of an unnamed person begins with."""


class PersonKey(NamedTuple):
    """A person as tables and as logs know it."""

    key: int
    id: str


def enrol(
    connection: Connection,
    new_faces: Sequence[NewFace],
    *,
    collection_key: int,
    encoder_key: int,
    actor: str,
) -> list[Enrolled]:
    """Store faces; the same photo of the same person again gives the first face back."""
    names = [_name_of(new) for new in new_faces]
    unnamed = {name for name, new in zip(names, new_faces, strict=True) if new.person is None}
    people = people_called(connection, names, collection_key, unnamed=unnamed)
    places = [(name, new.photo_sha256) for name, new in zip(names, new_faces, strict=True)]
    known = faces_by_photo(connection, places, collection_key)
    taken = _taken_ids(connection, new_faces)
    answers, fresh = [], []
    for place, new in zip(places, new_faces, strict=True):
        duplicate = place in known
        if not duplicate:
            known[place] = _face(new, place[0], people[place[0]].id, taken)
            fresh.append((known[place], new))
        answers.append(Enrolled(known[place], duplicate))
    if fresh:
        keys = {person.id: person.key for person in people.values()}
        _insert_faces(connection, fresh, keys, collection_key, encoder_key, actor)
    return answers


def erase_face(connection: Connection, face_id: str, *, actor: str) -> None:
    """Erase a face, and its person if that was the last one.

    Raises:
        NotFound: no face has this id.
    """
    if not erase_faces(connection, FaceRow.id == face_id, "erase", actor):
        raise NotFound("face", face_id)


def erase_person(connection: Connection, person_id: str, *, actor: str) -> int:
    """Erase a person with all faces, and say how many those were.

    Raises:
        NotFound: no person has this id.
    """
    person_key = connection.scalar(select(PersonRow.key).where(PersonRow.id == person_id))
    if person_key is None:
        raise NotFound("person", person_id)
    return erase_faces(connection, FaceRow.person_key == person_key, "erase", actor)


def erase_expired(connection: Connection, now: datetime, *, actor: str) -> int:
    """Erase the next faces whose time has come, at most `EXPIRED_AT_ONCE`; say how many."""
    due = (
        select(FaceRow.key)
        .where(FaceRow.expires_at <= now)
        .order_by(FaceRow.expires_at)
        .limit(EXPIRED_AT_ONCE)
    )
    return erase_faces(connection, FaceRow.key.in_(due), "expire", actor)


def erase_faces(
    connection: Connection, which: ColumnElement[bool], action: Action, actor: str
) -> int:
    """Erase faces and the people who have none left; say how many faces those were."""
    found = connection.execute(
        select(FaceRow.key, FaceRow.id, FaceRow.person_key, PersonRow.id)
        .join(PersonRow, PersonRow.key == FaceRow.person_key)
        .where(which)
    ).all()
    keys = [key for key, *_ in found]
    for start in range(0, len(keys), KEYS_PER_QUERY):
        part = keys[start : start + KEYS_PER_QUERY]
        connection.execute(delete(FaceRow).where(FaceRow.key.in_(part)))
    remove_empty(connection, {person_key for _, _, person_key, _ in found})
    log(
        connection,
        action,
        actor,
        [Entry(key, face_id, person_id) for key, face_id, _, person_id in found],
    )
    return len(found)


def remove_empty(connection: Connection, person_keys: Collection[int]) -> None:
    """Remove those of the people who have no face."""
    has_faces = exists().where(FaceRow.person_key == PersonRow.key)
    keys = sorted(person_keys)
    for start in range(0, len(keys), KEYS_PER_QUERY):
        part = keys[start : start + KEYS_PER_QUERY]
        connection.execute(delete(PersonRow).where(PersonRow.key.in_(part), ~has_faces))


def _name_of(new: NewFace) -> str:
    return f"{UNNAMED}{ULID()}" if new.person is None else clean_name(new.person)


def people_called(
    connection: Connection,
    names: Sequence[str],
    collection_key: int,
    *,
    unnamed: Collection[str] = (),
) -> dict[str, PersonKey]:
    """Clean name -> person of the collection, made where there was none."""
    people = _people_by_name(connection, names, collection_key)
    missing = [name for name in dict.fromkeys(names) if name not in people]
    if not missing:
        return people
    rows = [
        {
            "id": str(ULID()),
            "collection_key": collection_key,
            "name": name,
            "name_folded": fold(name),
            "named": name not in unnamed,
        }
        for name in missing
    ]
    connection.execute(insert(PersonRow), rows)
    return people | _people_by_name(connection, missing, collection_key)


def _people_by_name(
    connection: Connection, names: Iterable[str], collection_key: int
) -> dict[str, PersonKey]:
    query = select(PersonRow.name, PersonRow.key, PersonRow.id).where(
        PersonRow.collection_key == collection_key, PersonRow.name.in_(set(names))
    )
    return {name: PersonKey(key, person_id) for name, key, person_id in connection.execute(query)}


def _taken_ids(connection: Connection, new_faces: Sequence[NewFace]) -> set[str]:
    """Ids that new faces bring along and others have already."""
    brought = [new.face_id for new in new_faces if new.face_id is not None]
    if not brought:
        return set()
    return set(connection.scalars(select(FaceRow.id).where(FaceRow.id.in_(brought))))


def _face(new: NewFace, name: str, person_id: str, taken: set[str]) -> Face:
    """The face that a new one becomes; its id is taken from then on."""
    brought = new.face_id if new.face_id is not None and new.face_id not in taken else None
    face_id = brought or str(ULID())
    taken.add(face_id)
    return Face(
        face_id=face_id,
        person_id=person_id,
        person=name,
        source_name=_storable(new.source_name),
        box=new.box,
        confidence=new.confidence,
        created_at=(new.created_at or datetime.now(UTC)).astimezone(UTC),
        metadata=dict(new.metadata),
        consent_reference=new.consent_reference,
        expires_at=None if new.expires_at is None else new.expires_at.astimezone(UTC),
    )


def _insert_faces(
    connection: Connection,
    fresh: Sequence[tuple[Face, NewFace]],
    person_keys: dict[str, int],
    collection_key: int,
    encoder_key: int,
    actor: str,
) -> None:
    """Insert faces with their crops and embeddings, in this order, and note them in both logs."""
    rows = [
        _face_row(face, new, person_keys[face.person_id]) | {"collection_key": collection_key}
        for face, new in fresh
    ]
    connection.execute(insert(FaceRow), rows)
    ids = [face.face_id for face, _ in fresh]
    found = connection.execute(select(FaceRow.id, FaceRow.key).where(FaceRow.id.in_(ids)))
    key_of = {row.id: row.key for row in found}
    crops = [
        {"face_key": key_of[face.face_id], "jpeg": new.context}
        for face, new in fresh
        if new.context
    ]
    if crops:
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
    entries = [Entry(key_of[face.face_id], face.face_id, face.person_id) for face, _ in fresh]
    log(connection, "enrol", actor, entries)


def _face_row(face: Face, new: NewFace, person_key: int) -> dict[str, Any]:
    return {
        "id": face.face_id,
        "person_key": person_key,
        "photo_sha256": new.photo_sha256,
        "source_name": face.source_name,
        "left_px": face.box.left,
        "top_px": face.box.top,
        "width_px": face.box.width,
        "height_px": face.box.height,
        "confidence": face.confidence,
        "details": face.metadata,
        "created_at": face.created_at,
        "consent_reference": face.consent_reference,
        "expires_at": face.expires_at,
        "crop_sha256": hashlib.sha256(new.context).hexdigest() if new.context else "",
    }


def _storable(text: str) -> str:
    """File names may hold bytes that are no Unicode, and controls that would reach a terminal."""
    valid = text.encode("utf-8", "replace").decode("utf-8")
    return "".join("?" if unicodedata.category(sign) == "Cc" else sign for sign in valid)
