"""Parameters: what query strings and forms may say, and within which bounds."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from index.names import MAX_NAME_CHARACTERS


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
