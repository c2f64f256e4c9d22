"""What the API reference says of uploads, which uploads.py reads while they stream in.

FastAPI sees only the request there, so routes say their fields with these.
"""

from collections.abc import Sequence
from typing import Any

from service.parameters import EXAMPLE_FACE_ID, EnrollForm
from service.uploads import MAX_PHOTOS

_PHOTO = {
    "type": "string",
    "format": "binary",
    "description": "A photo in JPEG, PNG, WebP, AVIF, HEIC, GIF or BMP.",
}
_FACE_ID = {
    "type": "string",
    "description": "Id of an enrolled face, in place of the second photo.",
    "examples": [EXAMPLE_FACE_ID],
}


def one_photo_body() -> dict[str, Any]:
    """A body of one photo: the field `image` of a form, or the image itself."""
    return _body({"image": _PHOTO}, ["image"], {"image/*": {"schema": _PHOTO}})


def two_photos_body(first: str, second: str) -> dict[str, Any]:
    """A form of two photos in fields of these names."""
    return _body({first: _PHOTO, second: _PHOTO}, [first, second])


def photo_and_face_body(first: str, second: str, enrolled: str) -> dict[str, Any]:
    """A form of one photo, and of either another one or the id of an enrolled face."""
    two = _form({first: _PHOTO, second: _PHOTO}, [first, second])
    one = _form({first: _PHOTO, enrolled: _FACE_ID}, [first, enrolled])
    content = {"multipart/form-data": {"schema": {"oneOf": [two, one]}}}
    return {"requestBody": {"required": True, "content": content}}


def enrol_body() -> dict[str, Any]:
    """A form of a person's photos and the fields of EnrollForm."""
    form = EnrollForm.model_json_schema(ref_template="#/components/schemas/{model}")
    images = {"type": "array", "items": _PHOTO, "minItems": 1, "maxItems": MAX_PHOTOS}
    fields = {name: never_null(field) for name, field in form["properties"].items()}
    properties = {**fields, "images": {**images, "description": "The person's photos."}}
    body = _body(properties, [*form["required"], "images"])
    content = body["requestBody"]["content"]["multipart/form-data"]
    content["encoding"] = {"metadata": {"contentType": "application/json"}}
    return body


def never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what is left out rather than null, as in forms and in URLs."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**kinds[0], **rest}


def _body(
    properties: dict[str, Any], required: Sequence[str], others: dict[str, Any] | None = None
) -> dict[str, Any]:
    form = {"multipart/form-data": {"schema": _form(properties, required)}}
    return {"requestBody": {"required": True, "content": {**form, **(others or {})}}}


def _form(properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    """A form in which no other field is taken."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
