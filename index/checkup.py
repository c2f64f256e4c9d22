"""The check: whether the store holds together, and the index shows what the store has.

    database    SQLite's own check of every page, row and reference
    faces       a crop that hashes as noted, an embedding of unit length
    people      nobody without a face
    index       as many faces as the store; faces of a sample find themselves

What can be rebuilt is, if asked for: SQLite's indexes, digests that were never noted, embeddings
(from their crops) and the vector index (from the embeddings). A lost crop cannot be.

Axes: D embedding dimension.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from sqlalchemy import Row, delete, exists, func, select, update

from faces.errors import ImageError
from faces.types import Embeddings
from index.binding import Binding
from index.changes import count_embeddings
from index.database import Database
from index.logs import Entry, log
from index.tables import ContextCropRow, EmbeddingRow, FaceRow, PersonRow
from index.vector_index import Searchable
from index.vectors import UNIT_TOLERANCE, from_bytes, to_bytes

FACES_PER_READ = 500
SAMPLE = 256
"""Faces that are searched for in the index."""

SELF_SIMILARITY = 0.99
"""What a face finds itself with, at least, in an index that rounds its numbers."""

Embed: TypeAlias = Callable[[Sequence[bytes]], Embeddings]
"""Embeds context crops anew: JPEGs -> float32 (N, D)."""

What: TypeAlias = Literal[
    "database", "reference", "crop-missing", "crop-changed", "digest-missing",
    "embedding-missing", "embedding-damaged", "person-without-face", "index",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        what: the kind.
        where: id of the face or person, or SQLite's words.
        repaired: whether it is well now.
    """

    what: What
    where: str
    repaired: bool


