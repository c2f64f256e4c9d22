"""Errors leave in one shape, whatever the route and whatever went wrong."""

import dataclasses
import logging
import re

import pytest

from faces.errors import BadImage, NoFace
from index.errors import EncoderMismatch, StorageFull, StoreUnavailable
from service import errors
from service.errors import PROBLEMS, ServiceError, problem_of

ROUTES = {
    "POST /search": "search",
    "POST /detect": None,
    "POST /embed": None,
    "POST /gallery": "add",
    "GET /gallery": "faces",
    "POST /verify": None,
    "POST /explain": "context",
    "GET /gallery/{face_id}": "face",
    "GET /gallery/{face_id}/crop": "crop",
    "GET /gallery/{face_id}/similar": "similar",
    "PATCH /gallery/{face_id}": "change_face",
    "DELETE /gallery/{face_id}": "erase_face",
    "GET /people": "people",
    "PATCH /people/{person_id}": "rename_person",
    "DELETE /people/{person_id}": "erase_person",
    "GET /map": "places",
    "GET /collections": "collections",
    "POST /collections": "make_collection",
    "DELETE /collections/{name}": "erase_collection",
    "GET /info": "stats",
    "GET /health/live": None,
    "GET /metrics": None,
    "GET /health/ready": None,
}
"""Every route of the contract, and the gallery's method behind it."""

GALLERY_ROUTES = {route: method for route, method in ROUTES.items() if method}


