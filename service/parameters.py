"""Parameters: what query strings, forms and JSON bodies may say, and within which bounds."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Header
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)

from index.names import MAX_NAME_CHARACTERS
from index.records import FaceChange
from index.tables import DEFAULT_COLLECTION

MAX_METADATA_BYTES = 16 * 2**10


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


def check_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """The same object, if it can be kept.

    Raises:
        ValueError: it is too large, or holds what JSON cannot give back.
    """
    text = json.dumps(value)
    if len(text) > MAX_METADATA_BYTES:
        raise ValueError(f"at most {MAX_METADATA_BYTES:,} bytes of JSON")
    return parse_metadata(text)


def check_text(value: str) -> str:
    """The same text, if it can be kept and shown.

    Raises:
        ValueError: it holds control characters or halves of surrogate pairs.
    """
    if not value.isprintable():
        raise ValueError("printable characters")
    return value


def check_time(value: datetime) -> datetime:
    """The time in UTC.

    Raises:
        ValueError: in UTC it is beyond the calendar.
    """
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time between the years 1 and 9999") from None


PersonName = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
CollectionName = Annotated[str, Field(max_length=64, description="Which collection.")]
ConsentReference = Annotated[
    str,
    AfterValidator(check_text),
    Field(min_length=1, max_length=500, description="Where the person's consent is on file."),
]
ExpiresAt = Annotated[
    AwareDatetime,
    AfterValidator(check_time),
    Field(description="The face is erased then; a time with its zone (RFC 3339)."),
]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Of your own making, such as a UUID. Sent again within 24 hours, the same "
        "request under the same key is done once and answered alike.",
    ),
]


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
    person_similarity: Literal["best", "centroid"] = Field(
        "best", description="Compare people by their most alike face, or by the mean of all."
    )
    faces: Literal["largest", "all"] = Field("largest", description="Which faces of the photo.")
    collection: CollectionName = DEFAULT_COLLECTION


class SimilarQuery(Query):
    """How many faces like an enrolled one are wanted, and which."""

    k: int = Field(9, ge=1, le=100, description="Matches.")
    group_by: Literal["person", "face"] = Field(
        "person", description="`person` gives each other person once, `face` every other face."
    )


class EmbedQuery(Query):
    """Which faces to embed."""

    faces: Literal["largest", "all"] = Field("largest", description="Which faces of the photo.")


class ListQuery(Query):
    """A page of a listing."""

    limit: int = Field(50, ge=1, le=500, description="Items on a page.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")
    collection: CollectionName = DEFAULT_COLLECTION


class FacesQuery(ListQuery):
    """A page of faces."""

    person: str | None = Field(None, description="Only the faces of this person.")


class PeopleQuery(ListQuery):
    """A page of people."""

    q: str | None = Field(None, description="Only names that begin so.")


class EnrollForm(BaseModel):
    """The text fields of an enrolment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: PersonName = Field(description="Whose photos these are.")
    metadata: Annotated[
        dict[str, JsonValue],
        BeforeValidator(parse_metadata),
        WithJsonSchema({"type": "string", "contentMediaType": "application/json"}),
    ] = Field({}, description="A JSON object of at most 16 KiB, kept with each face.")
    consent_reference: ConsentReference | None = None
    expires_at: ExpiresAt | None = None
    faces: Literal["largest", "single"] = Field(
        "largest", description="`single` rejects photos with several faces."
    )
    collection: CollectionName = DEFAULT_COLLECTION


class Change(BaseModel):
    """Base of JSON bodies that change something: a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FaceChangeBody(Change):
    """What to change of a face; null takes `consent_reference` or `expires_at` away."""

    person: PersonName = Field("", description="Moves the face to this person.")
    metadata: Annotated[dict[str, JsonValue], AfterValidator(check_metadata)] = Field(
        {}, description="Replaces the metadata: a JSON object of at most 16 KiB."
    )
    consent_reference: ConsentReference | None = None
    expires_at: ExpiresAt | None = None

    def to_change(self) -> FaceChange:
        """For the gallery: what was given, and nothing else."""
        return FaceChange(**{name: getattr(self, name) for name in self.model_fields_set})


class PersonChangeBody(Change):
    """What to change of a person."""

    person: PersonName = Field(description="The new name; one that is taken merges the two.")


class NewCollection(Change):
    """A collection to make."""

    name: CollectionName
