"""The gallery: enrolling photos, listing, showing, changing and erasing faces."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from index.errors import EncoderChanged
from index.names import clean_name
from service import enrolling
from service.access import ADMIN, ENROLL, SEARCH, GuardedRoute
from service.bodies import enrol_body
from service.caching import CROP_HEADERS, revalidated
from service.enrolling import Enrolment
from service.errors import (
    CONFLICT,
    NOT_FOUND,
    NOTHING_ENROLLED,
    STORAGE_FULL,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
    InvalidRequest,
)
from service.parameters import (
    EnrollForm,
    FaceChangeBody,
    FaceId,
    FacesQuery,
    IdempotencyKey,
    IfNoneMatch,
    SimilarQuery,
)
from service.problems import documented, field_error
from service.routes.common import Ready, acting_for, note_lookup, own_request_key
from service.schemas import (
    EnrolledFace,
    EnrollResponse,
    FaceBody,
    FacesPage,
    MatchBody,
    SimilarFaces,
)
from service.succession import next_resources
from service.uploads import MAX_PHOTOS, read_form

router = APIRouter(route_class=GuardedRoute, prefix="/gallery", tags=["gallery"])

_ENROL_RESPONSES = {
    200: {"description": "Every photo had been enrolled before.", "model": EnrollResponse},
    **documented(
        VALIDATION,
        NOT_FOUND,
        NOTHING_ENROLLED,
        CONFLICT,
        TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        STORAGE_FULL,
    ),
}

_CROP_RESPONSES = {
    200: {
        "description": "The picture, square, at most 256 px.",
        "headers": CROP_HEADERS,
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {
        "description": "The picture is still the one of If-None-Match.",
        "headers": CROP_HEADERS,
    },
    **documented(NOT_FOUND),
}


@router.post(
    "",
    status_code=201,
    dependencies=[ENROLL],
    responses=_ENROL_RESPONSES,
    openapi_extra=enrol_body(),
)
async def enrol(
    request: Request,
    response: Response,
    resources: Ready,
    idempotency_key: IdempotencyKey = None,
) -> EnrollResponse:
    """Enrol photos of a person. All that can be taken are stored together, or none is."""
    uploaded = await read_form(
        request,
        photo_fields=("images",),
        fields=tuple(EnrollForm.model_fields),
        limits=resources.upload_limits(MAX_PHOTOS),
    )
    try:
        form = EnrollForm.model_validate(uploaded.fields)
    except ValidationError as error:
        raise InvalidRequest(*map(field_error, error.errors())) from error
    person, key = clean_name(form.person), own_request_key(request, idempotency_key)
    asked = Enrolment(person, form, uploaded.photos, key)
    try:
        enrolled, rejected = await resources.work.run(enrolling.enrol, resources, asked)
    except EncoderChanged:  # between two encoders nothing is refused: it takes a moment longer
        resources = acting_for(request, await next_resources(request.app.state, resources))
        enrolled, rejected = await resources.work.run(enrolling.enrol, resources, asked)
    if all(item.duplicate for item in enrolled):
        response.status_code = 200
    return EnrollResponse(
        person=asked.person,
        enrolled=[EnrolledFace.of_enrolled(item) for item in enrolled],
        rejected=rejected,
    )


@router.get("", dependencies=[SEARCH], responses=documented(NOT_FOUND, VALIDATION))
async def list_faces(query: Annotated[FacesQuery, Query()], resources: Ready) -> FacesPage:
    """List enrolled faces, page by page."""
    page = await resources.work.run(
        resources.gallery.faces,
        person=query.person,
        limit=query.limit,
        cursor=query.cursor,
        collection=query.collection,
    )
    return FacesPage(
        items=[FaceBody.of(face) for face in page.items],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@router.get("/{face_id}", dependencies=[SEARCH], responses=documented(NOT_FOUND))
async def show_face(face_id: FaceId, resources: Ready) -> FaceBody:
    """Show one enrolled face."""
    return FaceBody.of(await resources.work.run(resources.gallery.face, face_id))


@router.get(
    "/{face_id}/crop",
    dependencies=[SEARCH],
    response_class=Response,
    responses=_CROP_RESPONSES,
)
async def show_crop(
    face_id: FaceId, resources: Ready, if_none_match: IfNoneMatch = None
) -> Response:
    """Give the picture of one enrolled face."""
    crop = await resources.work.run(resources.gallery.crop, face_id)
    return revalidated(if_none_match, crop, "image/jpeg")


@router.get(
    "/{face_id}/similar", dependencies=[SEARCH], responses=documented(NOT_FOUND, VALIDATION)
)
async def similar(
    request: Request, face_id: FaceId, query: Annotated[SimilarQuery, Query()], resources: Ready
) -> SimilarFaces:
    """Find what looks most like an enrolled face, in the same collection."""
    matches = await resources.work.run(
        resources.gallery.similar, face_id, k=query.k, group_by=query.group_by
    )
    note_lookup(request, resources, "similar", faces=1)
    root_path = request.scope.get("root_path", "")
    return SimilarFaces(
        matches=[
            MatchBody.of(match, rank, root_path, resources.meaning)
            for rank, match in enumerate(matches, start=1)
        ]
    )


@router.patch(
    "/{face_id}",
    dependencies=[ADMIN],
    responses=documented(NOT_FOUND, CONFLICT, VALIDATION, STORAGE_FULL),
)
async def change_face(face_id: FaceId, change: FaceChangeBody, resources: Ready) -> FaceBody:
    """Change what is kept with a face, or give it to another person."""
    face = await resources.work.run(resources.gallery.change_face, face_id, change.to_change())
    return FaceBody.of(face)


@router.delete(
    "/{face_id}",
    dependencies=[ADMIN],
    status_code=204,
    responses=documented(NOT_FOUND, STORAGE_FULL),
)
async def erase_face(face_id: FaceId, resources: Ready) -> None:
    """Erase one enrolled face for good."""
    await resources.work.run(resources.gallery.erase_face, face_id)