class BrokenGallery:
    """A gallery whose every method raises."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def fail(*_args, **_kwargs):
            raise self._error

        return fail


def ask(client, route, face_jpeg):
    method, path = route.split()
    some_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    path = path.format(face_id=some_id, person_id=some_id, name="family")
    if route == "POST /gallery":
        return client.post(path, data={"person": "Ada"}, files={"images": face_jpeg})
    if path == "/explain":
        return client.post(path, data={"face_id": some_id}, files={"image_a": face_jpeg})
    if path == "/collections" and method == "POST":
        return client.post(path, json={"name": "family"})
    if method == "PATCH":
        return client.patch(path, json={"person": "Ada"})
    if method == "POST":
        return client.post(path, files={"image": face_jpeg})
    return client.request(method, path)


@pytest.fixture
def break_gallery(client):
    state = client.app.state

    def replace(error):
        state.resources = dataclasses.replace(state.resources, gallery=BrokenGallery(error))

    return replace


def test_the_reference_lists_exactly_the_routes_of_the_contract(client):
    paths = client.get("/openapi.json").json()["paths"]
    listed = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    assert listed == ROUTES.keys()


def test_each_route_says_not_ready_until_the_service_is(start, assert_problem, face_jpeg):
    client = start()
    client.app.state.resources.readiness.prepared.clear()
    for route in ROUTES.keys() - {"GET /health/live", "GET /metrics"}:
        problem = assert_problem(ask(client, route, face_jpeg), "not-ready", 503)
        assert "starting" in problem["detail"]
    client.app.state.resources.readiness.prepared.set()


@pytest.mark.parametrize(
    ("error", "slug", "status"),
    [
        (StoreUnavailable("secret path"), "not-ready", 503),
        (StorageFull("secret path"), "storage-full", 507),
        (
            EncoderMismatch(bound="a", bound_hash="1" * 64, given="b", given_hash="2" * 64),
            "encoder-mismatch",
            409,
        ),
        (RuntimeError("secret path"), "internal", 500),
    ],
)
def test_each_route_answers_trouble_inside_in_the_one_shape(
    client, break_gallery, assert_problem, face_jpeg, error, slug, status, caplog
):
    break_gallery(error)
    with caplog.at_level(logging.WARNING):
        for route in GALLERY_ROUTES:
            answer = ask(client, route, face_jpeg)
            problem = assert_problem(answer, slug, status)
            assert "secret" not in answer.text
            if slug == "internal":
                logged = [record.fields for record in caplog.records if record.exc_info]
                assert {"request_id": problem["request_id"]} in logged
    client.app.state.resources.readiness.store_reachable = True


def test_each_route_refuses_another_method(client, assert_problem):
    paths = {route.split()[1] for route in ROUTES}
    for path in paths:
        answer = client.put(path.format(face_id="x", person_id="x", name="x"))
        assert_problem(answer, "method-not-allowed", 405)
        assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/nowhere", "/search/", "/gallery/x/y", "/assets/none.js"])
def test_an_unknown_path_is_not_found(client, assert_problem, path):
    assert path in assert_problem(client.get(path), "not-found", 404)["detail"]


@pytest.mark.parametrize(
    "route", ["GET /gallery/{face_id}", "GET /gallery/{face_id}/crop", "DELETE /gallery/{face_id}"]
)
@pytest.mark.parametrize(
    "face_id", ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "%00", "%F0%9F%98%80", "0" * 999]
)
def test_an_unknown_face_is_not_found(client, assert_problem, route, face_id):
    method, path = route.split()
    answer = client.request(method, path.format(face_id=face_id))
    assert "no face has the id" in assert_problem(answer, "not-found", 404)["detail"]


def test_an_unknown_person_is_not_found(client, assert_problem):
    assert_problem(client.delete("/people/01ARZ3NDEKTSV4RRFFQ69G5FAV"), "not-found", 404)


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/search?k=0", "k", "0"),
        ("/search?k=101", "k", "101"),
        ("/search?k=nine", "k", "nine"),
        ("/search?min_similarity=1.5", "min_similarity", "1.5"),
        ("/search?min_similarity=nan", "min_similarity", "nan"),
        ("/search?group_by=family", "group_by", "family"),
        ("/search?faces=single", "faces", "single"),
        ("/search?K=9", "K", "9"),
        ("/embed?faces=some", "faces", "some"),
        ("/gallery?limit=0", "limit", "0"),
        ("/gallery?limit=501", "limit", "501"),
        ("/gallery?cursor=made-up", "cursor", "made-up"),
        ("/gallery?person=%00", "person", None),
        ("/people?limit=x", "limit", "x"),
        ("/people?cursor=made-up", "cursor", "made-up"),
        ("/people?k=1", "k", "1"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_what_is_allowed(
    client, assert_problem, face_jpeg, path, field, value
):
    if path.startswith(("/search", "/embed")):
        answer = client.post(path, files={"image": face_jpeg})
    else:
        answer = client.get(path)
    [error] = assert_problem(answer, "validation", 422)["errors"]
    assert (error["field"], error["value"]) == (field, value)
    assert error["allowed"]


def test_several_wrong_parameters_are_all_named(client, assert_problem, face_jpeg):
    answer = client.post("/search?k=0&group_by=x", files={"image": face_jpeg})
    problem = assert_problem(answer, "validation", 422)
    assert [error["field"] for error in problem["errors"]] == ["k", "group_by"]


def test_every_error_of_ours_that_a_request_can_meet_has_a_row_in_the_table():
    ours = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    requests = [kind for kind in ours if issubclass(kind, ServiceError)]
    unlisted = {kind.__name__ for kind in requests} - {kind.__name__ for kind in PROBLEMS}
    assert unlisted == {"ServiceError", "SettingsError"}


def test_an_error_takes_the_row_of_its_nearest_base():
    class SmallFace(NoFace):
        pass

    assert problem_of(SmallFace("tiny")).slug == "no-face"
    assert problem_of(BadImage("x")).slug == "bad-image"
    assert problem_of(KeyError("x")).slug == "internal"


def test_the_reference_names_each_problem_that_a_route_can_answer(client):
    api = client.get("/openapi.json").json()
    assert api["openapi"].startswith("3.1")
    said = api["paths"]["/search"]["post"]["responses"]
    assert said.keys() == {
        "200", "401", "403", "404", "408", "413", "415", "422", "429", "500", "503",
    }  # fmt: skip
    assert set(re.findall(r"`([\w-]+)`", said["422"]["description"])) == {
        "validation", "bad-image", "no-face",
    }  # fmt: skip
    content = said["422"]["content"]["application/problem+json"]
    assert content["schema"] == {"$ref": "#/components/schemas/ProblemBody"}
    assert "ProblemBody" in api["components"]["schemas"]
    assert "HTTPValidationError" not in api["components"]["schemas"]
    body = api["paths"]["/gallery"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(body["schema"]["required"]) == {"person", "images"}
