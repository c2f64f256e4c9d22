"""What reads people, faces and crops. Each function runs inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, select, tuple_

from faces.types import Box
from index.cursors import decode_cursor, encode_cursor
from index.errors import NotFound
from index.names import fold
from index.records import Face, Page, Person
from index.tables import ContextCropRow, EmbeddingRow, FaceRow, PersonRow

KEYS_PER_QUERY = 1000
"""SQLite takes at most 32,766 parameters; more than this at once gains nothing."""

_AFTER_ALL_TEXT = "\U0010ffff"
"""The last code point, which no name holds: `prefix` + this bounds what begins with `prefix`."""


def face_by_id(connection: Connection, face_id: str) -> Face:
    """The face with this id.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_faces().where(FaceRow.id == face_id)).one_or_none()
    if row is None:
        raise NotFound("face", face_id)
    return _face(row)


def faces_by_photo(
    connection: Connection, places: Sequence[tuple[str, str]], collection_key: int
) -> dict[tuple[str, str], Face]:
    """(Clean name, photo's sha256) -> the face that this photo was enrolled as for this person.

    May hold further pairs of one of the names with one of the digests.
    """
    query = _faces().where(
        PersonRow.collection_key == collection_key,
        PersonRow.name.in_({name for name, _ in places}),
        FaceRow.photo_sha256.in_({digest for _, digest in places}),
    )
    return {(row.person, row.photo_sha256): _face(row) for row in connection.execute(query)}


def face_of_photo(connection: Connection, photo_sha256: str, collection_key: int) -> Face | None:
    """The first face of a collection that this photo was enrolled as, whoever it is."""
    mine = FaceRow.photo_sha256 == photo_sha256, FaceRow.collection_key == collection_key
    row = connection.execute(_faces().where(*mine).order_by(FaceRow.key).limit(1)).one_or_none()
    return None if row is None else _face(row)


def any_expired(connection: Connection, now: datetime) -> bool:
    """Whether a face is to be erased by now."""
    return bool(connection.scalar(select(exists().where(FaceRow.expires_at <= now))))


def embedding(connection: Connection, face_id: str, encoder_key: int) -> bytes:
    """The embedding of a face by one encoder, as stored.

    Raises:
        NotFound: no face has this id.
    """
    query = (
        select(EmbeddingRow.vector)
        .join(FaceRow, FaceRow.key == EmbeddingRow.face_key)
        .where(FaceRow.id == face_id, EmbeddingRow.encoder_key == encoder_key)
    )
    vector = connection.scalar(query)
    if vector is None:
        raise NotFound("face", face_id)
    return vector


def context_crop(connection: Connection, face_id: str) -> bytes:
    """The context crop of a face as JPEG.

    Raises:
        NotFound: no face has this id.
    """
    query = (
        select(ContextCropRow.jpeg)
        .join(FaceRow, FaceRow.key == ContextCropRow.face_key)
        .where(FaceRow.id == face_id)
    )
    jpeg = connection.scalar(query)
    if jpeg is None:
        raise NotFound("face", face_id)
    return jpeg


def page_of_faces(
    connection: Connection,
    *,
    collection_key: int,
    name: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Face]:
    """Faces of a collection in the order of their enrolment, of all or of one clean name.

    Raises:
        InvalidCursor: `cursor` is not from this listing.
    """
    query = _faces().where(FaceRow.collection_key == collection_key)
    count = select(func.count()).select_from(FaceRow)
    count = count.where(FaceRow.collection_key == collection_key)
    if name is not None:
        mine = (PersonRow.collection_key == collection_key, PersonRow.name == name)
        query = query.where(*mine)
        count = count.join(PersonRow, PersonRow.key == FaceRow.person_key).where(*mine)
    if cursor is not None:
        query = query.where(FaceRow.key > decode_cursor("faces", cursor, (int,))[0])
    rows = connection.execute(query.order_by(FaceRow.key).limit(limit + 1)).all()
    more = encode_cursor("faces", [rows[limit - 1].key]) if len(rows) > limit else None
    return Page([_face(row) for row in rows[:limit]], more, connection.scalar(count) or 0)


def page_of_people(
    connection: Connection,
    *,
    collection_key: int,
    prefix: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Person]:
    """People of a collection by name, upper and lower case alike, whose name begins with `prefix`.

    Raises:
        InvalidCursor: `cursor` is not from this listing.
    """
    place = tuple_(PersonRow.name_folded, PersonRow.key)
    wanted = [PersonRow.collection_key == collection_key]
    if prefix:
        first = fold(prefix)
        wanted.append(PersonRow.name_folded >= first)
        wanted.append(PersonRow.name_folded <= first + _AFTER_ALL_TEXT)
    query = _people().where(*wanted)
    if cursor is not None:
        query = query.where(place > tuple_(*decode_cursor("people", cursor, (str, int))))
    rows = connection.execute(
        query.order_by(PersonRow.name_folded, PersonRow.key).limit(limit + 1)
    ).all()
    last = rows[limit - 1] if len(rows) > limit else None
    more = encode_cursor("people", [last.name_folded, last.key]) if last else None
    total = connection.scalar(select(func.count()).select_from(PersonRow).where(*wanted)) or 0
    return Page([_person(row) for row in rows[:limit]], more, total)


