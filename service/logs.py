"""Logging: plain lines of `key=value`, one an event, for people and for machines.

    2026-11-22T10:00:00.123Z INFO request request_id=01J… method=POST path=/search status=200 ms=28

A logger is given values as `extra={"fields": {...}}`. No name, picture or embedding is logged.
"""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+%@,")


class LineFormatter(logging.Formatter):
    """Formats a record as one line, and a traceback below it where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = getattr(record, "fields", {})
        parts = [
            time.replace("+00:00", "Z"),
            record.levelname,
            record.getMessage(),
            *(f"{key}={_value(value)}" for key, value in fields.items()),
        ]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send our lines, and the warnings of everything else, to `stream` (stderr by default)."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("lookalike").setLevel(level.upper())


def _value(value: object) -> str:
    """A value as it is, or quoted as JSON if it has anything that could end it or start a line."""
    text = str(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)
