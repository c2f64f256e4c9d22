"""The machine-readable API reference: FastAPI's, completed with what it cannot know.

    FastAPI's document -> summaries from docstrings, examples, headers, problems -> OpenAPI 3.1

What a route takes and answers stands beside it (`documented`, bodies.py); the examples of all are
in examples.py. docs/openapi.json is a copy of it, held by a test.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from service.bodies import never_null
from service.errors import RATE_LIMITED, TOO_SLOW, UNAUTHORIZED
from service.examples import ANSWERS, BODIES, as_json
from service.problems import problem_responses
from service.schemas import ProblemBody

_SUMMARY = "Find the faces in a gallery that look most like the face in a photo."
_DESCRIPTION = (
    "Errors are `application/problem+json` (RFC 9457). `HEAD` is taken wherever `GET` is. "
    "An `X-Request-ID` that is sent along comes back, and stands in the service's log."
)
_TAGS = {
    "search": "From a photo to its faces, their embeddings or their look-alikes.",
    "compare": "Two faces beside each other.",
    "gallery": "Enrolled faces.",
    "people": "Named groups of faces.",
    "collections": "Galleries of their own within the service.",
    "service": "What is running, and whether it is well.",
}
_HEADERS = {
    "X-Request-ID": {
        "description": "Of the request: the client's own, or made by the service.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "01JD0Q3V9S2X5Y6Z7A8B9C0D1E",
    },
    "WWW-Authenticate": {
        "description": "How to bring a key.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="lookalike"',
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
}
_SAID_BY = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
"""Statuses that say in a header how to get in, or when to try again."""


_FACE = "$response.body#/enrolled/0/face_id"
_PERSON = "$response.body#/enrolled/0/person_id"
_LINKS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "enrol": {
        "show_face": {"face_id": _FACE},
        "show_crop": {"face_id": _FACE},
        "similar": {"face_id": _FACE},
        "change_face": {"face_id": _FACE},
        "erase_face": {"face_id": _FACE},
        "rename_person": {"person_id": _PERSON},
        "erase_person": {"person_id": _PERSON},
    },
    "list_faces": {"list_faces": {"cursor": "$response.body#/next_cursor"}},
    "list_people": {"list_people": {"cursor": "$response.body#/next_cursor"}},
    "make_collection": {"erase_collection": {"name": "$response.body#/name"}},
}
"""operationId -> what can be asked next -> its parameters, from the answer."""


def operation_id(route: APIRoute) -> str:
    """A route's name, as clients in other languages will call it."""
    return route.name


def openapi_schema(app: FastAPI, root_path: str = "") -> dict[str, Any]:
    """OpenAPI 3.1 of the whole app; `root_path` is the prefix under which clients see it."""
    schema = get_openapi(
        title=app.title,
        version=app.version,
        summary=_SUMMARY,
        description=_DESCRIPTION,
        routes=app.routes,
        openapi_version="3.1.0",
        tags=[{"name": name, "description": says} for name, says in _TAGS.items()],
        servers=[{"url": root_path or "/", "description": "This service."}],
    )
    _add_problem_schema(schema)
    schema["components"]["headers"] = _HEADERS
    for operation in operations(schema):
        _drop_fastapis_own_errors(operation)
        _tell_who_is_refused(operation)
        _summarise(operation)
        _say_absence_truly(operation.get("parameters", []))
        _add_examples(operation)
        _add_links(operation)
        _add_headers(operation["responses"])
    return schema


def operations(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of an OpenAPI document."""
    for path in schema["paths"].values():
        yield from path.values()


def _add_problem_schema(schema: dict[str, Any]) -> None:
    schemas = schema["components"]["schemas"]
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas[ProblemBody.__name__] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _drop_fastapis_own_errors(operation: dict[str, Any]) -> None:
    """Remove the 422 that FastAPI adds to each route with a path parameter; ours are documented."""
    content = operation["responses"].get("422", {}).get("content", {})
    if "application/json" in content:
        del operation["responses"]["422"]


def _tell_who_is_refused(operation: dict[str, Any]) -> None:
    """What is answered without a key, too often, or too slowly, where that can be."""
    refusals = [UNAUTHORIZED, RATE_LIMITED] if "security" in operation else []
    refusals += [TOO_SLOW] if "requestBody" in operation else []
    told = {str(status): answer for status, answer in problem_responses(*refusals).items()}
    operation["responses"] = dict(sorted((operation["responses"] | told).items()))


def _summarise(operation: dict[str, Any]) -> None:
    """The docstring's first paragraph sums up; the description is all of it."""
    summary = operation["description"].split("\n\n")[0].split(". ")[0]
    operation["summary"] = " ".join(summary.split()).rstrip(".")


def _say_absence_truly(parameters: list[dict[str, Any]]) -> None:
    """A parameter is left out, never null: that is JSON's word, and means "null" in a URL."""
    for parameter in parameters:
        parameter["schema"] = never_null(parameter["schema"])
        parameter.setdefault("description", parameter["schema"].get("description"))


def _add_examples(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    for status, response in operation["responses"].items():
        example = ANSWERS.get((name, status))
        if example is not None:
            response["description"] = response["description"].replace(
                "Successful Response", str(getattr(type(example), "__doc__", None) or "Done.")
            )
            for content in response["content"].values():
                content["example"] = as_json(example)
        elif response["description"] == "Successful Response":
            response["description"] = "Done."
    if name in BODIES:
        operation["requestBody"]["content"]["application/json"]["example"] = as_json(BODIES[name])


def _add_links(operation: dict[str, Any]) -> None:
    links = {
        name: {"operationId": name, "parameters": parameters}
        for name, parameters in _LINKS.get(operation["operationId"], {}).items()
    }
    for status, response in operation["responses"].items():
        if links and status < "300":
            response["links"] = links


def _add_headers(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        names = ["X-Request-ID", *([_SAID_BY[status]] if status in _SAID_BY else [])]
        headers = response.setdefault("headers", {})
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in names}