@dataclass(slots=True)
class CheckReport:
    """What a check has looked at and found."""

    people: int = 0
    faces: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all is well now."""
        return all(finding.repaired for finding in self.findings)


class Checkup:
    """One check of one gallery."""

    def __init__(
        self,
        database: Database,
        binding: Binding,
        *,
        actor: str,
        repair: bool,
        embed: Embed | None = None,
    ) -> None:
        """Prepare to check.

        Args:
            database: the store's.
            binding: whose embeddings must be there.
            actor: who the audit log says repaired.
            repair: rebuild what can be.
            embed: embeds crops anew; without it embeddings are not repaired.
        """
        self.report = CheckReport()
        self.index_can_be_checked = True
        self._database = database
        self._binding = binding
        self._actor = actor
        self._repair = repair
        self._embed = embed

    def check_store(self) -> None:
        """Look at the database, its faces and its people."""
        self._check_database()
        for rows in self._faces():
            self.report.faces += len(rows)
            for row in rows:
                self._check_crop(row)
                self._check_embedding(row)
        self._check_people()

    def check_index(self, database: Database, index: Searchable) -> None:
        """Compare a vector index with the store; nothing is repaired here."""
        with database.read() as connection:
            expected = count_embeddings(connection, self._binding.encoder_key)
            sample = connection.execute(
                select(EmbeddingRow.face_key, EmbeddingRow.vector)
                .where(EmbeddingRow.encoder_key == self._binding.encoder_key)
                .where(func.length(EmbeddingRow.vector) == 4 * self._binding.dimension)
                .order_by(func.random())
                .limit(SAMPLE)
            ).all()
        if index.size != expected:
            self._note("index", f"holds {index.size:,} faces, the store {expected:,}")
        for face_key, vector in sample:
            probe = from_bytes([vector], self._binding.dimension)
            if not _unit(probe[0]):
                continue
            similarities, _ = index.search(probe, 1)
            if not similarities.size or similarities[0, 0] < SELF_SIMILARITY:
                self._note("index", f"does not find the face with the key {face_key}")

    def _check_database(self) -> None:
        found, orphans = self._database.faults(), self._database.orphans()
        repaired = False
        if found and self._repair:
            self._database.rebuild_indexes()
            repaired = not self._database.faults()
        for line in found:
            self._note("database", line, repaired=repaired)
        for table, row_id in orphans:
            repaired = self._remove_orphans(table)
            self.index_can_be_checked &= repaired  # the index reads all embeddings
            self._note("reference", f"{table} {row_id}", repaired=repaired)

    def _remove_orphans(self, table: str) -> bool:
        """Remove crops or embeddings whose faces are gone."""
        keys = {
            ContextCropRow.__tablename__: ContextCropRow.face_key,
            EmbeddingRow.__tablename__: EmbeddingRow.face_key,
        }
        if not self._repair or table not in keys:
            return False
        has_face = exists().where(FaceRow.key == keys[table])
        with self._database.write() as connection:
            connection.execute(delete(keys[table].class_).where(~has_face))
        return True

    def _faces(self) -> Iterator[Sequence[Row[Any]]]:
        """All faces with crop and vector, in pieces; each is read in a transaction of its own."""
        last_key = 0
        while True:
            query = (
                select(FaceRow.key, FaceRow.id, FaceRow.crop_sha256, PersonRow.id.label("person"))
                .add_columns(ContextCropRow.jpeg, EmbeddingRow.vector)
                .join(PersonRow, PersonRow.key == FaceRow.person_key)
                .outerjoin(ContextCropRow, ContextCropRow.face_key == FaceRow.key)
                .outerjoin(
                    EmbeddingRow,
                    (EmbeddingRow.face_key == FaceRow.key)
                    & (EmbeddingRow.encoder_key == self._binding.encoder_key),
                )
                .where(FaceRow.key > last_key)
                .order_by(FaceRow.key)
                .limit(FACES_PER_READ)
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last_key = rows[-1].key
            yield rows

    def _check_crop(self, row: Row[Any]) -> None:
        if row.jpeg is None:
            if row.crop_sha256:  # else it never had one: its embedding was imported
                self._note("crop-missing", row.id)
        elif not row.crop_sha256:
            self._note("digest-missing", row.id, repaired=self._note_digest(row))
        elif hashlib.sha256(row.jpeg).hexdigest() != row.crop_sha256:
            self._note("crop-changed", row.id)

    def _note_digest(self, row: Row[Any]) -> bool:
        if self._repair:
            digest = hashlib.sha256(row.jpeg).hexdigest()
            with self._database.write() as connection:
                connection.execute(
                    update(FaceRow).where(FaceRow.key == row.key).values(crop_sha256=digest)
                )
        return self._repair

    def _check_embedding(self, row: Row[Any]) -> None:
        if row.vector is None:
            self._note("embedding-missing", row.id, repaired=self._embed_anew(row))
        elif len(row.vector) != 4 * self._binding.dimension or not _unit(
            from_bytes([row.vector], self._binding.dimension)[0]
        ):
            repaired = self._embed_anew(row)
            self.index_can_be_checked &= repaired
            self._note("embedding-damaged", row.id, repaired=repaired)

    def _embed_anew(self, row: Row[Any]) -> bool:
        """Embed a face from its crop, if that is whole."""
        if not self._repair or self._embed is None or row.jpeg is None:
            return False
        if hashlib.sha256(row.jpeg).hexdigest() != row.crop_sha256:
            return False
        try:
            [vector] = self._embed([row.jpeg])
        except ImageError:
            return False
        key = self._binding.encoder_key
        mine = (EmbeddingRow.face_key == row.key) & (EmbeddingRow.encoder_key == key)
        values = {"encoder_key": key, "face_key": row.key, "vector": to_bytes(vector)}
        with self._database.write() as connection:
            connection.execute(delete(EmbeddingRow).where(mine))
            connection.execute(EmbeddingRow.__table__.insert(), values)  # type: ignore[attr-defined]
            log(connection, "repair", self._actor, [Entry(row.key, row.id, row.person)])
        return True

    def _check_people(self) -> None:
        empty = ~exists().where(FaceRow.person_key == PersonRow.key)
        with self._database.read() as connection:
            self.report.people = connection.scalar(select(func.count(PersonRow.key))) or 0
            without = connection.scalars(select(PersonRow.id).where(empty)).all()
        if without and self._repair:
            with self._database.write() as connection:
                connection.execute(delete(PersonRow).where(empty))
        for person_id in without:
            self._note("person-without-face", person_id, repaired=self._repair)

    def _note(self, what: What, where: str, *, repaired: bool = False) -> None:
        self.report.findings.append(Finding(what, where, repaired))


def _unit(vector: Embeddings) -> bool:
    return bool(abs(float(np.linalg.norm(vector)) - 1) <= UNIT_TOLERANCE)
