"""Requests that are done once, however often they are sent: what an Idempotency-Key stands for.

    key, request -> digests -> done before? -> its faces again, as the store has them now
                                          `-> done now, remembered in the same transaction

A record holds digests and face ids, so that no name and no picture outlives an erasure in it. There
is no state "under way": the one writer makes the second of two equal requests find the first done.
Each function runs inside the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, exists, insert, select

from index.errors import Conflict
from index.reading import faces_by_id
from index.records import Enrolled
from index.tables import RequestRow

KEPT = timedelta(hours=24)
"""How long a request is remembered."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key of its sender's.

    Attributes:
        key_sha256: hex digest of the key, which may itself tell something.
        request_sha256: hex digest of all that was asked for.
        note: what else is needed to give the same answer again, as lists of JSON values; nothing
            personal may be in it.
    """

    key_sha256: str
    request_sha256: str
    note: Sequence[Sequence[int | str]] = field(default=())


@dataclass(frozen=True, slots=True)
class DoneBefore:
    """What a request did when it was sent first, and the note of that time."""

    enrolled: list[Enrolled]
    note: list[list[int | str]]


def done_before(connection: Connection, request: KeyedRequest) -> DoneBefore | None:
    """What this request did before; None if it is new.

    Raises:
        Conflict: the key stands for another request, or a face of it has been erased since.
    """
    row = connection.execute(
        select(RequestRow).where(
            RequestRow.key_sha256 == request.key_sha256, RequestRow.at > datetime.now(UTC) - KEPT
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_sha256 != request.request_sha256:
        raise Conflict("this Idempotency-Key was used for another request; take a new key")
    faces = faces_by_id(connection, [face_id for face_id, _ in row.faces])
    if any(face_id not in faces for face_id, _ in row.faces):
        # to enrol it again would bring back what somebody wanted gone
        raise Conflict(
            "what was enrolled under this Idempotency-Key has been erased since; "
            "take a new key to enrol it again"
        )
    enrolled = [Enrolled(faces[face_id], duplicate) for face_id, duplicate in row.faces]
    return DoneBefore(enrolled, row.note)


def remember(
    connection: Connection, request: KeyedRequest, enrolled: Sequence[Enrolled], now: datetime
) -> None:
    """Keep what a request did, for as long as `KEPT`."""
    forget_old(connection, now)  # the key may be free again
    row = {
        "key_sha256": request.key_sha256,
        "request_sha256": request.request_sha256,
        "at": now,
        "faces": [[item.face.face_id, item.duplicate] for item in enrolled],
        "note": [list(item) for item in request.note],
    }
    connection.execute(insert(RequestRow).values(row))


def any_old(connection: Connection, now: datetime) -> bool:
    """Whether a request is to be forgotten by now."""
    return bool(connection.scalar(select(exists().where(RequestRow.at <= now - KEPT))))


def forget_old(connection: Connection, now: datetime) -> None:
    """Remove what is kept of requests for longer than `KEPT`."""
    connection.execute(delete(RequestRow).where(RequestRow.at <= now - KEPT))
