"""Who gets in: no route without a role, no request without a key once there is one."""

import time

import pytest
from fastapi.routing import APIRoute

from index.errors import StoreUnavailable
from index.keys import ROLES
from service.access import MAX_JSON_BYTES, PUBLIC_PATHS, GuardedRoute, needs_of
from service.app import ROOMS, create_app
from service.errors import SettingsError
from tests.service.conftest import wait_until
from tests.service.keyed import bearer, forget_ring, keys_of
from tests.service.test_problems import ROUTES, ask

PUBLIC = {"GET /health/live", "GET /health/ready"}
ENROLLING = {"POST /gallery"}
LOWEST = {
    route: "search" if method in {"GET", "POST"} else "admin"
    for route in ROUTES.keys() - PUBLIC
    for method in [route.split()[0]]
} | {"POST /gallery": "enroll", "POST /collections": "admin", "GET /metrics": "admin"}
"""Every route of the contract that is not public, and the lowest role that it takes."""


def test_every_route_declares_a_role_or_is_on_the_short_public_list(client):
    found = {}
    for room in ROOMS:
        for route in room.router.routes:
            assert isinstance(route, APIRoute)
            needs = needs_of(route)
            if needs is None:
                assert route.path in PUBLIC_PATHS, f"{route.path} declares no role"
            else:
                assert isinstance(route, GuardedRoute), f"{route.path} is not guarded"
                found |= {f"{method} {route.path}": needs.role for method in route.methods}
    assert found == LOWEST


def test_the_reference_tells_keys_and_what_is_answered_without_one(client):
    api = client.get("/openapi.json").json()
    assert {scheme["type"] for scheme in api["components"]["securitySchemes"].values()} == {
        "http", "apiKey",
    }  # fmt: skip
    for path, item in api["paths"].items():
        for method, operation in item.items():
            public = f"{method.upper()} {path}" in PUBLIC
            assert ("security" not in operation) == public
            assert ("401" not in operation["responses"]) == public
            assert ("429" not in operation["responses"]) == public


def test_without_a_key_and_with_a_wrong_one_nothing_is_answered(client, assert_problem, face_jpeg):
    bearer(client, "admin")
    for route in LOWEST:
        answer = ask(client, route, face_jpeg)
        assert "key" in assert_problem(answer, "unauthorized", 401)["detail"]
        assert answer.headers["www-authenticate"] == 'Bearer realm="lookalike"'
    client.headers["Authorization"] = "Bearer lookalike_wrong"
    for place, route in enumerate(LOWEST):
        answer = ask(client, route, face_jpeg)
        if place < 10:
            assert_problem(answer, "unauthorized", 401)
            assert answer.headers["www-authenticate"].endswith('error="invalid_token"')
        else:
            assert_problem(answer, "rate-limited", 429)


def test_a_role_opens_its_own_routes_and_those_of_the_roles_before_it(
    client, assert_problem, face_jpeg
):
    for role in ROLES:
        client.headers.update(bearer(client, role))
        for route, lowest in LOWEST.items():
            if ROLES.index(lowest) > ROLES.index(role):
                problem = assert_problem(ask(client, route, face_jpeg), "forbidden", 403)
                assert role in problem["detail"]
            elif lowest == role:
                assert ask(client, route, face_jpeg).status_code not in {401, 403}, route


def test_what_is_public_needs_no_key(client):
    bearer(client, "admin")
    for path in (*PUBLIC_PATHS, "/assets/app.js"):
        assert client.get(path).status_code == 200


def test_a_key_may_come_in_either_header_and_nowhere_else(client):
    secret = bearer(client, "search")["Authorization"].removeprefix("Bearer ")

    def status(**headers):
        sent = {name.replace("_", "-"): value.format(secret) for name, value in headers.items()}
        return client.get("/info", headers=sent).status_code

    assert status(Authorization="Bearer {}") == 200
    assert status(Authorization="bearer   {}") == 200
    assert status(X_API_Key="{}") == 200
    assert status(X_API_Key="{}", Authorization="Basic Zm9yOnByb3h5") == 200
    assert status(Authorization="Basic {}") == 401
    assert status(Authorization="{}") == 401
    assert status(Authorization="Bearer") == 401
    assert status(X_API_Key="") == 401
    assert status(X_API_Key=" ") == 401
    assert status(Cookie="key={}") == 401
    assert client.get(f"/people?key={secret}").status_code == 401


