"""The API reference says all there is to say, and nothing that is not so."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.document import as_text, document
from service.errors import PROBLEMS
from service.problem_examples import problem_example
from service.schemas import ProblemBody

COPY = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
BINARY = {"image/jpeg", "image/*", "multipart/form-data"}
"""Media types without an example: a picture is none to read, and fields have their own."""


@pytest.fixture(scope="module")
def api():
    return document()


@pytest.fixture(scope="module")
def operations(api):
    return {
        f"{method.upper()} {path}": operation
        for path, item in api["paths"].items()
        for method, operation in item.items()
    }


def contents(operation):
    """(Where, media type, content) of all bodies of an operation."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, content
    for status, response in operation["responses"].items():
        for kind, content in response.get("content", {}).items():
            yield status, kind, content


def examples_of(content):
    if "example" in content:
        yield content["example"]
    for example in content.get("examples", {}).values():
        yield example["value"]


def wrong(api, schema, value):
    """What a validator of JSON Schema has to say of a value."""
    whole = {**schema, "components": api["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(value)]


def test_the_copy_in_docs_is_what_the_service_serves(api):
    assert COPY.read_text("utf-8") == as_text(api), (
        "the API has changed: look at `git diff docs/openapi.json` after `make openapi`, "
        "which writes docs/openapi.json anew"
    )


def test_the_service_serves_this_document(client, api):
    assert client.get("/openapi.json").json() == json.loads(as_text(api))


def test_a_prefix_of_the_service_is_told(start):
    server = start(root_path="/faces").get("/openapi.json").json()["servers"][0]
    assert server["url"] == "/faces"


def test_it_is_openapi_3_1(api):
    assert api["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(api).iter_errors()] == []


def test_every_operation_is_named_and_explained(api, operations):
    tags = {tag["name"] for tag in api["tags"] if tag["description"]}
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    for route, operation in operations.items():
        assert operation["operationId"].isidentifier(), route
        assert operation["summary"], route
        assert not operation["summary"].endswith("."), route
        assert operation["description"], route
        assert set(operation["tags"]) <= tags, f"{route}: explain its tag in service/reference.py"


def test_every_parameter_is_explained_and_has_an_example(operations):
    for route, operation in operations.items():
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (route, parameter["name"])
            assert parameter["schema"]["examples"], (route, parameter["name"])
        content = operation.get("requestBody", {}).get("content", {})
        form = content.get("multipart/form-data", {}).get("schema", {"oneOf": []})
        for one in form.get("oneOf", [form]):
            for name, field in one["properties"].items():
                assert field.get("description"), (route, name)


def test_every_json_body_and_every_answer_has_an_example(operations):
    for route, operation in operations.items():
        for place, kind, content in contents(operation):
            where = f"{route} {place}: give it an example in service/examples.py"
            assert kind in BINARY or list(examples_of(content)), where


def test_every_example_is_valid(api, operations):
    for route, operation in operations.items():
        for place, _, content in contents(operation):
            for example in examples_of(content):
                assert wrong(api, content["schema"], example) == [], (route, place)
        for parameter in operation.get("parameters", []):
            for example in parameter["schema"]["examples"]:
                assert wrong(api, parameter["schema"], example) == [], (route, parameter["name"])


def test_an_example_that_is_not_valid_would_be_found(api):
    schema = {"$ref": "#/components/schemas/Erased"}
    assert wrong(api, schema, {"erased": "three"})
    assert wrong(api, {"type": "string", "format": "date-time"}, "yesterday")


def test_every_answer_tells_its_headers(operations):
    for route, operation in operations.items():
        for status, response in operation["responses"].items():
            assert response["description"], (route, status)
            assert "X-Request-ID" in response["headers"], (route, status)
            assert ("Retry-After" in response["headers"]) == (status in {"429", "503"})


def test_what_can_happen_to_every_request_is_told_for_every_operation(operations):
    for route, operation in operations.items():
        assert {"403", "500"} <= operation["responses"].keys(), route
        assert ("503" in operation["responses"]) == (route != "GET /health/live"), route


def test_every_problem_of_the_table_has_an_example():
    for problem in PROBLEMS.values():
        ProblemBody.model_validate(problem_example(problem))


def test_the_answer_of_each_operation_is_of_its_documented_model(api, client, enrol, person_jpeg):
    """Real answers against the document; schemathesis does the rest."""
    face = enrol("Ada", 1)
    enrol("Bo", 2)
    photo = {"image": person_jpeg(1)}
    pair = {"image_a": person_jpeg(1), "image_b": person_jpeg(2)}
    asked = {
        "POST /search": client.post("/search", files=photo),
        "POST /detect": client.post("/detect", files=photo),
        "POST /embed": client.post("/embed", files=photo),
        "POST /verify": client.post("/verify", files=pair),
        "GET /gallery": client.get("/gallery"),
        "GET /gallery/{face_id}": client.get(f"/gallery/{face['face_id']}"),
        "GET /gallery/{face_id}/similar": client.get(f"/gallery/{face['face_id']}/similar"),
        "GET /people": client.get("/people"),
        "GET /collections": client.get("/collections"),
        "GET /info": client.get("/info"),
    }
    for route, answer in asked.items():
        method, path = route.split()
        response = api["paths"][path][method.lower()]["responses"][str(answer.status_code)]
        schema = response["content"]["application/json"]["schema"]
        assert wrong(api, schema, answer.json()) == [], route
