"""Parameters: what query strings, forms and JSON bodies may say, and within which bounds."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Header, Path
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

from index.cursors import encode_cursor
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
    if re.search(f"[{_CONTROLS}\ud800-\udfff]", value):
        raise ValueError("no control characters")
    return value


def check_time_text(value: object) -> object:
    """The same value, if it is a date and a time in words; pydantic would take seconds as well.

    Raises:
        ValueError: it is a number, or the text of one.
    """
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", value):
        raise ValueError("a time with its zone, such as 2027-11-22T10:00:00Z")
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


EXAMPLE_FACE_ID = "01JD0Q3V9S2X5Y6Z7A8B9C0D1E"
EXAMPLE_PERSON_ID = "01JD0Q3V9S2X5Y6Z7A8B9C0D1F"

_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_TEXT_PATTERN = f"^[^{_CONTROLS}]*$"
_NAME_PATTERN = f"^[^{_CONTROLS}]*[^\\s{_CONTROLS}][^{_CONTROLS}]*$"
"""What clean_name takes, for the API reference: no control characters, and not only blanks."""


def _only_said(pattern: str) -> dict[str, JsonValue]:
    """A pattern for the API reference; other code checks it, with better words."""
    return {"pattern": pattern}


PersonName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_CHARACTERS,
        examples=["Ada Lark"],
        json_schema_extra=_only_said(_NAME_PATTERN),
    ),
]
CollectionName = Annotated[
    str, Field(max_length=64, description="Which collection.", examples=[DEFAULT_COLLECTION])
]
ConsentReference = Annotated[
    str,
    AfterValidator(check_text),
    Field(
        min_length=1,
        max_length=500,
        description="Where the person's consent is on file.",
        examples=["form 7 of 2026"],
        json_schema_extra=_only_said(_TEXT_PATTERN),
    ),
]
ExpiresAt = Annotated[
    AwareDatetime,
    BeforeValidator(check_time_text),
    AfterValidator(check_time),
    Field(
        description="The face is erased then; a time with its zone (RFC 3339).",
        examples=["2027-11-22T10:00:00Z"],
    ),
]

FaceId = Annotated[str, Path(description="Id of an enrolled face.", examples=[EXAMPLE_FACE_ID])]
PersonId = Annotated[str, Path(description="Id of a person.", examples=[EXAMPLE_PERSON_ID])]
ErasedCollection = Annotated[str, Path(description="Name of a collection.", examples=["family"])]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Of your own making, such as a UUID. Sent again within 24 hours, the same "
        "request under the same key is done once and answered alike.",
        examples=["6f1c8a2e-5b0d-4e7a-9c3f-2d8b1a7e4c60"],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        description="The ETag of the picture that you have; 304 while it is still that one.",
        examples=['"0f343b0931126a20f133d67c2b018a3b"'],
    ),
]


class Query(BaseModel):
    """Base of query strings: an unknown parameter is refused, since it is most likely misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchQuery(Query):
    """How to search."""

    k: int = Field(9, ge=1, le=100, description="Matches for each face.", examples=[5])
    min_similarity: float = Field(
        -1, ge=-1, le=1, description="Leave out what is less alike.", examples=[0.5]
    )
    group_by: Literal["person", "face"] = Field(
        "person",
        description="`person` gives each person once, by that person's best face.",
        examples=["person"],
    )
    person_similarity: Literal["best", "centroid"] = Field(
        "best",
        description="Compare people by their most alike face, or by the mean of all.",
        examples=["best"],
    )
    faces: Literal["largest", "all"] = Field(
        "largest", description="Which faces of the photo.", examples=["all"]
    )
    collection: CollectionName = DEFAULT_COLLECTION


class SimilarQuery(Query):
    """How many faces like an enrolled one are wanted, and which."""

    k: int = Field(9, ge=1, le=100, description="Matches.", examples=[5])
    group_by: Literal["person", "face"] = Field(
        "person",
        description="`person` gives each other person once, `face` every other face.",
        examples=["face"],
    )


class EmbedQuery(Query):
    """Which faces to embed."""

    faces: Literal["largest", "all"] = Field(
        "largest", description="Which faces of the photo.", examples=["all"]
    )


def _cursor(listing: str, *last: str | int) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(
        None,
        description="`next_cursor` of the page before.",
        examples=[encode_cursor(listing, list(last))],
        json_schema_extra={"format": f"{listing}-cursor"},
    )


class ListQuery(Query):
    """A page of a listing."""

    limit: int = Field(50, ge=1, le=500, description="Items on a page.", examples=[100])
    collection: CollectionName = DEFAULT_COLLECTION


class MapQuery(ListQuery):
    """A page of a map."""

    limit: int = Field(5000, ge=1, le=20_000, description="Faces on a page.", examples=[5000])
    cursor: str | None = _cursor("map", 5000)


class FacesQuery(ListQuery):
    """A page of faces."""

    cursor: str | None = _cursor("faces", 50)
    person: str | None = Field(
        None,
        description="Only the faces of this person.",
        examples=["Ada Lark"],
        json_schema_extra=_only_said(_NAME_PATTERN),
    )


class PeopleQuery(ListQuery):
    """A page of people."""

    cursor: str | None = _cursor("people", "ada lark", 7)
    q: str | None = Field(None, description="Only names that begin so.", examples=["ada"])


class EnrollForm(BaseModel):
    """The text fields of an enrolment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: PersonName = Field(description="Whose photos these are.")
    metadata: Annotated[
        dict[str, JsonValue],
        BeforeValidator(parse_metadata),
        WithJsonSchema({"type": "object"}),
    ] = Field(
        {},
        description="A JSON object of at most 16 KiB, kept with each face.",
        examples=[{"source": "holiday"}],
    )
    consent_reference: ConsentReference | None = None
    expires_at: ExpiresAt | None = None
    faces: Literal["largest", "single"] = Field(
        "largest", description="`single` rejects photos with several faces.", examples=["single"]
    )
    collection: CollectionName = DEFAULT_COLLECTION


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Change(BaseModel):
    """Base of JSON bodies that change something: a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_without_defaults)


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

    name: str = Field(
        max_length=64,
        description="1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or a digit.",
        examples=["family"],
        json_schema_extra=_only_said("^[a-z0-9][a-z0-9._-]{0,63}$"),
    )
