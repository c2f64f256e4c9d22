"""What comes with a photo or a face in a file: metadata, consent, expiry, as text or as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from index.errors import BadImport

METADATA_MAX_BYTES = 16 * 2**10
"""As over HTTP."""


@dataclass(frozen=True, slots=True)
class Details:
    """What is kept with a face because its giver says so."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    consent_reference: str | None = None
    expires_at: datetime | None = None


def details_of(row: Mapping[str, Any]) -> Details:
    """Take them from the columns `metadata`, `consent_reference` and `expires_at`, if there.

    Raises:
        BadImport: one of them is malformed.
    """
    return Details(
        metadata=_metadata(row.get("metadata")),
        consent_reference=row.get("consent_reference") or None,
        expires_at=time_of(row, "expires_at"),
    )


def time_of(row: Mapping[str, Any], column: str) -> datetime | None:
    """A time, given as such or in ISO 8601; without a zone it is in UTC.

    Raises:
        BadImport: it is malformed.
    """
    value = row.get(column)
    if value is None or value == "":
        return None
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadImport(f"{column} = {value!r} is no time in ISO 8601") from error
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _metadata(value: object) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadImport(f"metadata is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadImport("metadata must be a JSON object")
    if len(text.encode()) > METADATA_MAX_BYTES:
        raise BadImport(f"metadata has more than {METADATA_MAX_BYTES:,} bytes")
    return found
