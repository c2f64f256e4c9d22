"""Answers: their shapes on the wire.

Domain values come from faces/ and index/; the `of` constructors here turn them into JSON models.
Fields that may be null need more of the encoder: a landmark network, or a calibration in its card.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, JsonValue

from faces.quality import advice_on
from faces.types import Box, DetectedFace
from index.records import Enrolled, Face, MapPage, Match, Person
from service.meaning import Meaning

Similarity = Annotated[float, Field(ge=-1, le=1, description="Cosine; higher is more alike.")]
Confidence = Annotated[float, Field(ge=0, le=1, description="The detector's.")]
Share = Annotated[float, Field(ge=0, le=1, description="0 is useless, 1 is good.")]


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


class QualityBody(BaseModel):
    """How good a face is to recognise someone by; `advice` names what a better photo would mend."""

    width_px: int
    sharpness: Share
    light: Share
    yaw_deg: float = Field(description="Turn of the head to the image's right, in degrees.")
    advice: list[str]

    @classmethod
    def of(cls, face: DetectedFace) -> Self | None:
        """From the detector's face; None where it measured nothing."""
        quality = face.quality
        if quality is None:
            return None
        return cls(
            width_px=face.box.width,
            sharpness=quality.sharpness,
            light=quality.light,
            yaw_deg=face.yaw_deg or 0.0,
            advice=advice_on(face),
        )


class FoundFace(BaseModel):
    """A face in an uploaded photo."""

    box: BoxBody
    detection_confidence: Confidence
    quality: QualityBody | None = Field(description="Null where the encoder has no landmarks.")

    @classmethod
    def of(cls, face: DetectedFace) -> Self:
        """From the detector's face."""
        return cls(
            box=BoxBody.of(face.box),
            detection_confidence=face.confidence,
            quality=QualityBody.of(face),
        )


class MatchBody(BaseModel):
    """A face of the gallery that looks like the probe's."""

    rank: int
    person: str
    face_id: str
    similarity: Similarity
    same_person_probability: float | None = Field(
        description="For a comparison of two photos at the prior that /info names; null where the "
        "encoder has no calibration."
    )
    faces_of_person: int
    crop: str = Field(description="Path of the face's picture.")
    metadata: dict[str, JsonValue]

    @classmethod
    def of(cls, match: Match, rank: int, root_path: str, meaning: Meaning) -> Self:
        """From the gallery's match; `root_path` is the prefix under which clients see us."""
        return cls(
            rank=rank,
            person=match.face.person,
            face_id=match.face.face_id,
            similarity=round(min(1.0, max(-1.0, match.similarity)), 6),
            same_person_probability=meaning.probability(match.similarity),
            faces_of_person=match.faces_of_person,
            crop=f"{root_path}/gallery/{match.face.face_id}/crop",
            metadata=dict(match.face.metadata),
        )


class SearchedFace(FoundFace):
    """A face in the probe and its look-alikes, most alike first."""

    unknown: bool | None = Field(
        description="Whether the best match is no better than a stranger would reach; null where "
        "the encoder has no calibration."
    )
    matches: list[MatchBody]


class SimilarFaces(BaseModel):
    """What looks most like an enrolled face, most alike first."""

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
    consent_reference: str | None
    expires_at: datetime | None = Field(description="When the face is erased; null: never.")

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
    face_id: str | None = Field(description="The face enrolled first, to show the person by.")

    @classmethod
    def of(cls, person: Person) -> Self:
        """From the gallery's person."""
        return cls(
            person_id=person.person_id,
            person=person.person,
            faces=person.faces,
            face_id=person.face_id,
        )


class PeoplePage(BaseModel):
    """A page of people."""

    items: list[PersonBody]
    next_cursor: str | None
    total: int


class MapPerson(BaseModel):
    """A person on the map."""

    person_id: str
    person: str


class MapPoints(BaseModel):
    """Faces on the map, as four lists of one length: the nth entries belong together."""

    face_id: list[str]
    person: list[int] = Field(description="Place of the person in `people`, from 0.")
    x: list[float] = Field(description="-1 to 1.")
    y: list[float] = Field(description="-1 to 1.")


class MapResponse(BaseModel):
    """A page of the map; each person on the page is named once."""

    people: list[MapPerson]
    points: MapPoints
    next_cursor: str | None
    total: int
    missing: int = Field(description="Faces of the collection that are not on the map yet.")

    @classmethod
    def of(cls, page: MapPage) -> Self:
        """From the gallery's page."""
        people = {place.person_id: place.person for place in page.items}
        position = {person_id: number for number, person_id in enumerate(people)}
        return cls(
            people=[MapPerson(person_id=key, person=name) for key, name in people.items()],
            points=MapPoints(
                face_id=[place.face_id for place in page.items],
                person=[position[place.person_id] for place in page.items],
                x=[round(place.x, 5) for place in page.items],
                y=[round(place.y, 5) for place in page.items],
            ),
            next_cursor=page.next_cursor,
            total=page.total,
            missing=page.missing,
        )


class Erased(BaseModel):
    """How many faces were erased."""

    erased: int


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
        "consent_reference": face.consent_reference,
        "expires_at": face.expires_at,
    }
