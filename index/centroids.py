"""People compared by the mean of their faces: their centroid.

    matches, one a person -> all embeddings of those people -> centroids -> the k most alike

A best face answers "is this person on any photo like this one", a centroid "is this what the person
looks like": one odd photo counts for less. Only people with a face near the probe are compared.

Axes: D embedding dimension.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection, select

from faces.types import Embeddings
from index.ranking import DECIMALS
from index.reading import KEYS_PER_QUERY
from index.records import Match, Vector
from index.tables import EmbeddingRow, FaceRow, PersonRow
from index.vectors import from_bytes


def by_centroids(
    connection: Connection,
    encoder_key: int,
    queries: Embeddings,
    answers: Sequence[Sequence[Match]],
    k: int,
) -> list[list[Match]]:
    """The k people of each answer whose centroids are most like its query.

    Args:
        connection: of the store.
        encoder_key: whose embeddings.
        queries: float32 (Q, D) of unit length.
        answers: for each query matches of different people, each with the person's best face.
        k: how many are wanted.

    Returns:
        The matches with the centroid's similarity, best first, of equals the lower face id first.
    """
    people = {match.face.person_id for matches in answers for match in matches}
    dimension = queries.shape[1]
    centroid_of = {
        person_id: _centroid(connection, encoder_key, person_id, dimension) for person_id in people
    }
    ranked = []
    for query, matches in zip(queries, answers, strict=True):
        scored = [
            replace(match, similarity=_similarity(query, centroid_of[match.face.person_id]))
            for match in matches
        ]
        scored.sort(key=lambda match: (-match.similarity, match.face.face_id))
        ranked.append(scored[:k])
    return ranked


def _similarity(query: Vector, centroid: Vector) -> float:
    return round(float(np.clip(query @ centroid, -1, 1)), DECIMALS)


def _centroid(connection: Connection, encoder_key: int, person_id: str, dimension: int) -> Vector:
    """The mean of a person's embeddings, at unit length; zeros where they cancel out."""
    total = np.zeros(dimension, np.float64)
    query = (
        select(EmbeddingRow.vector)
        .join(FaceRow, FaceRow.key == EmbeddingRow.face_key)
        .join(PersonRow, PersonRow.key == FaceRow.person_key)
        .where(PersonRow.id == person_id, EmbeddingRow.encoder_key == encoder_key)
    )
    for rows in connection.scalars(query).partitions(KEYS_PER_QUERY):
        total += from_bytes(rows, dimension).sum(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(total))
    return (total / length if length else total).astype(np.float32)
