"""Comparing two faces: how alike they are, and why.

two photos, or a photo and an enrolled face -> portraits -> embeddings -> similarity, explanation
"""

import numpy as np
from fastapi import APIRouter, Request

from faces.decode import decode_image
from faces.errors import FaceError
from faces.explanation import explain
from faces.portraits import Portrait, portrait_of_context
from service.access import SEARCH, GuardedRoute
from service.bodies import photo_and_face_body, two_photos_body
from service.comparing import ExplainResponse, VerifyResponse, explained
from service.errors import (
    BAD_IMAGE,
    NO_FACE,
    NOT_FOUND,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
    FieldError,
    InvalidRequest,
)
from service.problems import documented
from service.resources import Resources
from service.routes.common import Ready, note_lookup
from service.schemas import FoundFace
from service.uploads import Form, read_form

router = APIRouter(route_class=GuardedRoute, tags=["compare"])

_PROBLEMS = (VALIDATION, BAD_IMAGE, NO_FACE, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
FIRST, SECOND, ENROLLED = "image_a", "image_b", "face_id"


@router.post(
    "/verify",
    dependencies=[SEARCH],
    responses=documented(*_PROBLEMS),
    openapi_extra=two_photos_body(FIRST, SECOND),
)
async def verify(request: Request, resources: Ready) -> VerifyResponse:
    """Say how alike the largest faces of two photos are, and whether they may be one person's."""
    form = await read_form(
        request, photo_fields=(FIRST, SECOND), fields=(), limits=resources.upload_limits(2)
    )
    photos = (form.photo(FIRST), form.photo(SECOND))
    portraits, similarity = await resources.work.run(_compared, resources, *photos)
    note_lookup(request, resources, "verify", faces=len(portraits))
    return VerifyResponse(
        similarity=round(similarity, 6),
        same_person_probability=resources.meaning.probability(similarity),
        faces=[FoundFace.of(portrait.face) for portrait in portraits],
    )


@router.post(
    "/explain",
    dependencies=[SEARCH],
    responses=documented(NOT_FOUND, *_PROBLEMS),
    openapi_extra=photo_and_face_body(FIRST, SECOND, ENROLLED),
    operation_id="explain",
)
async def explain_likeness(request: Request, resources: Ready) -> ExplainResponse:
    """Say which parts make a face like or unlike another photo's, or an enrolled one.

    It takes the encoder some 170 looks, more than a second.
    """
    form = await read_form(
        request, photo_fields=(FIRST, SECOND), fields=(ENROLLED,), limits=resources.upload_limits(2)
    )
    explanation = await resources.work.run(_explained, resources, form)
    note_lookup(request, resources, "explain", faces=2)
    return explanation


def _compared(
    resources: Resources, first: bytes, second: bytes
) -> tuple[tuple[Portrait, Portrait], float]:
    portraits = _portrait(resources, FIRST, first), _portrait(resources, SECOND, second)
    crops = np.stack([portrait.crop for portrait in portraits])
    one, other = resources.pipeline.encoder.embed(crops)
    return portraits, float(np.clip(one @ other, -1, 1))


def _explained(resources: Resources, form: Form) -> ExplainResponse:
    """In a worker.

    Raises:
        InvalidRequest: there is no second face, or there are two.
        NotFound: no enrolled face has this id.
    """
    encoder = resources.pipeline.encoder
    photo = form.photo(FIRST)
    face_id = form.fields.get(ENROLLED)
    if (face_id is None) == (len(form.photos) == 1):
        raise InvalidRequest(FieldError(SECOND, None, f"required, or {ENROLLED} in its place"))
    first = _portrait(resources, FIRST, photo)
    if face_id is None:
        second = _portrait(resources, SECOND, form.photo(SECOND))
    else:
        context = decode_image(resources.gallery.context(face_id))
        second = portrait_of_context(context, encoder.card.input, encoder.landmarks)
    found = explain(encoder, encoder.card.input, first.crop, second.crop)
    return explained(found, (first, second), resources.meaning)


def _portrait(resources: Resources, field: str, data: bytes) -> Portrait:
    """The largest face of a photo; errors say which of the photos it is."""
    try:
        return resources.pipeline.portrait(data)
    except FaceError as error:
        raise type(error)(f"{field}: {error}") from error
