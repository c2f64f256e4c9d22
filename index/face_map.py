"""The map of a collection: each face at a place in the plane, near those that it looks like.

    embeddings -> layout (`pca`, or any other) -> places in the store -> page_of_places

The places belong to one encoder. Faces enrolled later have none until the map is drawn again; those
of an erased face go with it.

Axes: N faces, D embedding dimension.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, func, insert, select

from faces.types import Embeddings
from index.collections import collection_key
from index.cursors import decode_cursor, encode_cursor
from index.database import Database
from index.records import MapPage, Place
from index.tables import EmbeddingRow, FaceRow, GalleryRow, MapPlaceRow, PersonRow
from index.vectors import from_bytes

Layout: TypeAlias = Callable[[Embeddings], npt.NDArray[np.floating]]
"""float32 (N, D) of unit length -> places (N, 2)."""

PLACES_PER_STATEMENT = 2000


def draw(database: Database, *, collection: str, dimension: int, layout: Layout) -> int:
    """Give every face of a collection a place, instead of those that they had; say how many.

    Args:
        database: of the gallery.
        collection: whose faces.
        dimension: D, of the encoder that answers.
        layout: finds the places.

    Raises:
        NotFound: no collection has this name.
        StorageFull: no room; the old map stays.
    """
    with database.read() as connection:
        group = collection_key(connection, collection)
        encoder = connection.scalar(select(GalleryRow.encoder_key))
        rows = connection.execute(
            select(FaceRow.key, EmbeddingRow.vector)
            .join(EmbeddingRow, EmbeddingRow.face_key == FaceRow.key)
            .where(FaceRow.collection_key == group, EmbeddingRow.encoder_key == encoder)
            .order_by(FaceRow.key)
        ).all()
    keys = [row.key for row in rows]
    places = np.zeros((0, 2))
    if rows:
        places = fitted(layout(from_bytes([row.vector for row in rows], dimension)))
    with database.write() as connection:
        ours = select(FaceRow.key).where(FaceRow.collection_key == group)
        connection.execute(
            delete(MapPlaceRow).where(
                MapPlaceRow.encoder_key == encoder, MapPlaceRow.face_key.in_(ours)
            )
        )
        still = set(connection.scalars(ours))  # some may have been erased meanwhile
        drawn = [
            {"encoder_key": encoder, "face_key": key, "x": float(x), "y": float(y)}
            for key, (x, y) in zip(keys, places, strict=True)
            if key in still
        ]
        for start in range(0, len(drawn), PLACES_PER_STATEMENT):
            connection.execute(insert(MapPlaceRow), drawn[start : start + PLACES_PER_STATEMENT])
    return len(drawn)


def pca(embeddings: Embeddings) -> npt.NDArray[np.float64]:
    """Places (N, 2) by the two directions in which faces differ most (principal components).

    The signs follow from the directions alone, so that the same faces give the same map.
    """
    mean = embeddings.mean(axis=0, dtype=np.float64)
    count, dimension = embeddings.shape
    moments = embeddings.T.astype(np.float64) @ embeddings / count - np.outer(mean, mean)
    axes = np.linalg.eigh(moments)[1][:, ::-1][:, : min(2, dimension)]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    places = np.zeros((count, 2))
    places[:, : axes.shape[1]] = (embeddings - mean) @ axes
    return places


def fitted(places: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Places moved and scaled alike on both axes, so that all lie in -1 to 1."""
    low, high = places.min(axis=0), places.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    moved: npt.NDArray[np.float64] = (places - (low + high) / 2) / half
    return moved


def page_of_places(
    connection: Connection,
    *,
    collection_key: int,
    encoder_key: int,
    limit: int,
    cursor: str | None,
) -> MapPage:
    """Faces of a collection that have a place, in the order of their enrolment.

    Raises:
        InvalidCursor: `cursor` is not from this listing.
    """
    ours = (FaceRow.collection_key == collection_key, MapPlaceRow.encoder_key == encoder_key)
    query = (
        select(
            FaceRow.key,
            FaceRow.id,
            PersonRow.id.label("person_id"),
            PersonRow.name.label("person"),
            MapPlaceRow.x,
            MapPlaceRow.y,
        )
        .join(MapPlaceRow, MapPlaceRow.face_key == FaceRow.key)
        .join(PersonRow, PersonRow.key == FaceRow.person_key)
        .where(*ours)
    )
    if cursor is not None:
        query = query.where(FaceRow.key > decode_cursor("map", cursor, (int,))[0])
    rows = connection.execute(query.order_by(FaceRow.key).limit(limit + 1)).all()
    placed = select(func.count()).select_from(FaceRow)
    placed = placed.join(MapPlaceRow, MapPlaceRow.face_key == FaceRow.key).where(*ours)
    total = connection.scalar(placed) or 0
    faces = connection.scalar(
        select(func.count()).select_from(FaceRow).where(FaceRow.collection_key == collection_key)
    )
    return MapPage(
        items=[Place(row.id, row.person_id, row.person, row.x, row.y) for row in rows[:limit]],
        next_cursor=encode_cursor("map", [rows[limit - 1].key]) if len(rows) > limit else None,
        total=total,
        missing=(faces or 0) - total,
    )
