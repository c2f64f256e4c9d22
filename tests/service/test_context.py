import asyncio
import json
import logging
import re

import pytest
from starlette.requests import Request
from ulid import ULID

from service.context import RequestContext
from service.logs import REQUEST_ID, JsonFormatter, LineFormatter, configure_logging


def test_a_request_id_is_made_and_returned(client):
    first, second = (client.get("/health/live").headers["x-request-id"] for _ in range(2))
    assert ULID.from_str(first) != ULID.from_str(second)


def test_a_sound_request_id_is_taken_also_for_errors(client, assert_problem):
    mine = {"X-Request-ID": "batch-7_item.9"}
    assert client.get("/health/live", headers=mine).headers["x-request-id"] == "batch-7_item.9"
    problem = assert_problem(client.get("/nowhere", headers=mine), "not-found", 404)
    assert problem["request_id"] == "batch-7_item.9"


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", 'quo"te', "a=b", "é".encode()])
def test_an_unsound_request_id_is_replaced(client, given):
    answer = client.get("/health/live", headers={"X-Request-ID": given})
    assert ULID.from_str(answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/gallery", "/openapi.json"])
def test_answers_must_not_be_cached_sniffed_or_embedded(client, path):
    headers = client.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_request_is_logged_without_its_query_and_without_names(client, enrol, caplog):
    with caplog.at_level(logging.INFO):
        enrol("Zebulon Quux", 1)
        client.get("/gallery?person=Zebulon%20Quux", headers={"X-Request-ID": "mine"})
    ours = [record for record in caplog.records if record.name.startswith("lookalike")]
    lines = [LineFormatter().format(record) for record in ours]
    assert any(
        re.search(
            r"INFO request request_id=mine method=GET path=/gallery status=200 ms=[\d.]+$", line
        )
        for line in lines
    )
    assert "Zebulon" not in "".join(lines)


def record(message, fields=None, exc_info=None):
    made = logging.LogRecord("lookalike", logging.INFO, "x.py", 1, message, (), exc_info)
    if fields is not None:
        made.fields = fields
    return made


def test_a_line_starts_with_its_time_in_utc_and_its_level():
    assert re.match(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO ready$",
        LineFormatter().format(record("ready")),
    )


def test_a_value_cannot_forge_a_line_or_another_field():
    line = LineFormatter().format(record("request", {"path": "/x\nERROR forged=1", "empty": ""}))
    assert line.endswith('request path="/x\\nERROR forged=1" empty=""')


def test_a_traceback_follows_its_line():
    error = ValueError("broken")
    line = LineFormatter().format(record("internal", exc_info=(ValueError, error, None)))
    assert line.endswith("INFO internal\nValueError: broken")


def test_the_level_decides_which_of_our_lines_are_written(capsys):
    root, ours = logging.getLogger(), logging.getLogger("lookalike")
    before = root.handlers[:], root.level, ours.level
    try:
        configure_logging("warning")
        logging.getLogger("lookalike.access").info("quiet")
        logging.getLogger("lookalike").warning("loud")
    finally:
        root.handlers[:], level, our_level = before
        root.setLevel(level)
        ours.setLevel(our_level)
    written = capsys.readouterr().err
    assert "loud" in written
    assert "quiet" not in written


def run_alone(app):
    """Send GET /x through a RequestContext around `app`; gives the messages that it sent."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    return asyncio.run(RequestContext(app)(scope, receive, send)), sent


def test_a_client_that_has_gone_is_not_answered(caplog):
    async def read_body(scope, receive, send):
        await Request(scope, receive).body()

    with caplog.at_level(logging.INFO):
        _, sent = run_alone(read_body)
    assert sent == []
    assert caplog.records[-1].fields["status"] == 0


def test_a_fault_after_the_answer_has_begun_is_left_to_the_server():
    async def begin_and_fail(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError, match="too late"):
        run_alone(begin_and_fail)


def test_a_line_of_json_has_everything_a_traceback_and_the_id_of_its_request():
    REQUEST_ID.set("mine")
    error = ValueError('broken\n"quoted"')
    line = JsonFormatter().format(
        record("internal", {"level": "x", "ms": 1.5}, (ValueError, error, None))
    )
    REQUEST_ID.set(None)
    assert "\n" not in line
    item = json.loads(line)
    assert item["time"].endswith("Z")
    assert (item["level"], item["event"], item["logger"]) == ("INFO", "internal", "lookalike")
    assert (item["level_"], item["ms"], item["request_id"]) == ("x", 1.5, "mine")
    assert item["traceback"] == 'ValueError: broken\n"quoted"'


def test_what_a_worker_logs_has_the_id_of_its_request(client, monkeypatch, caplog):
    gallery = client.app.state.resources.gallery
    lines = []

    def stats():
        lines.append(LineFormatter().format(record("counting")))
        return type(gallery).stats(gallery)

    monkeypatch.setattr(gallery, "stats", stats)
    client.get("/info", headers={"X-Request-ID": "mine-too"})
    client.get("/health/live")
    assert lines[0].endswith("counting request_id=mine-too")


def test_warnings_of_other_libraries_are_lines_of_the_same_format(capsys):
    root, ours = logging.getLogger(), logging.getLogger("lookalike")
    before = root.handlers[:], root.level, ours.level
    try:
        configure_logging("warning", kind="json")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:], level, our_level = before
        root.setLevel(level)
        ours.setLevel(our_level)
    item = json.loads(capsys.readouterr().err)
    assert item["event"] == "Invalid HTTP request received."
    assert item["logger"] == "uvicorn.error"
