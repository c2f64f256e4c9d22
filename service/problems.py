"""Problems on the wire: every error answered as RFC 9457 `application/problem+json`.

    exception -> errors.problem_of -> problem_response -> {type, title, status, detail, ...}

Also what the API reference says of them: `documented(...)` for the routes.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Mount

from index.errors import InvalidCursor, InvalidName
from service.errors import (
    FORBIDDEN,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    NOT_READY,
    OVERLOADED,
    PROBLEMS,
    FieldError,
    InvalidRequest,
    NothingEnrolled,
    Problem,
    RateLimited,
    Unauthorized,
    problem_of,
)
from service.problem_examples import problem_example
from service.schemas import ProblemBody, RejectedPhoto

MEDIA_TYPE = "application/problem+json"
_SHOWN_CHARACTERS = 100
"""A wrong value is repeated in the answer no further than this."""

logger = logging.getLogger("lookalike")


def add_handlers(app: FastAPI) -> None:
    """Let the app answer each error of the table as a problem."""
    for kind in PROBLEMS:
        app.add_exception_handler(kind, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_wrong_parameters)
    app.add_exception_handler(HTTPException, _answer_no_route)


def error_response(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error of the table, or to a fault of ours."""
    problem = problem_of(error)
    detail = problem.detail or str(error)
    return problem_response(request, problem, detail, _extras(error), _headers(error))


def problem_response(
    request: Request,
    problem: Problem,
    detail: str,
    extras: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem as a response, with Retry-After where trying again helps."""
    sent = dict(headers or {})
    if problem.retry_after_s is not None:
        sent["Retry-After"] = str(problem.retry_after_s)
    request.state.problem = problem.slug  # for the metrics
    body = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "request_id": request.state.request_id,
        **(extras or {}),
    }
    return JSONResponse(body, problem.status, headers=sent, media_type=MEDIA_TYPE)


def rejected_photo(source_name: str, error: Exception) -> RejectedPhoto:
    """Why one photo of an enrolment was not taken."""
    return RejectedPhoto(source_name=source_name, type=problem_of(error).type, detail=str(error))


EVERYWHERE = (FORBIDDEN, INTERNAL)
"""Problems that every route can have."""


def documented(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its own problems, those of what nearly all use, and all others'.

    Nearly all routes use the gallery or the encoder, which may be away or too busy.
    """
    return documented_alone(*problems, OVERLOADED, NOT_READY)


def documented_alone(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that uses neither."""
    return problem_responses(*problems, *EVERYWHERE)


def problem_responses(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` of these problems, by status."""
    by_status: dict[int, list[Problem]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {status: _documented_status(found) for status, found in sorted(by_status.items())}


def _documented_status(problems: Sequence[Problem]) -> dict[str, Any]:
    examples = {
        problem.slug: {"summary": problem.title, "value": problem_example(problem)}
        for problem in problems
    }
    return {
        "description": " · ".join(f"`{problem.slug}`" for problem in problems),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"},
                "examples": examples,
            }
        },
    }


def field_error(item: Mapping[str, Any]) -> FieldError:
    """Pydantic's words in ours: the parameter, its value, what it may be."""
    allowed = str(item["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        allowed = "left out: there is no such parameter"
    given = None if item["type"] == "missing" else str(item["input"])[:_SHOWN_CHARACTERS]
    return FieldError(str(item["loc"][-1]), given, allowed)


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    if problem_of(error).detail is not None:  # the client is not told the error's own words
        fields = {"request_id": request.state.request_id, "reason": str(error)}
        logger.warning(type(error).__name__, extra={"fields": fields})
    return error_response(request, error)


async def _answer_wrong_parameters(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return error_response(request, InvalidRequest(*map(field_error, error.errors())))


async def _answer_no_route(request: Request, error: Exception) -> JSONResponse:
    """Starlette's own errors: there is no such path, or it knows no such method."""
    assert isinstance(error, HTTPException)
    path = request.url.path[:_SHOWN_CHARACTERS]
    if error.status_code == 405:
        detail = f"{path} does not take {request.method}"
        allow = ", ".join(_allowed_methods(request)) or "GET, HEAD"  # that of a file
        return problem_response(request, METHOD_NOT_ALLOWED, detail, headers={"Allow": allow})
    if error.status_code == 404:
        return problem_response(request, NOT_FOUND, f"there is nothing at {path}")
    if error.status_code == 400:  # FastAPI's word for a body that is no JSON at all
        return error_response(request, InvalidRequest(FieldError("body", None, "a JSON object")))
    return problem_response(request, INTERNAL, str(INTERNAL.detail))


def _allowed_methods(request: Request) -> list[str]:
    """What the path takes; Starlette would name the methods of its first route only."""
    found = []
    for method in ("GET", "POST", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        routes = [route for route in request.app.routes if not isinstance(route, Mount)]
        if any(route.matches(scope)[0] is Match.FULL for route in routes):
            found += ["GET", "HEAD"] if method == "GET" else [method]
    return found


def _headers(error: Exception) -> dict[str, str]:
    """What some problems say in headers: how to get in (RFC 6750, section 3), when to try again."""
    if isinstance(error, Unauthorized):
        why = ', error="invalid_token"' if error.wrong else ""
        return {"WWW-Authenticate": f'Bearer realm="lookalike"{why}'}
    return {"Retry-After": str(error.wait_s)} if isinstance(error, RateLimited) else {}


def _extras(error: Exception) -> dict[str, object]:
    """What some problems say besides `detail`."""
    if isinstance(error, InvalidRequest):
        return {"errors": [asdict(item) for item in error.errors]}
    if isinstance(error, InvalidCursor):
        allowed = "a next_cursor of this listing"
        item = FieldError("cursor", error.cursor[:_SHOWN_CHARACTERS], allowed)
        return {"errors": [asdict(item)]}
    if isinstance(error, InvalidName):
        return {"errors": [asdict(FieldError(error.field, None, error.allowed))]}
    if isinstance(error, NothingEnrolled):
        photos = [rejected_photo(*item) for item in error.rejected]
        return {"rejected": [photo.model_dump() for photo in photos]}
    return {}
