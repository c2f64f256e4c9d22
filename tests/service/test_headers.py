"""Headers of answers, answers to pages of other origins, and a prefix that a proxy takes away."""

import re

from service.access import ADMIN_OR_LOOPBACK, GuardedRoute, Needs
from service.app import create_app
from tests.service.conftest import TestClient
from tests.service.keyed import bearer

PAGE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def every_kind_of_answer(client, photo):
    """One answer of each kind: a page, a file, JSON, a picture, and errors from every layer."""
    enrolled = client.post("/gallery", data={"person": "Ada"}, files={"images": photo})
    face_id = enrolled.json()["enrolled"][0]["face_id"]
    yield "page", client.get("/")
    yield "reference", client.get("/docs")
    yield "file", client.get("/assets/app.js")
    yield "reference document", client.get("/openapi.json")
    yield "JSON", enrolled
    yield "picture", client.get(f"/gallery/{face_id}/crop")
    yield "head", client.head("/info")
    yield "not found", client.get("/nowhere")
    yield "no such file", client.get("/assets/none.js")
    yield "method", client.put("/search")
    yield "validation", client.get("/people?limit=x")
    yield "guard", client.get("/", headers={"Host": "evil.example"})
    yield "nothing", client.delete(f"/gallery/{face_id}")
    bearer(client, "search")
    yield "no key", client.get("/info")
    client.app.state.resources = None
    yield "fault", client.get("/health/ready")


def test_every_kind_of_answer_has_safe_headers(client, person_jpeg):
    resources = client.app.state.resources
    found = dict(every_kind_of_answer(client, person_jpeg(1)))
    client.app.state.resources = resources
    assert {answer.status_code for answer in found.values()} >= {
        200, 201, 204, 401, 403, 404, 405, 422, 500,
    }  # fmt: skip
    for kind, answer in found.items():
        for name, value in SAFE.items():
            assert answer.headers[name] == value, (kind, name)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], kind
        assert "default-src 'none'" in answer.headers["content-security-policy"], kind
        assert "microphone=()" in answer.headers["permissions-policy"], kind
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers, kind


def test_the_pages_may_load_what_is_ours_and_the_camera(client):
    for path in ("/", "/docs"):
        answer = client.get(path)
        policy = dict(
            part.strip().split(" ", 1)
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy == PAGE_POLICY
        assert "camera=(self)" in answer.headers["permissions-policy"]
        assert not re.search(
            r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", answer.text
        )
    assert "camera=()" in client.get("/info").headers["permissions-policy"]


def preflight(client, origin):
    return client.options(
        "/search",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )


def test_pages_of_other_origins_get_nothing_unless_they_are_named(client):
    assert preflight(client, "https://app.example").status_code == 403


def test_pages_of_named_origins_may_use_the_service_with_a_key(start, assert_problem):
    client = start(cors_origins="https://app.example, http://localhost:5173")
    headers = bearer(client, "search")
    named = preflight(client, "https://app.example")
    assert named.status_code == 200
    assert named.headers["access-control-allow-origin"] == "https://app.example"
    assert "authorization" in named.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in named.headers
    sent = {**headers, "Origin": "https://app.example"}
    answer = client.get("/info", headers=sent)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    refused = client.get("/info", headers={"Origin": "https://app.example"})
    assert_problem(refused, "unauthorized", 401)
    assert refused.headers["access-control-allow-origin"] == "https://app.example"
    for other in ("https://app.example.evil", "http://app.example", "https://evil.example"):
        assert preflight(client, other).status_code == 403


def test_below_a_prefix_everything_that_the_page_needs_is_found(start, person_jpeg):
    prefix = "/faces"
    client = start(root_path=prefix)
    client._transport.root_path = prefix  # as the server does it

    def through_proxy(link, base):
        if not link.startswith("/"):  # relative to the page, as a browser sees it
            link = base + link.removeprefix("./")
        assert link.startswith(prefix), link
        return client.get(link)  # uvicorn puts back in front what the proxy took away

    for page in ("", "docs"):
        answer = through_proxy(f"{prefix}/{page}", prefix + "/")
        for link in re.findall(r'(?:src|href)="([^"#]+)"', answer.text):
            assert through_proxy(link, prefix + "/").status_code == 200, link
    client.post(f"{prefix}/gallery", data={"person": "Ada"}, files={"images": person_jpeg(1)})
    [face] = client.post(f"{prefix}/search", files={"image": person_jpeg(1)}).json()["faces"]
    assert through_proxy(face["matches"][0]["crop"], "").content[:2] == b"\xff\xd8"
    assert client.get(f"{prefix}/openapi.json").json()["servers"][0]["url"] == prefix
    assert client.get(f"{prefix}/nowhere").json()["type"] == "/problems/not-found"


def measured(client, address, **headers):
    """What a route answers that lets in this machine or an admin, as /metrics does."""
    client._transport.client = (address, 1)
    return client.get("/measured", headers=headers).status_code


def test_a_route_for_this_machine_needs_an_admin_key_from_everywhere_else(make_settings):
    app = create_app(make_settings())

    async def measure():
        return {}

    route = GuardedRoute("/measured", measure, dependencies=[ADMIN_OR_LOOPBACK])
    app.router.routes.insert(0, route)
    with TestClient(app, base_url="http://localhost") as client:
        assert measured(client, "192.0.2.1") == 200  # anonymous: everybody may do everything
        admin, searcher = bearer(client, "admin"), bearer(client, "search")
        for address in ("127.0.0.1", "::1"):
            assert measured(client, address) == 200
            assert measured(client, address, **{"X-Forwarded-For": "192.0.2.1"}) == 401
            assert measured(client, address, Host="evil.example") == 401
            assert measured(client, address, Origin="http://localhost") == 401
        assert measured(client, "192.0.2.1") == 401
        assert measured(client, "192.0.2.1", **searcher) == 403
        assert measured(client, "192.0.2.1", **admin) == 200
    assert isinstance(ADMIN_OR_LOOPBACK.dependency, Needs)