def person_by_id(connection: Connection, person_id: str) -> Person:
    """The person with this id.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_people().where(PersonRow.id == person_id)).one_or_none()
    if row is None:
        raise NotFound("person", person_id)
    return _person(row)


def person_by_name(connection: Connection, name: str, collection_key: int) -> Person | None:
    """The person of a collection with this clean name, if there is one."""
    mine = (PersonRow.collection_key == collection_key, PersonRow.name == name)
    row = connection.execute(_people().where(*mine)).one_or_none()
    return None if row is None else _person(row)


def count_people_and_faces(connection: Connection) -> tuple[int, int]:
    """How many people and how many faces the store has."""
    people = connection.scalar(select(func.count()).select_from(PersonRow))
    faces = connection.scalar(select(func.count()).select_from(FaceRow))
    return people or 0, faces or 0


def owners(
    connection: Connection, face_keys: Sequence[int], collection_key: int
) -> dict[int, tuple[str, int]]:
    """Face key -> (face id, person key), for those of the keys that the collection still has."""
    found: dict[int, tuple[str, int]] = {}
    for start in range(0, len(face_keys), KEYS_PER_QUERY):
        part = face_keys[start : start + KEYS_PER_QUERY]
        query = select(FaceRow.key, FaceRow.id, FaceRow.person_key).where(
            FaceRow.key.in_(part), FaceRow.collection_key == collection_key
        )
        found.update({key: (face_id, owner) for key, face_id, owner in connection.execute(query)})
    return found


def faces_by_key(connection: Connection, face_keys: Sequence[int]) -> dict[int, Face]:
    """Face key -> face, for keys that are in the store."""
    found: dict[int, Face] = {}
    for start in range(0, len(face_keys), KEYS_PER_QUERY):
        part = face_keys[start : start + KEYS_PER_QUERY]
        rows = connection.execute(_faces().where(FaceRow.key.in_(part)))
        found.update({row.key: _face(row) for row in rows})
    return found


def faces_by_id(connection: Connection, face_ids: Sequence[str]) -> dict[str, Face]:
    """Face id -> face, for those of the ids that the store has."""
    found: dict[str, Face] = {}
    for start in range(0, len(face_ids), KEYS_PER_QUERY):
        part = face_ids[start : start + KEYS_PER_QUERY]
        rows = connection.execute(_faces().where(FaceRow.id.in_(part)))
        found.update({row.id: _face(row) for row in rows})
    return found


def faces_of_people(connection: Connection, person_ids: Sequence[str]) -> dict[str, int]:
    """Person id -> number of faces."""
    found: dict[str, int] = {}
    for start in range(0, len(person_ids), KEYS_PER_QUERY):
        query = (
            select(PersonRow.id, func.count())
            .join(FaceRow, FaceRow.person_key == PersonRow.key)
            .where(PersonRow.id.in_(person_ids[start : start + KEYS_PER_QUERY]))
            .group_by(PersonRow.id)
        )
        found.update((person_id, count) for person_id, count in connection.execute(query))
    return found


def _people() -> Select[Any]:
    faces = (
        select(func.count())
        .select_from(FaceRow)
        .where(FaceRow.person_key == PersonRow.key)
        .scalar_subquery()
    )
    first = (
        select(FaceRow.id)
        .where(FaceRow.person_key == PersonRow.key)
        .order_by(FaceRow.key)
        .limit(1)
        .scalar_subquery()
    )
    return select(*PersonRow.__table__.columns, faces.label("faces"), first.label("face_id"))


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.name, row.faces, row.named, row.face_id)


def _faces() -> Select[Any]:
    return select(
        *FaceRow.__table__.columns, PersonRow.id.label("person_id"), PersonRow.name.label("person")
    ).join(PersonRow, PersonRow.key == FaceRow.person_key)


def _face(row: Row[Any]) -> Face:
    return Face(
        face_id=row.id,
        person_id=row.person_id,
        person=row.person,
        source_name=row.source_name,
        box=Box(row.left_px, row.top_px, row.width_px, row.height_px),
        confidence=row.confidence,
        created_at=row.created_at,
        metadata=row.details,
        consent_reference=row.consent_reference,
        expires_at=row.expires_at,
    )
