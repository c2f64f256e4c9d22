"""The shapes on the wire: what requests may say and what answers look like.

Domain values come from faces/ and index/; the `of` constructors here turn them into JSON models.
Fields typed `None` wait for what they need (landmarks, calibration) and are null until then.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)

from faces.types import Box, DetectedFace
from index.names import MAX_NAME_CHARACTERS
from index.records import Enrolled, Face, Match, Person

Similarity = Annotated[float, Field(ge=-1, le=1, description="Cosine; higher is more alike.")]
Confidence = Annotated[float, Field(ge=0, le=1, description="The detector's.")]


def parse_metadata(text: object) -> dict[str, Any]:
    """A JSON object from its text.

    Raises:
        ValueError: the text is no object, or holds what JSON cannot give back: NaN, infinities,
            lone surrogates, numbers and nesting beyond all measure.
    """
    try:
        value = json.loads(str(text))
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise ValueError("a JSON object") from None
    if not isinstance(value, dict):
        raise ValueError("a JSON object")  # noqa: TRY004 - pydantic collects ValueError only
    return value


class Query(BaseModel):
    """Base of query strings: an unknown parameter is refused, since it is most likely misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchQuery(Query):
    """How to search."""

    k: int = Field(9, ge=1, le=100, description="Matches for each face.")
    min_similarity: float = Field(-1, ge=-1, le=1, description="Leave out what is less alike.")
    group_by: Literal["person", "face"] = Field(
        "person", description="`person` gives each person once, by that person's best face."
    )
    faces: Literal["largest", "all"] = Field("largest", description="Which faces of the photo.")


class EmbedQuery(Query):
    """Which faces to embed."""

    faces: Literal["largest", "all"] = Field("largest", description="Which faces of the photo.")


