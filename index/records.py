"""The values that go into a gallery and come out of it. None of them is tied to a connection.

Axes: D embedding dimension.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from faces.types import Box

T = TypeVar("T")

GroupBy: TypeAlias = Literal["person", "face"]
"""Whether an answer names each person once, by the best face, or every face."""

PersonSimilarity: TypeAlias = Literal["best", "centroid"]
"""What a person is compared by: the face most like the probe, or the mean of all faces."""

Vector: TypeAlias = npt.NDArray[np.float32]
"""One embedding of unit length: float32, shape (D,)."""


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """A face that is ready to be enrolled.

    Attributes:
        person: name of the person; None makes an unnamed person of this face alone.
        source_name: where the photo came from, as its giver calls it.
        photo_sha256: hex digest of the photo's bytes.
        box: the face, in pixels of the upright photo.
        confidence: the detector's, 0 to 1.
        embedding: float32 (D,) of unit length.
        context: the context crop as JPEG; empty if there is none, as with imported embeddings.
        metadata: what the giver wants to keep with it; JSON.
        consent_reference: where the person's consent is on file.
        expires_at: aware; the face is erased then.
        face_id: to keep, of a face that comes from an export; another is made where it is taken.
        created_at: aware; to keep, likewise.
    """

    person: str | None
    source_name: str
    photo_sha256: str
    box: Box
    confidence: float
    embedding: Vector = field(repr=False)
    context: bytes = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    consent_reference: str | None = None
    expires_at: datetime | None = None
    face_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """An enrolled face. Ids are ULIDs; times are in UTC."""

    face_id: str
    person_id: str
    person: str
    source_name: str
    box: Box
    confidence: float
    created_at: datetime
    metadata: Mapping[str, Any]
    consent_reference: str | None = None
    expires_at: datetime | None = None


class Unchanged(Enum):
    """What a change leaves as it is; None would mean to take it away."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class FaceChange:
    """What to change of an enrolled face.

    Attributes:
        person: name of the person that it belongs to; one who is not there yet is made.
        metadata: replaces the old.
        consent_reference: None takes it away.
        expires_at: aware; None keeps the face for good.
    """

    person: str | Unchanged = UNCHANGED
    metadata: Mapping[str, Any] | Unchanged = UNCHANGED
    consent_reference: str | Unchanged | None = UNCHANGED
    expires_at: datetime | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of a new face. A duplicate is answered with the face enrolled first."""

    face: Face
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A group of faces.

    Attributes:
        person_id: ULID.
        person: name.
        faces: how many.
        named: False until somebody has named it.
        face_id: the face enrolled first, to show the person by.
    """

    person_id: str
    person: str
    faces: int
    named: bool = True
    face_id: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A gallery of its own within the store, with its sizes."""

    name: str
    people: int
    faces: int


@dataclass(frozen=True, slots=True)
class Match:
    """A face of the gallery beside a probe; similarity is the cosine, -1 to 1."""

    face: Face
    similarity: float
    faces_of_person: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a listing. `next_cursor` is None on the last page; `total` counts all pages."""

    items: list[T]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is on the map of its collection; x and y are -1 to 1."""

    face_id: str
    person_id: str
    person: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class MapPage(Page[Place]):
    """A part of a map. `missing` counts the faces of the collection that have no place on it."""

    missing: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Sizes of a gallery and of its projection.

    Attributes:
        people: in the store.
        faces: in the store.
        index_kind: of the vector index, for instance "exact".
        index_size: faces in the vector index.
        last_seq: the last change that the vector index has applied.
        newest_seq: the last change of the store.
    """

    people: int
    faces: int
    index_kind: str
    index_size: int
    last_seq: int
    newest_seq: int
