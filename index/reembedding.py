"""Re-embedding: a gallery moves over to another encoder while it is searched and filled.

    plan     which faces lack an embedding of the new encoder, what their crops do not hold
    embed    context crops in batches -> embeddings beside the old ones, at a rate that is bearable
    switch   the faces that came last, and the row that says which encoder answers: one transaction

Nothing here is remembered in memory only: whatever is broken off goes on by being started again.
Faces enrolled meanwhile have higher keys, so going through the keys to the end meets them all.
Searches see the old embeddings until the switch, which the processes that have the gallery open
notice by themselves. A rollback is the same towards the encoder before: it embeds what has been
enrolled since, and switches.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import Connection, Row, exists, func, insert, or_, select

from faces.card import Card
from faces.coverage import LARGEST_WHOLE_BOX_PX
from faces.errors import ImageError
from faces.types import Embeddings
from index.binding import bound_encoder, encoder_key, switch
from index.checkup import Embed
from index.database import Database
from index.errors import Conflict
from index.logs import Entry, log
from index.tables import ContextCropRow, EmbeddingRow, FaceRow
from index.upkeep import LOG_MAX_BYTES
from index.vectors import checked, to_bytes

BATCH_FACES = 64
"""Faces embedded together and stored in one transaction."""

LAST_STEP_FACES = 16
"""As many may be left for the transaction that switches: other writers wait for it."""

NAMED = 5
"""Faces without a whole crop that an error names."""


_Row: TypeAlias = Row[int, str, str, bytes]
"""A face's key, id, digest of its crop, and the crop, which is None where it is lost."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do.

    Attributes:
        bound: name of the encoder that answers now.
        faces: in the gallery.
        missing: of them, without an embedding of the new encoder.
        large: faces whose context crop was scaled down, as the box was wide.
    """

    bound: str
    faces: int
    missing: int
    large: int


@dataclass(slots=True)
class Reembedded:
    """What was done.

    Attributes:
        embedded: faces.
        lost: ids of faces whose crop is missing or damaged, so that they have no embedding.
        seconds: how long it took.
    """

    embedded: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Reembedding:
    """The move of one gallery to one encoder."""

    def __init__(
        self,
        database: Database,
        card: Card,
        folder: Path,
        *,
        actor: str = "local",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Note the encoder in the store.

        Args:
            database: the store's.
            card: of the new encoder.
            folder: where its files are, for the services that follow the switch.
            actor: who the audit log says it was.
            pause: waits for so many seconds.
        """
        self._database = database
        self._card = card
        self._actor = actor
        self._pause = pause
        with database.write() as connection:
            self._key = encoder_key(connection, card, folder)
        self._report = Reembedded()
        self._emptied_at_bytes = 0

    def plan(self) -> Plan:
        """Count what there is to do.

        Raises:
            Conflict: the gallery is bound to this encoder already.
        """
        wide = or_(
            FaceRow.width_px > LARGEST_WHOLE_BOX_PX, FaceRow.height_px > LARGEST_WHOLE_BOX_PX
        )
        with self._database.read() as connection:
            bound = bound_encoder(connection)
            if bound.key == self._key:
                raise Conflict(f"the gallery belongs to encoder {bound.name!r} already")
            count = select(func.count()).select_from(FaceRow)
            faces = connection.scalar(count) or 0
            missing = connection.scalar(count.where(~self._has_embedding())) or 0
            large = connection.scalar(count.where(wide)) or 0
        return Plan(bound.name, faces, missing, large)

    def run(
        self,
        embed: Embed,
        *,
        faces_per_s: float | None = None,
        without_lost: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Reembedded:
        """Embed all faces, and switch.

        Args:
            embed: embeds context crops as the new encoder's pipeline does.
            faces_per_s: no more than so many, but for the faces enrolled meanwhile: with those, it
                must come to an end.
            without_lost: switch although some faces have no whole crop; they are no longer found.
            progress: is told how many faces are embedded.

        Raises:
            Conflict: faces have no whole crop, and are not to be left out.
            StoreError: the store cannot be written; what is embedded stays.
        """
        began_s = time.monotonic()
        self._report = Reembedded()
        after = 0
        while True:
            while rows := self._missing_after(after, self._batch(faces_per_s)):
                started_s = time.monotonic()
                self._store(rows, *self._embedded(embed, rows))
                after = rows[-1].key
                if progress is not None:
                    progress(self._report.embedded)
                if faces_per_s is not None:
                    taken_s = time.monotonic() - started_s
                    self._pause(max(0.0, len(rows) / faces_per_s - taken_s))
            if self._switched(embed, after, without_lost=without_lost):
                break
            faces_per_s = None
        if progress is not None:
            progress(self._report.embedded)
        self._report.seconds = time.monotonic() - began_s
        return self._report

    def _batch(self, faces_per_s: float | None) -> int:
        """Faces to take at once: no more than a second's worth, so that no burst is long."""
        return BATCH_FACES if faces_per_s is None else int(np.clip(faces_per_s, 1, BATCH_FACES))

    def _has_embedding(self) -> Any:  # noqa: ANN401 - an SQL expression
        return exists().where(
            EmbeddingRow.encoder_key == self._key, EmbeddingRow.face_key == FaceRow.key
        )

    def _missing(self, connection: Connection, after: int, limit: int) -> Sequence[_Row]:
        """The next faces without an embedding, in the order of their keys, with their crops."""
        query = (
            select(FaceRow.key, FaceRow.id, FaceRow.crop_sha256, ContextCropRow.jpeg)
            .outerjoin(ContextCropRow, ContextCropRow.face_key == FaceRow.key)
            .where(FaceRow.key > after, ~self._has_embedding())
            .order_by(FaceRow.key)
            .limit(limit)
        )
        return connection.execute(query).all()

    def _missing_after(self, after: int, limit: int) -> Sequence[_Row]:
        with self._database.read() as connection:
            return self._missing(connection, after, limit)

    def _embedded(self, embed: Embed, rows: Sequence[_Row]) -> tuple[list[int], Embeddings]:
        """Embed what has a whole crop: places among the rows (N,), float32 (N, D)."""
        whole = [place for place, row in enumerate(rows) if _is_whole(row)]
        vectors = np.empty((0, self._card.dimension), np.float32)
        if whole:
            try:
                vectors = embed([rows[place].jpeg for place in whole])
            except ImageError:  # a crop that cannot be decoded, though it is what was stored
                found = [(place, _one(embed, rows[place].jpeg)) for place in whole]
                whole = [place for place, vector in found if vector is not None]
                kept = [vector for _, vector in found if vector is not None]
                vectors = np.concatenate([vectors, *kept])
        missed = set(range(len(rows))) - set(whole)
        self._report.lost.extend(rows[place].id for place in sorted(missed))
        return whole, checked(vectors, self._card.dimension)

    def _store(self, rows: Sequence[_Row], places: list[int], vectors: Embeddings) -> None:
        """Store embeddings in a transaction of their own, and keep the log small."""
        with self._database.write() as connection:
            self._insert(connection, rows, places, vectors)
        log_bytes = self._database.log_bytes
        if log_bytes < self._emptied_at_bytes:
            self._emptied_at_bytes = 0
        if log_bytes - self._emptied_at_bytes > LOG_MAX_BYTES:
            self._database.clean()  # where readers prevent it, it is tried again later
            self._emptied_at_bytes = self._database.log_bytes

    def _insert(
        self,
        connection: Connection,
        rows: Sequence[_Row],
        places: list[int],
        vectors: Embeddings,
    ) -> None:
        """Insert the embeddings of those faces that were not erased meanwhile."""
        keys = [rows[place].key for place in places]
        there = set(connection.scalars(select(FaceRow.key).where(FaceRow.key.in_(keys))))
        values = [
            {"encoder_key": self._key, "face_key": key, "vector": to_bytes(vector)}
            for key, vector in zip(keys, vectors, strict=True)
            if key in there
        ]
        if values:
            connection.execute(insert(EmbeddingRow), values)
        self._report.embedded += len(values)

    def _switched(self, embed: Embed, after: int, *, without_lost: bool) -> bool:
        """Embed the last few faces and switch, in one transaction; False if they are too many."""
        with self._database.write() as connection:
            rows = self._missing(connection, after, LAST_STEP_FACES + 1)
            if len(rows) > LAST_STEP_FACES:
                return False
            self._insert(connection, rows, *self._embedded(embed, rows))
            if self._report.lost and not without_lost:
                raise Conflict(_without_crops(self._report.lost))
            switch(connection, self._key)
            log(connection, "switch-encoder", self._actor, [Entry()])
        return True


def _is_whole(row: _Row) -> bool:
    if row.jpeg is None:
        return False
    return not row.crop_sha256 or hashlib.sha256(row.jpeg).hexdigest() == row.crop_sha256


def _one(embed: Embed, context: bytes) -> Embeddings | None:
    try:
        return embed([context])
    except ImageError:
        return None


def _without_crops(lost: Sequence[str]) -> str:
    named = ", ".join(lost[:NAMED]) + (", ..." if len(lost) > NAMED else "")
    return (
        f"{len(lost):,} faces have no whole crop to be embedded from ({named}): "
        "restore a backup, erase them, or say --accept-loss to go on without them"
    )
