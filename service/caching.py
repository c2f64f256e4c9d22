"""What a browser may keep, and how it asks whether that is still true: ETag and 304.

Answers are not kept at all (`no-store`, see context.py), with two exceptions:

    crops   `private, no-cache`: no proxy keeps one, and a browser shows the one it has only after
            asking us. So an erased face is never shown from a cache: we answer 404.
    assets  `no-cache`: asked for each time, so that a new version is never mixed with the old.
"""

import hashlib
import os
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

CROP_CACHING = "private, no-cache"

CROP_HEADERS: dict[str, Any] = {
    "ETag": {
        "description": "Of these very bytes.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"0f343b0931126a20f133d67c2b018a3b"',
    },
    "Cache-Control": {
        "description": "A browser may keep the picture, and has to ask each time.",
        "required": True,
        "schema": {"const": CROP_CACHING},
        "example": CROP_CACHING,
    },
}
"""What the API reference says of them."""


def etag_of(content: bytes) -> str:
    """A strong validator: equal for equal bytes only."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the client says that it has this version (RFC 9110, section 13.1.2)."""
    given = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in given or "*" in given


def revalidated(if_none_match: str | None, content: bytes, media_type: str) -> Response:
    """The content, or 304 without it if the client has it already."""
    etag = etag_of(content)
    headers = {"ETag": etag, "Cache-Control": CROP_CACHING}
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


class Assets(StaticFiles):
    """The page's files. Starlette gives them ETag and Last-Modified, and answers 304."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """One file, to be asked for again each time."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response
