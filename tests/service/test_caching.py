"""What may be kept of answers, and HEAD, which gives the same without a body."""

import pytest

from service.caching import etag_of, is_known


@pytest.fixture
def crop_path(enrol):
    return f"/gallery/{enrol('Ada', 1)['face_id']}/crop"


def test_a_crop_that_is_known_is_not_sent_again(client, crop_path):
    first = client.get(crop_path)
    etag = first.headers["etag"]
    assert etag == etag_of(first.content)
    again = client.get(crop_path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    other = client.get(crop_path, headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_a_crop_is_kept_by_no_proxy_and_asked_for_each_time(client, crop_path):
    etag = client.get(crop_path).headers["etag"]
    for headers in ({}, {"If-None-Match": etag}):
        assert client.get(crop_path, headers=headers).headers["cache-control"] == (
            "private, no-cache"
        )


def test_an_erased_face_is_not_confirmed_to_a_cache(client, crop_path, assert_problem):
    etag = client.get(crop_path).headers["etag"]
    client.delete(crop_path.removesuffix("/crop"))
    answer = client.get(crop_path, headers={"If-None-Match": etag})
    assert_problem(answer, "not-found", 404)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "known"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_a_version_is_known_by_any_of_the_tags_that_the_client_has(given, known):
    assert is_known('"a"', given) is known


def test_assets_are_asked_for_again_and_not_sent_again(client):
    first = client.get("/assets/app.js")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["last-modified"]
    for header, value in (
        ("If-None-Match", first.headers["etag"]),
        ("If-Modified-Since", first.headers["last-modified"]),
    ):
        again = client.get("/assets/app.js", headers={header: value})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == "no-cache"


PATHS = [
    "/", "/docs", "/openapi.json", "/assets/app.js", "/gallery", "/people", "/collections", "/info",
    "/health/live", "/health/ready", "/nowhere", "/gallery/none", "/gallery?limit=0",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_head_is_answered_like_get_without_a_body(client, path):
    got = client.get(path, headers={"X-Request-ID": "same"})
    head = client.head(path, headers={"X-Request-ID": "same"})
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert dict(head.headers) == dict(got.headers)


def test_head_of_a_crop_tells_its_size_and_version(client, crop_path):
    got, head = client.get(crop_path), client.head(crop_path)
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/gallery", "GET, HEAD, POST"),
        ("/gallery/x", "GET, HEAD, PATCH, DELETE"),
        ("/search", "POST"),
        ("/assets/app.js", "GET, HEAD"),
    ],
)
def test_another_method_is_told_all_that_the_path_takes(client, assert_problem, path, allowed):
    answer = client.put(path)
    assert_problem(answer, "method-not-allowed", 405)
    assert answer.headers["allow"] == allowed


def test_head_of_what_takes_no_get_is_refused(client):
    answer = client.head("/search")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "POST", b"")