def test_a_caller_is_refused_before_anything_of_the_body_is_read(client, assert_problem):
    searcher = bearer(client, "search")
    read = []

    def body():
        read.append(1)
        yield b"x"

    json = {"Content-Type": "application/json"}
    for headers, status in ({}, 401), (searcher, 403):
        for method, path in (
            ("POST", "/gallery"),
            ("PATCH", "/people/x"),
            ("POST", "/collections"),
        ):
            answer = client.request(method, path, content=body(), headers={**json, **headers})
            assert answer.status_code == status


def test_a_long_json_body_is_refused_in_the_middle(client, assert_problem):
    for method, path in (("PATCH", "/people/x"), ("PATCH", "/gallery/x"), ("POST", "/collections")):
        answer = client.request(method, path, content=b'"' + b"x" * MAX_JSON_BYTES + b'"')
        assert_problem(answer, "too-large", 413)


def test_a_revoked_key_stops_working_within_a_second(client):
    headers = bearer(client, "search")
    assert client.get("/info", headers=headers).status_code == 200
    [key] = keys_of(client).all()
    keys_of(client).revoke(key.key_id)
    revoked_at = time.monotonic()
    wait_until(lambda: client.get("/info", headers=headers).status_code == 401)
    assert time.monotonic() - revoked_at < 5  # a second, and what a busy machine adds


def test_after_the_last_key_is_revoked_nobody_gets_in(client):
    headers = bearer(client, "admin")
    keys_of(client).revoke(keys_of(client).all()[0].key_id)
    forget_ring(client)
    for sent in ({}, headers):
        assert client.get("/info", headers=sent).status_code == 401
    keys_of(client).remove_all()
    forget_ring(client)
    assert client.get("/info").status_code == 200


def test_a_service_on_a_network_whose_keys_are_all_removed_does_not_open(start, make_settings):
    client = start()
    bearer(client, "admin")
    client.__exit__()
    open_to_all = start(host="0.0.0.0")
    keys_of(open_to_all).remove_all()
    forget_ring(open_to_all)
    assert open_to_all.get("/info").status_code == 401
    with pytest.raises(SettingsError, match="lookalike keys create"):
        create_app(make_settings(host="0.0.0.0"))


def test_with_keys_the_store_must_answer_before_anybody_gets_in(client, monkeypatch):
    headers = bearer(client, "admin")

    def away():
        raise StoreUnavailable("away")

    ring = client.app.state.resources.access.ring
    monkeypatch.setattr(ring, "_keys", type("Away", (), {"known": staticmethod(away)}))
    assert client.get("/info", headers=headers).status_code == 503
    assert client.get("/health/live").status_code == 200


def test_a_key_used_is_a_key_used_today(client):
    headers = bearer(client, "search")
    client.get("/info", headers=headers)
    wait_until(lambda: keys_of(client).all()[0].last_used is not None)


def test_changes_and_lookups_are_logged_as_the_keys(client, person_jpeg):
    headers = bearer(client, "admin")
    [key] = keys_of(client).all()
    enrolled = client.post(
        "/gallery", data={"person": "Ada"}, files={"images": person_jpeg(1)}, headers=headers
    ).json()["enrolled"]
    client.post("/search", files={"image": person_jpeg(1)}, headers=headers)
    client.delete(f"/gallery/{enrolled[0]['face_id']}", headers=headers)
    resources = client.app.state.resources
    resources.audit.flush()
    told = [
        (e.action, e.faces) for e in resources.gallery.audit_log.entries() if e.actor != "service"
    ]
    assert sorted(told, key=str) == [("enrol", None), ("erase", None), ("search", 1)]
    actors = {e.actor for e in resources.gallery.audit_log.entries()}
    assert actors == {"service", f"key:{key.key_id}"}


def test_two_keys_may_use_the_same_idempotency_key(client, person_jpeg):
    for role, person in (("enroll", "Ada"), ("admin", "Bo")):
        answer = client.post(
            "/gallery",
            data={"person": person},
            files={"images": person_jpeg(1)},
            headers={**bearer(client, role), "Idempotency-Key": "first"},
        )
        assert answer.status_code == 201


def test_with_keys_any_host_will_do_and_a_foreign_origin_will_not(client, assert_problem):
    headers = bearer(client, "search")
    headers["Host"] = "faces.example:8443"
    assert client.get("/info", headers=headers).status_code == 200
    own = {**headers, "Origin": "https://faces.example"}
    assert client.get("/info", headers=own).status_code == 200
    for origin in (
        "https://evil.example",
        "null",
        "https://faces.example.evil.example",
        "http://[x",
    ):
        answer = client.get("/info", headers={**headers, "Origin": origin})
        assert "Origin" in assert_problem(answer, "forbidden", 403)["detail"]
