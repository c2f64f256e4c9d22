"""What looks enrolled twice, or under the wrong name: a report for somebody to look through.

    same photo       one photo under two people of a collection
    nearly the same  faces of two people so alike that they may be one photo, cut or saved again
    mislabelled      a face nearer to another person than to every other face of its own

Nothing is changed. Faces are looked at person by person; each is searched for once.

Axes: F faces of one person, D embedding dimension.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import aliased

from faces.types import Embeddings
from index.database import Database
from index.gallery import Gallery
from index.records import Match
from index.tables import CollectionRow, EmbeddingRow, FaceRow, GalleryRow, PersonRow
from index.vectors import from_bytes

NEARLY_THE_SAME = 0.97
"""Similarity from which two faces are taken for one photo, unless told otherwise."""

MOST_FACES = 2000
"""Of a person with more faces than this, each is compared with the first so many."""

FACES_AT_ONCE = 256

Kind: TypeAlias = Literal["same-photo", "nearly-the-same", "mislabelled"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """Two faces of two people that somebody should look at.

    Attributes:
        kind: what is suspicious.
        face_id: the face.
        person: whose it is now.
        other_face_id: the face of somebody else that it resembles.
        other_person: who that is.
        similarity: of the two; None where their photo is the same.
        own_similarity: of the face and the most alike of its own person; None if it has no other.
    """

    kind: Kind
    face_id: str
    person: str
    other_face_id: str
    other_person: str
    similarity: float | None = None
    own_similarity: float | None = None


def suspects(
    database: Database,
    gallery: Gallery,
    *,
    collection: str,
    nearly_the_same: float = NEARLY_THE_SAME,
) -> Iterator[Suspect]:
    """All suspicious faces of a collection, one kind after the other.

    Args:
        database: the gallery's store.
        gallery: searches.
        collection: where to look.
        nearly_the_same: similarity from which faces of two people are reported as such.
    """
    yield from _same_photos(database, collection)
    for person_key, person_id, person in _people(database, collection):
        ids, vectors = _faces_of(database, person_key, gallery.dimension)
        own = _own_similarities(vectors)
        for start in range(0, len(ids), FACES_AT_ONCE):
            part = slice(start, start + FACES_AT_ONCE)
            answers = gallery.search(vectors[part], k=2, collection=collection)
            for face_id, nearest, matches in zip(ids[part], own[part], answers, strict=True):
                other = next((m for m in matches if m.face.person_id != person_id), None)
                kind = None if other is None else _kind(other, nearest, nearly_the_same)
                if kind is None or other is None:
                    continue
                yield Suspect(
                    kind,
                    face_id,
                    person,
                    other.face.face_id,
                    other.face.person,
                    other.similarity,
                    None if np.isnan(nearest) else round(float(nearest), 6),
                )


def _kind(other: Match, own: float, nearly_the_same: float) -> Kind | None:
    """What is suspicious about a face; `own` is NaN where its person has no other."""
    if other.similarity >= nearly_the_same:
        return "nearly-the-same"
    if other.similarity > own:
        return "mislabelled"
    return None


def _own_similarities(vectors: Embeddings) -> Embeddings:
    """For each face (F, D) the similarity of the most alike other one: (F,), NaN for one alone."""
    if len(vectors) < 2:
        return np.full(len(vectors), np.nan, np.float32)
    nearest = np.empty(len(vectors), np.float32)
    compared = vectors[:MOST_FACES]
    for start in range(0, len(vectors), FACES_AT_ONCE):
        part = vectors[start : start + FACES_AT_ONCE] @ compared.T
        rows = np.arange(len(part))
        itself = start + rows
        part[rows[itself < len(compared)], itself[itself < len(compared)]] = -2
        nearest[start : start + FACES_AT_ONCE] = part.max(axis=1)
    return nearest


def _same_photos(database: Database, collection: str) -> Iterator[Suspect]:
    first, second = aliased(FaceRow), aliased(FaceRow)
    one, other = aliased(PersonRow), aliased(PersonRow)
    query = (
        select(first.id, one.name, second.id, other.name)
        .join(
            second,
            (second.photo_sha256 == first.photo_sha256)
            & (second.collection_key == first.collection_key)
            & (second.person_key != first.person_key)
            & (second.key > first.key),
        )
        .join(one, one.key == first.person_key)
        .join(other, other.key == second.person_key)
        .join(CollectionRow, CollectionRow.key == first.collection_key)
        .where(CollectionRow.name == collection)
        .order_by(first.key, second.key)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    for face_id, person, other_id, other_person in rows:
        yield Suspect("same-photo", face_id, person, other_id, other_person)


def _people(database: Database, collection: str) -> Iterator[tuple[int, str, str]]:
    """Key, id and name of everybody in a collection."""
    last_key = 0
    while True:
        query = (
            select(PersonRow.key, PersonRow.id, PersonRow.name)
            .join(CollectionRow, CollectionRow.key == PersonRow.collection_key)
            .where(CollectionRow.name == collection, PersonRow.key > last_key)
            .order_by(PersonRow.key)
            .limit(FACES_AT_ONCE)
        )
        with database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        for row in rows:
            yield row.key, row.id, row.name
        last_key = rows[-1].key


def _faces_of(database: Database, person_key: int, dimension: int) -> tuple[list[str], Embeddings]:
    """Ids of a person's faces and their embeddings (F, D)."""
    query = (
        select(FaceRow.id, EmbeddingRow.vector)
        .join(EmbeddingRow, EmbeddingRow.face_key == FaceRow.key)
        .join(GalleryRow, GalleryRow.encoder_key == EmbeddingRow.encoder_key)
        .where(FaceRow.person_key == person_key)
        .order_by(FaceRow.key)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [row.id for row in rows], from_bytes([row.vector for row in rows], dimension)
