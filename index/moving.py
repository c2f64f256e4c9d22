"""People, not only faces: renaming, merging, and moving faces from one person to another.

Vectors stay as they are, so nothing of this reaches the change log. Each function runs inside the
caller's one write transaction. No face is ever lost by it: two faces that one photo shows cannot
both be one person's, so what would join them is refused unless they are the same face twice.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.orm import aliased

from faces.types import Box
from index.errors import Conflict, NotFound
from index.logs import Entry, log
from index.names import clean_name, fold
from index.reading import face_by_id, person_by_id
from index.records import UNCHANGED, Face, FaceChange, Person
from index.tables import FaceRow, PersonRow
from index.writing import erase_faces, people_called, remove_empty

SAME_FACE_OVERLAP = 0.5
"""Intersection over union from which two boxes in one photo are the same face."""

_PLACE = ("id", "left_px", "top_px", "width_px", "height_px")


def change_face(connection: Connection, face_id: str, change: FaceChange, *, actor: str) -> Face:
    """Change what is kept with a face, or whose it is.

    Raises:
        Conflict: the person has a face from the same photo.
        InvalidName: `change.person` cannot be a name.
        NotFound: no face has this id.
    """
    before = face_by_id(connection, face_id)
    values = {
        column: value
        for column, value in (
            ("details", change.metadata),
            ("consent_reference", change.consent_reference),
            ("expires_at", change.expires_at),
        )
        if value is not UNCHANGED
    }
    if values:
        connection.execute(update(FaceRow).where(FaceRow.id == face_id).values(**values))
        log(connection, "update", actor, [Entry(face_id=face_id, person_id=before.person_id)])
    if change.person is not UNCHANGED:
        _move_face(connection, face_id, clean_name(change.person), actor)
    return face_by_id(connection, face_id)


def rename_person(connection: Connection, person_id: str, name: str, *, actor: str) -> Person:
    """Give a person another name; where the collection has that name, the two become one.

    Raises:
        Conflict: one photo shows both people, so they cannot be one.
        InvalidName: `name` cannot be one.
        NotFound: no person has this id.
    """
    clean = clean_name(name)
    person = _person_row(connection, person_id)
    namesake = connection.execute(
        select(PersonRow).where(
            PersonRow.collection_key == person.collection_key, PersonRow.name == clean
        )
    ).one_or_none()
    if namesake is not None and namesake.key != person.key:
        return _merge(connection, [person], namesake, actor)
    connection.execute(
        update(PersonRow)
        .where(PersonRow.key == person.key)
        .values(name=clean, name_folded=fold(clean), named=True)
    )
    log(connection, "rename", actor, [Entry(person_id=person_id)])
    return person_by_id(connection, person_id)


def merge_people(
    connection: Connection, person_ids: Sequence[str], into_id: str, *, actor: str
) -> Person:
    """Give all faces of some people to one, who keeps name and id.

    Raises:
        Conflict: they are of several collections, or one photo shows two of them.
        NotFound: no person has one of the ids.
    """
    into = _person_row(connection, into_id)
    others = [_person_row(connection, one) for one in dict.fromkeys(person_ids) if one != into_id]
    if any(other.collection_key != into.collection_key for other in others):
        raise Conflict("people of different collections cannot be merged")
    return _merge(connection, others, into, actor)


def _person_row(connection: Connection, person_id: str) -> Row[Any]:
    row = connection.execute(select(PersonRow).where(PersonRow.id == person_id)).one_or_none()
    if row is None:
        raise NotFound("person", person_id)
    return row


def _move_face(connection: Connection, face_id: str, name: str, actor: str) -> None:
    face = connection.execute(select(FaceRow).where(FaceRow.id == face_id)).one()
    owner = people_called(connection, [name], face.collection_key)[name]
    if owner.key == face.person_key:
        return
    same_photo = (FaceRow.person_key == owner.key) & (FaceRow.photo_sha256 == face.photo_sha256)
    taken = connection.scalar(select(FaceRow.id).where(same_photo))
    if taken is not None:
        raise Conflict(f"{name!r} has a face from the same photo: {taken}; erase one of them")
    connection.execute(update(FaceRow).where(FaceRow.key == face.key).values(person_key=owner.key))
    remove_empty(connection, {face.person_key})
    log(connection, "move", actor, [Entry(face_id=face_id, person_id=owner.id)])


def _merge(
    connection: Connection, people: Sequence[Row[Any]], into: Row[Any], actor: str
) -> Person:
    for person in people:
        _drop_faces_enrolled_twice(connection, person, into, actor)
        moved = connection.scalars(select(FaceRow.id).where(FaceRow.person_key == person.key)).all()
        connection.execute(
            update(FaceRow).where(FaceRow.person_key == person.key).values(person_key=into.key)
        )
        remove_empty(connection, {person.key})
        log(connection, "merge", actor, [Entry(face_id=face, person_id=into.id) for face in moved])
        log(connection, "merge", actor, [Entry(person_id=person.id)])
    return person_by_id(connection, into.id)


def _drop_faces_enrolled_twice(
    connection: Connection, person: Row[Any], into: Row[Any], actor: str
) -> None:
    """Erase those faces of `person` that `into` has from the same photo, at the same place."""
    kept = aliased(FaceRow)
    pairs = connection.execute(
        select(FaceRow, *(getattr(kept, name).label(f"kept_{name}") for name in _PLACE))
        .join(kept, (kept.photo_sha256 == FaceRow.photo_sha256) & (kept.person_key == into.key))
        .where(FaceRow.person_key == person.key)
    ).all()
    for pair in pairs:
        mine = Box(*(getattr(pair, name) for name in _PLACE[1:]))
        theirs = Box(*(getattr(pair, f"kept_{name}") for name in _PLACE[1:]))
        if _overlap(mine, theirs) < SAME_FACE_OVERLAP:
            raise Conflict(
                f"one photo shows both people, as the faces {pair.id} and {pair.kept_id}: "
                "move one of the faces to somebody else first"
            )
    twice = [pair.key for pair in pairs]
    if twice:
        erase_faces(connection, FaceRow.key.in_(twice), "erase", actor)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(0, width) * max(0, height)
    return common / (one.width * one.height + other.width * other.height - common)
