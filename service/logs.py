"""Logging: one line an event, for people (plain) or for machines (json).

    2026-11-22T10:00:00.123Z INFO request request_id=01J… method=POST path=/search status=200 ms=28
    {"time": "2026-11-22T10:00:00.123Z", "level": "INFO", "event": "request", "request_id": …}

A logger is given values as `extra={"fields": {...}}`. What is logged while a request is served, in
the event loop or in a worker, has its id. No name, picture or embedding is logged.
"""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being served; it goes along into worker threads."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+%@,")


class LineFormatter(logging.Formatter):
    """Formats a record as one line, and a traceback below it where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        parts = [
            _time(record),
            record.levelname,
            record.getMessage(),
            *(f"{key}={_value(value)}" for key, value in _fields(record).items()),
        ]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line, a traceback as its field `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        item: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "event": record.getMessage(),
            "logger": record.name,
        }
        for key, value in _fields(record).items():
            item[key if key not in item else f"{key}_"] = value
        if record.exc_info:
            item["traceback"] = self.formatException(record.exc_info)
        return json.dumps(item, default=str, allow_nan=False)


FORMATTERS = {"plain": LineFormatter, "json": JsonFormatter}


def configure_logging(level: str, stream: TextIO | None = None, *, kind: str = "plain") -> None:
    """Send our lines, and the warnings of everything else, to `stream` (stderr by default)."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATTERS[kind]())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("lookalike").setLevel(level.upper())


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return time.replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """What the logger was given, with the id of the request, if there is one, first."""
    given: dict[str, object] = getattr(record, "fields", {})
    request_id = REQUEST_ID.get()
    if request_id is None or "request_id" in given:
        return given
    return {"request_id": request_id, **given}


def _value(value: object) -> str:
    """A value as it is, or quoted as JSON if it has anything that could end it or start a line."""
    text = str(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)
