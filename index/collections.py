"""Collections: galleries of their own within one store. Run inside the caller's transaction.

A person belongs to one collection; the same name in another collection is somebody else.
"""

from sqlalchemy import Connection, delete, func, insert, select

from index.errors import Conflict, NotFound
from index.logs import Entry, log
from index.names import clean_collection
from index.records import Collection
from index.tables import (
    DEFAULT_COLLECTION,
    DEFAULT_COLLECTION_KEY,
    AuditRow,
    CollectionRow,
    FaceRow,
    PersonRow,
)
from index.writing import erase_faces


def collection_key(connection: Connection, name: str) -> int:
    """The key of the collection with this name.

    Raises:
        NotFound: there is none.
    """
    if name == DEFAULT_COLLECTION:
        return DEFAULT_COLLECTION_KEY
    key = connection.scalar(select(CollectionRow.key).where(CollectionRow.name == name))
    if key is None:
        raise NotFound("collection", name, by="name")
    return key


def name_of_face(connection: Connection, face_id: str) -> str:
    """The name of the collection that a face is in.

    Raises:
        NotFound: no face has this id.
    """
    query = (
        select(CollectionRow.name)
        .join(FaceRow, FaceRow.collection_key == CollectionRow.key)
        .where(FaceRow.id == face_id)
    )
    name = connection.scalar(query)
    if name is None:
        raise NotFound("face", face_id)
    return name


def collections(connection: Connection) -> list[Collection]:
    """All collections by name, with their sizes."""
    people = dict(_counts(connection, PersonRow.collection_key))
    faces = dict(_counts(connection, FaceRow.collection_key))
    rows = connection.execute(select(CollectionRow).order_by(CollectionRow.name))
    return [Collection(row.name, people.get(row.key, 0), faces.get(row.key, 0)) for row in rows]


def make_collection(connection: Connection, name: str, *, actor: str) -> Collection:
    """Make an empty collection.

    Raises:
        Conflict: there is one with this name.
        InvalidName: `name` cannot be one.
    """
    clean = clean_collection(name)
    if connection.scalar(select(CollectionRow.key).where(CollectionRow.name == clean)):
        raise Conflict(f"there is a collection {clean!r} already")
    key = _fresh_key(connection)
    connection.execute(insert(CollectionRow).values(key=key, name=clean))
    log(connection, "make-collection", actor, [Entry(collection_key=key)])
    return Collection(clean, people=0, faces=0)


def erase_collection(connection: Connection, name: str, *, actor: str) -> int:
    """Erase a collection with all its people, and say how many faces those were.

    Raises:
        Conflict: it is the default one, which stays.
        NotFound: no collection has this name.
    """
    key = collection_key(connection, name)
    if key == DEFAULT_COLLECTION_KEY:
        raise Conflict(f"the collection {name!r} stays; erase its people one by one instead")
    erased = erase_faces(connection, FaceRow.collection_key == key, "erase", actor)
    connection.execute(delete(PersonRow).where(PersonRow.collection_key == key))
    connection.execute(delete(CollectionRow).where(CollectionRow.key == key))
    log(connection, "erase-collection", actor, [Entry(collection_key=key)])
    return erased


def _counts(connection: Connection, column: object) -> list[tuple[int, int]]:
    rows = connection.execute(select(column, func.count()).group_by(column))  # type: ignore[call-overload]
    return [(key, count) for key, count in rows]


def _fresh_key(connection: Connection) -> int:
    """A key that no collection has or had: the audit log still names those that are gone."""
    newest = connection.scalar(select(func.max(CollectionRow.key))) or 0
    logged = connection.scalar(select(func.max(AuditRow.collection_key))) or 0
    return max(newest, logged) + 1
