"""What the service answers, as frozen dataclasses with the field names of its JSON.

Similarities are cosines, -1 to 1, higher is more alike; boxes are pixels of the upright image;
times are aware. Fields that may be None need more of the service's encoder, see docs/api.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Size of the upright image in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Box:
    """A face's square; it may reach beyond the image's edges."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a face is to recognise someone by: shares from 0 to 1, the head's turn, advice."""

    width_px: int
    sharpness: float
    light: float
    yaw_deg: float
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face in an uploaded photo."""

    box: Box
    detection_confidence: float
    quality: Quality | None


@dataclass(frozen=True, slots=True)
class Match:
    """A face of the gallery that looks like the probe's; `crop` is the path of its picture."""

    rank: int
    person: str
    face_id: str
    similarity: float
    same_person_probability: float | None
    faces_of_person: int
    crop: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SearchedFace(FoundFace):
    """A face in the probe and its matches, most alike first."""

    unknown: bool | None
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class EncoderName:
    """Which encoder answered; `sha256` is that of its graph."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Look-alikes for each face of a photo; `timing_ms` is in milliseconds by step."""

    image: ImageSize
    faces: tuple[SearchedFace, ...]
    encoder: EncoderName
    timing_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SimilarFaces:
    """What looks most like an enrolled face, most alike first."""

    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """The faces of a photo, largest first."""

    image: ImageSize
    faces: tuple[FoundFace, ...]


@dataclass(frozen=True, slots=True)
class Embedding:
    """A face and its embedding: numbers of unit length."""

    box: Box
    embedding: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Embeddings of a photo's faces, largest first."""

    encoder: EncoderName
    embeddings: tuple[Embedding, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike the largest faces of two photos are."""

    similarity: float
    same_person_probability: float | None
    faces: tuple[FoundFace, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the face: its share of the likeness and of the difference, and what is seen."""

    name: str
    alike: float
    different: float
    seen: float


@dataclass(frozen=True, slots=True)
class Portrait:
    """A face as the encoder sees it and layers to lay over it: PNG files as data URIs."""

    picture: str
    alike: str
    different: str


@dataclass(frozen=True, slots=True)
class Explanation(Comparison):
    """Why two faces are as alike as they are."""

    regions: tuple[Region, ...]
    pictures: tuple[Portrait, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Face:
    """An enrolled face."""

    face_id: str
    person_id: str
    person: str
    source_name: str
    box: Box
    detection_confidence: float
    created_at: datetime
    metadata: Mapping[str, Any]
    consent_reference: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class EnrolledFace(Face):
    """A face just enrolled, or, as a duplicate, the face enrolled first."""

    duplicate: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """A photo that was not enrolled, and the problem that it has."""

    source_name: str
    type: str
    detail: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of each photo."""

    person: str
    enrolled: tuple[EnrolledFace, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A named group of faces, how many it has, and the first of them, to show the person by."""

    person_id: str
    person: str
    faces: int
    face_id: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a listing; `next_cursor` is None on the last page, `total` counts all pages."""

    items: tuple[T, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class MapPerson:
    """A person on a map."""

    person_id: str
    person: str


@dataclass(frozen=True, slots=True)
class MapPoints:
    """Faces on a map: the nth entries belong together; `person` counts in the map's people."""

    face_id: tuple[str, ...]
    person: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FaceMap:
    """A page of the map of a collection; x and y are -1 to 1, `missing` faces are not on it."""

    people: tuple[MapPerson, ...]
    points: MapPoints
    next_cursor: str | None
    total: int
    missing: int


@dataclass(frozen=True, slots=True)
class Collection:
    """A gallery of its own within the service."""

    name: str
    people: int
    faces: int


@dataclass(frozen=True, slots=True)
class Collections:
    """All collections by name."""

    items: tuple[Collection, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """How many faces were erased."""

    erased: int


@dataclass(frozen=True, slots=True)
class Encoder(EncoderName):
    """The encoder's card, as far as clients care."""

    created: str
    dimension: int
    input: Mapping[str, Any]
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    contract_hash: str


@dataclass(frozen=True, slots=True)
class Index:
    """The vector index: its kind and the faces that it holds."""

    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class GallerySize:
    """The gallery's size."""

    people: int
    faces: int
    index: Index


@dataclass(frozen=True, slots=True)
class Limits:
    """What uploads may have at most."""

    max_bytes: int
    max_request_bytes: int
    max_pixels: int
    max_images: int


@dataclass(frozen=True, slots=True)
class FalseMatchRate:
    """How often strangers reach a similarity, and how many of this gallery's faces would."""

    rate: float
    similarity: float
    expected_in_gallery: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What similarities mean with this encoder."""

    prior: float
    unknown_below: float | None
    people: int
    false_match_rates: tuple[FalseMatchRate, ...]


@dataclass(frozen=True, slots=True)
class Info:
    """What is running there."""

    versions: Mapping[str, str]
    encoder: Encoder
    gallery: GallerySize
    limits: Limits
    device: str
    calibration: Calibration | None


@dataclass(frozen=True, slots=True)
class Health:
    """A health check that passed: "live" or "ready"."""

    status: str


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one parameter: its name, what was given, what is allowed."""

    field: str
    value: str | None
    allowed: str
