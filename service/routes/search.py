"""Searching: from an uploaded photo to its faces, their embeddings or their look-alikes.

photo -> pipeline -> embeddings -> gallery -> matches
"""

import time
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request

from faces.pipeline import EmbeddedPhoto
from index.records import Match
from service.access import SEARCH, GuardedRoute
from service.bodies import one_photo_body
from service.errors import (
    BAD_IMAGE,
    NO_FACE,
    NOT_FOUND,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
)
from service.parameters import EmbedQuery, SearchQuery
from service.problems import documented
from service.resources import Resources
from service.routes.common import Ready, encoder_name, note_lookup
from service.schemas import (
    BoxBody,
    DetectResponse,
    Embedding,
    EmbedResponse,
    FoundFace,
    ImageSize,
    MatchBody,
    SearchedFace,
    SearchResponse,
)
from service.uploads import read_photo

router = APIRouter(route_class=GuardedRoute, tags=["search"])

_PHOTO_PROBLEMS = (VALIDATION, BAD_IMAGE, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
_TAKES_PHOTO: dict[str, Any] = {"openapi_extra": one_photo_body()}


@router.post(
    "/search",
    responses=documented(NO_FACE, NOT_FOUND, *_PHOTO_PROBLEMS),
    dependencies=[SEARCH],
    **_TAKES_PHOTO,
)
async def search(
    request: Request, query: Annotated[SearchQuery, Query()], resources: Ready
) -> SearchResponse:
    """Find the faces of the gallery that look most like the face in a photo."""
    data = await read_photo(request, resources.upload_limits())
    start = time.perf_counter()
    photo, answers, search_ms = await resources.work.run(_search, resources, data, query)
    note_lookup(request, resources, "search", faces=len(photo.faces))
    total_ms = (time.perf_counter() - start) * 1000
    root_path = request.scope.get("root_path", "")
    faces = [
        SearchedFace(
            **FoundFace.of(found.face).model_dump(),
            unknown=resources.meaning.unknown(alike[0].similarity if alike else None),
            matches=[
                MatchBody.of(match, rank, root_path, resources.meaning)
                for rank, match in enumerate(alike, start=1)
                if match.similarity >= query.min_similarity
            ],
        )
        for found, alike in zip(photo.faces, answers, strict=True)
    ]
    timing_ms = {**photo.timing_ms, "search": search_ms, "total": total_ms}
    return SearchResponse(
        image=ImageSize(width=photo.width_px, height=photo.height_px),
        faces=faces,
        encoder=encoder_name(resources.pipeline.encoder.card),
        timing_ms={step: round(took, 2) for step, took in timing_ms.items()},
    )


@router.post(
    "/detect", responses=documented(*_PHOTO_PROBLEMS), dependencies=[SEARCH], **_TAKES_PHOTO
)
async def detect(request: Request, resources: Ready) -> DetectResponse:
    """Find the faces in a photo. A photo without a face gives an empty list."""
    data = await read_photo(request, resources.upload_limits())
    photo = await resources.work.run(resources.pipeline.detect, data)
    note_lookup(request, resources, "detect", faces=len(photo.faces))
    return DetectResponse(
        image=ImageSize(width=photo.width_px, height=photo.height_px),
        faces=[FoundFace.of(face) for face in photo.faces],
    )


@router.post(
    "/embed", responses=documented(NO_FACE, *_PHOTO_PROBLEMS), dependencies=[SEARCH], **_TAKES_PHOTO
)
async def embed(
    request: Request, query: Annotated[EmbedQuery, Query()], resources: Ready
) -> EmbedResponse:
    """Turn the faces of a photo into embeddings, for an index of your own."""
    data = await read_photo(request, resources.upload_limits())
    photo = await resources.work.run(resources.pipeline.embed, data, query.faces)
    note_lookup(request, resources, "embed", faces=len(photo.faces))
    return EmbedResponse(
        encoder=encoder_name(resources.pipeline.encoder.card),
        embeddings=[
            Embedding(box=BoxBody.of(found.face.box), embedding=found.embedding.tolist())
            for found in photo.faces
        ],
    )


def _search(
    resources: Resources, data: bytes, query: SearchQuery
) -> tuple[EmbeddedPhoto, list[list[Match]], float]:
    """Embed and search, in a worker. The last value is what the search took, in milliseconds."""
    photo = resources.pipeline.embed(data, query.faces)
    start = time.perf_counter()
    embeddings = np.stack([found.embedding for found in photo.faces])
    answers = resources.gallery.search(
        embeddings,
        k=query.k,
        group_by=query.group_by,
        person_similarity=query.person_similarity,
        collection=query.collection,
    )
    search_ms = (time.perf_counter() - start) * 1000
    resources.metrics.staged("search", search_ms)
    return photo, answers, search_ms