class ListQuery(Query):
    """A page of a listing."""

    limit: int = Field(50, ge=1, le=500, description="Items on a page.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


class FacesQuery(ListQuery):
    """A page of faces."""

    person: str | None = Field(None, description="Only the faces of this person.")


class PeopleQuery(ListQuery):
    """A page of people."""

    q: str | None = Field(None, description="Only names that begin so.")


class EnrollForm(BaseModel):
    """The text fields of an enrolment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(
        min_length=1, max_length=MAX_NAME_CHARACTERS, description="Whose photos these are."
    )
    metadata: Annotated[
        dict[str, JsonValue],
        BeforeValidator(parse_metadata),
        WithJsonSchema({"type": "string", "contentMediaType": "application/json"}),
    ] = Field({}, description="A JSON object of at most 16 KiB, kept with each face.")
    faces: Literal["largest", "single"] = Field(
        "largest", description="`single` rejects photos with several faces."
    )


class ImageSize(BaseModel):
    """Size of the upright image in pixels."""

    width: int
    height: int


class BoxBody(BaseModel):
    """A face's square in pixels of the upright image; it may reach beyond the edges."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, box: Box) -> Self:
        """From the domain's box."""
        return cls(left=box.left, top=box.top, width=box.width, height=box.height)


class FoundFace(BaseModel):
    """A face in an uploaded photo."""

    box: BoxBody
    detection_confidence: Confidence
    quality: None = None

    @classmethod
    def of(cls, face: DetectedFace) -> Self:
        """From the detector's face."""
        return cls(box=BoxBody.of(face.box), detection_confidence=face.confidence)


class MatchBody(BaseModel):
    """A face of the gallery that looks like the probe's."""

    rank: int
    person: str
    face_id: str
    similarity: Similarity
    same_person_probability: None = None
    faces_of_person: int
    crop: str = Field(description="Path of the face's picture.")
    metadata: dict[str, JsonValue]

    @classmethod
    def of(cls, match: Match, rank: int, root_path: str) -> Self:
        """From the gallery's match; `root_path` is the prefix under which clients see us."""
        return cls(
            rank=rank,
            person=match.face.person,
            face_id=match.face.face_id,
            similarity=round(min(1.0, max(-1.0, match.similarity)), 6),
            faces_of_person=match.faces_of_person,
            crop=f"{root_path}/gallery/{match.face.face_id}/crop",
            metadata=dict(match.face.metadata),
        )


class SearchedFace(FoundFace):
    """A face in the probe and its look-alikes, most alike first."""

    unknown: None = None
    matches: list[MatchBody]


class EncoderName(BaseModel):
    """Which encoder answered; `sha256` is that of its graph."""

    name: str
    sha256: str


class SearchResponse(BaseModel):
    """Look-alikes for each face of a photo."""

    image: ImageSize
    faces: list[SearchedFace]
    encoder: EncoderName
    timing_ms: dict[str, float] = Field(description="Milliseconds; total includes waiting.")


class DetectResponse(BaseModel):
    """The faces of a photo, largest first."""

    image: ImageSize
    faces: list[FoundFace]


class Embedding(BaseModel):
    """A face and its embedding: numbers of unit length."""

    box: BoxBody
    embedding: list[float]


class EmbedResponse(BaseModel):
    """Embeddings of a photo's faces, largest first."""

    encoder: EncoderName
    embeddings: list[Embedding]


class FaceBody(BaseModel):
    """An enrolled face."""

    face_id: str
    person_id: str
    person: str
    source_name: str
    box: BoxBody
    detection_confidence: Confidence
    created_at: datetime
    metadata: dict[str, JsonValue]

    @classmethod
    def of(cls, face: Face) -> Self:
        """From the gallery's face."""
        return cls(**_face_fields(face))


class EnrolledFace(FaceBody):
    """A face just enrolled, or, as a duplicate, the face enrolled first."""

    duplicate: bool

    @classmethod
    def of_enrolled(cls, enrolled: Enrolled) -> Self:
        """From the gallery's answer."""
        return cls(duplicate=enrolled.duplicate, **_face_fields(enrolled.face))


class RejectedPhoto(BaseModel):
    """A photo that was not enrolled, and the problem that it has."""

    source_name: str
    type: str
    detail: str


class EnrollResponse(BaseModel):
    """What became of each photo."""

    person: str
    enrolled: list[EnrolledFace]
    rejected: list[RejectedPhoto]


class FacesPage(BaseModel):
    """A page of enrolled faces."""

    items: list[FaceBody]
    next_cursor: str | None
    total: int


class PersonBody(BaseModel):
    """A person and how many faces the gallery has of them."""

    person_id: str
    person: str
    faces: int

    @classmethod
    def of(cls, person: Person) -> Self:
        """From the gallery's person."""
        return cls(person_id=person.person_id, person=person.person, faces=person.faces)


class PeoplePage(BaseModel):
    """A page of people."""

    items: list[PersonBody]
    next_cursor: str | None
    total: int


class Erased(BaseModel):
    """How many faces were erased."""

    erased: int


class EncoderInfo(EncoderName):
    """The encoder's card, as far as clients care."""

    created: str
    dimension: int
    input: dict[str, Any]
    training: dict[str, Any]
    metrics: dict[str, Any]
    contract_hash: str


class IndexInfo(BaseModel):
    """The vector index: its kind and the faces that it holds."""

    kind: str
    size: int


class GalleryInfo(BaseModel):
    """The gallery's size."""

    people: int
    faces: int
    index: IndexInfo


class LimitsInfo(BaseModel):
    """What uploads may have at most."""

    max_bytes: int
    max_request_bytes: int
    max_pixels: int
    max_images: int


class Info(BaseModel):
    """What is running here."""

    versions: dict[str, str]
    encoder: EncoderInfo
    gallery: GalleryInfo
    limits: LimitsInfo
    device: str
    false_match_rates: None = None


class Health(BaseModel):
    """A health check that passed."""

    status: Literal["live", "ready"]


class FieldErrorBody(BaseModel):
    """One thing wrong with one parameter."""

    field: str
    value: str | None
    allowed: str


class ProblemBody(BaseModel):
    """An error, as RFC 9457 has it. `errors` and `rejected` come with some problems only."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldErrorBody] | None = None
    rejected: list[RejectedPhoto] | None = None


def _face_fields(face: Face) -> Mapping[str, Any]:
    return {
        "face_id": face.face_id,
        "person_id": face.person_id,
        "person": face.person,
        "source_name": face.source_name,
        "box": BoxBody.of(face.box),
        "detection_confidence": face.confidence,
        "created_at": face.created_at,
        "metadata": dict(face.metadata),
    }
