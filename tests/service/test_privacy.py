"""Nothing that tells of a person is in a log line, an address, or the words of an error."""

import base64
import io
import logging
import re

import pytest

from service.logs import LineFormatter, configure_logging
from tests.service.keyed import bearer, keys_of
from tests.service.test_problems import ROUTES

NAME = "Zebulon Quuxington"
MARKS = ("Zebulon", "Quux", "sekret-meta", "sekret-consent", "sekret-file", "sekret-bytes")


@pytest.fixture
def log():
    """All that this process logs at all levels, as `lookalike serve` writes it."""
    root, ours = logging.getLogger(), logging.getLogger("lookalike")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    configure_logging("debug", stream)
    root.setLevel(logging.DEBUG)
    root.handlers[0].addFilter(lambda record: not record.name.startswith("httpx"))  # the client's
    assert isinstance(root.handlers[0].formatter, LineFormatter)
    yield stream
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def asked(client, photo):
    """Answers to every route, each with marked names and bytes: some succeed, some fail."""
    form = {
        "person": NAME,
        "metadata": '{"note": "sekret-meta"}',
        "consent_reference": "sekret-consent",
    }
    file = ("sekret-file.jpg", photo)
    broken = ("sekret-file.jpg", photo[:2000] + b"sekret-bytes")
    enrolled = client.post("/gallery", data=form, files={"images": file})
    face = enrolled.json()["enrolled"][0]
    [person] = client.get("/people").json()["items"]
    yield enrolled
    for image in (file, broken, ("sekret-file.jpg", b"sekret-bytes")):
        yield client.post("/gallery", data=form, files={"images": image})
        yield client.post("/gallery", data={**form, "expires_at": NAME}, files={"images": image})
        for path in ("/search", "/detect", "/embed"):
            yield client.post(path, files={"image": image})
        yield client.post("/verify", files={"image_a": image, "image_b": file})
    yield client.post("/explain", data={"face_id": "x"}, files={"image_a": file})
    yield client.post("/search", content=b"sekret-bytes", headers={"Content-Type": "text/plain"})
    yield client.post("/gallery", data={**form, "metadata": "sekret-meta"}, files={"images": file})
    for path in ("", "/crop", "/similar"):
        yield client.get(f"/gallery/{face['face_id']}{path}")
    yield client.get("/gallery", params={"person": NAME})
    yield client.get("/people", params={"q": "Zeb"})
    yield client.get("/people", params={"cursor": "x", "limit": "0"})
    yield client.get("/gallery", params={"person": NAME, "collection": "none"})
    yield client.get("/collections")
    yield client.get("/info")
    yield client.get("/map")
    yield client.get("/metrics")
    yield client.get("/health/live")
    yield client.get("/health/ready")
    yield client.post("/collections", json={"name": "family"})
    yield client.delete("/collections/family")
    yield client.patch(f"/people/{person['person_id']}", json={"person": NAME + " II"})
    yield client.patch(f"/gallery/{face['face_id']}", json={"metadata": {"a": "sekret-meta"}})
    yield client.patch(
        "/people/x", content=b'{"person": "Zebulon', headers={"Content-Type": "application/json"}
    )
    yield client.delete(f"/gallery/{face['face_id']}")
    yield client.delete(f"/people/{person['person_id']}")


def test_no_log_line_no_path_and_no_error_tells_of_a_person(client, person_jpeg, log):
    headers = bearer(client, "admin", name="Quux desk")
    client.headers.update(headers)
    photo = person_jpeg(1)
    answers = list(asked(client, photo))
    client.app.state.resources.audit.flush()
    routes = {
        re.sub(r"01[0-9A-Z]{24}", "{id}", f"{a.request.method} {a.request.url.path}")
        for a in answers
    }
    assert len(routes) >= len(ROUTES), routes

    text = log.getvalue()
    assert text.count("INFO request") >= len(answers)
    for mark in (*MARKS, headers["Authorization"].removeprefix("Bearer ")):
        assert mark not in text, mark
    assert base64.b64encode(photo[:30]).decode() not in text
    assert not re.search(r"\[?-?0\.\d{4,}, ?-?0\.\d{4,}", text), "an embedding"
    for answer in answers:
        assert not any(mark in answer.request.url.path for mark in MARKS)
        if answer.request.url.path == "/metrics":
            assert "lookalike_" in answer.text
            assert not any(mark in answer.text for mark in MARKS)
        if answer.status_code >= 400:
            told = answer.json()
            told.pop("errors", None)  # gives back the field that the client sent, to its sender
            told.pop("rejected", None)  # and the names of its files
            assert not any(mark in str(told) for mark in MARKS), told


def test_the_audit_log_tells_of_nobody_either(client, person_jpeg):
    client.headers.update(bearer(client, "admin"))
    for _ in asked(client, person_jpeg(1)):
        pass
    resources = client.app.state.resources
    resources.audit.flush()
    entries = resources.gallery.audit_log.entries()
    assert {"enrol", "erase", "rename", "search", "verify", "detect", "embed", "similar"} <= {
        entry.action for entry in entries
    }
    assert not any(mark in str(entries) for mark in MARKS)
    assert keys_of(client).all()[0].key_id in str(entries)
