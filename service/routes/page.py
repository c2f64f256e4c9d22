"""The web page, the API reference for people, and the files that both are made of."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

router = APIRouter(include_in_schema=False)

FOLDER = Path(str(files("service"))) / "page"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), display-capture=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}
"""Only our own files run; `blob:` is the photo that the visitor chose, shown from memory, `data:`
the pictures of /explain. Of the visitor's devices the page may ask for the camera alone."""


@router.get("/")
async def show_page() -> FileResponse:
    """The page on which one can search and enrol."""
    return FileResponse(FOLDER / "index.html", headers=_HEADERS)


@router.get("/docs")
async def show_reference() -> FileResponse:
    """The API reference, drawn from /openapi.json."""
    return FileResponse(FOLDER / "docs.html", headers=_HEADERS)
