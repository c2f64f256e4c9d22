"""The machine-readable API reference: FastAPI's, completed with what it cannot know.

Bodies are read by uploads.py while they stream in, so FastAPI does not see their fields; routes say
them with `one_photo_body` and `enrol_body`. Problems have a media type of their own.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.parameters import EnrollForm
from service.schemas import ProblemBody
from service.uploads import MAX_PHOTOS

_PHOTO = {"type": "string", "format": "binary"}
_SUMMARY = "Find the faces in a gallery that look most like the face in a photo."


def openapi_schema(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the whole app."""
    schema = get_openapi(
        title=app.title,
        version=app.version,
        summary=_SUMMARY,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    schemas = schema["components"]["schemas"]
    _drop_fastapis_own_errors(schema)
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas[ProblemBody.__name__] = problem
    return schema


def _drop_fastapis_own_errors(schema: dict[str, Any]) -> None:
    """Remove the 422 that FastAPI adds to each route with a path parameter; ours are documented."""
    for path in schema["paths"].values():
        for operation in path.values():
            content = operation["responses"].get("422", {}).get("content", {})
            if "application/json" in content:
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def one_photo_body() -> dict[str, Any]:
    """A body of one photo: the field `image` of a form, or the image itself."""
    form = {"type": "object", "required": ["image"], "properties": {"image": _PHOTO}}
    content = {"multipart/form-data": {"schema": form}, "image/*": {"schema": _PHOTO}}
    return {"requestBody": {"required": True, "content": content}}


def photos_body(
    *, required: Sequence[str], optional: Sequence[str] = (), text: Sequence[str] = ()
) -> dict[str, Any]:
    """A form of photos and text in fields of these names."""
    photos = dict.fromkeys((*required, *optional), _PHOTO)
    properties = photos | {name: {"type": "string"} for name in text}
    form = {"type": "object", "required": list(required), "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


def enrol_body() -> dict[str, Any]:
    """A form of a person's photos and the fields of EnrollForm."""
    form = EnrollForm.model_json_schema()
    photos = {"type": "array", "items": _PHOTO, "minItems": 1, "maxItems": MAX_PHOTOS}
    form["properties"]["images"] = photos
    form["required"] = [*form["required"], "images"]
    content = {"multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}
