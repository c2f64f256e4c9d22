"""An example of every problem, as the API reference shows it. The people in them are made up."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from service.errors import (
    BAD_IMAGE,
    CONFLICT,
    ENCODER_MISMATCH,
    FORBIDDEN,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NO_FACE,
    NOT_FOUND,
    NOT_READY,
    NOTHING_ENROLLED,
    OVERLOADED,
    RATE_LIMITED,
    SEVERAL_FACES,
    STORAGE_FULL,
    TOO_LARGE,
    TOO_SLOW,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
    Problem,
)
from service.schemas import FieldErrorBody, ProblemBody, RejectedPhoto

REQUEST_ID = "01JD0Q3V9S2X5Y6Z7A8B9C0D1E"

DETAILS: Mapping[str, str] = MappingProxyType(
    {
        VALIDATION.slug: "k: less than or equal to 100",
        BAD_IMAGE.slug: "the image is empty (0 bytes)",
        NO_FACE.slug: "no face was found in the image",
        SEVERAL_FACES.slug: "2 faces were found in the image; exactly one is asked for",
        NOTHING_ENROLLED.slug: "none of the 1 photos could be enrolled; `rejected` says why",
        UNSUPPORTED_MEDIA_TYPE.slug: "the body is text/plain; send multipart/form-data, or "
        "image/* where one image is asked for",
        TOO_LARGE.slug: "an image has more than 15,728,640 bytes",
        TOO_SLOW.slug: "the body came to a halt or came too slowly, after 65,536 bytes; "
        "send at least 8,192 bytes a second",
        NOT_FOUND.slug: f"no face has the id {REQUEST_ID!r}",
        METHOD_NOT_ALLOWED.slug: "/search does not take GET",
        UNAUTHORIZED.slug: "send a key as `Authorization: Bearer …` or as `X-API-Key: …`",
        RATE_LIMITED.slug: "more than 60 per 1 minute were made; wait 12 s",
        FORBIDDEN.slug: "the Host of the request is not one of LOOKALIKE_ALLOWED_HOSTS",
        OVERLOADED.slug: "all workers are busy and the queue is full; try again shortly",
        ENCODER_MISMATCH.slug: "the gallery belongs to encoder 'first', not to 'second'",
        CONFLICT.slug: "there is a collection 'family' already",
        STORAGE_FULL.slug: str(STORAGE_FULL.detail),
        NOT_READY.slug: "the service is starting; try again in a moment",
        INTERNAL.slug: str(INTERNAL.detail),
    }
)
"""What a problem of this slug says, for instance."""

_EXTRAS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        VALIDATION.slug: {
            "errors": [FieldErrorBody(field="k", value="500", allowed="less than or equal to 100")]
        },
        NOTHING_ENROLLED.slug: {
            "rejected": [
                RejectedPhoto(
                    source_name="sky.jpg", type=NO_FACE.type, detail=DETAILS[NO_FACE.slug]
                )
            ]
        },
    }
)


def problem_example(problem: Problem) -> dict[str, Any]:
    """The problem as a client may see it."""
    body = ProblemBody(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=DETAILS[problem.slug],
        request_id=REQUEST_ID,
        **_EXTRAS.get(problem.slug, {}),
    )
    return body.model_dump(mode="json", exclude_unset=True)
