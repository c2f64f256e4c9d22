"""What the audit log tells of lookups, which change nothing: written together, read, forgotten.

    search, verify, ... -> many Lookups -> append: one transaction
    entries             -> what happened, oldest first

A lookup is who, when, what kind and how many faces; never whose.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

from sqlalchemy import delete, insert, select

from index.database import Database
from index.keys import note_use
from index.tables import AuditRow

LookupKind: TypeAlias = Literal["search", "similar", "verify", "explain", "detect", "embed"]

LOOKUPS: tuple[LookupKind, ...] = get_args(LookupKind)

FORGOTTEN_AT_ONCE = 10_000
"""Entries deleted in one transaction, so that none is long."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Somebody looked at so many faces."""

    at: datetime
    actor: str
    kind: LookupKind
    faces: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log; what does not apply is empty."""

    at: datetime
    actor: str
    action: str
    person_id: str
    face_id: str
    key_id: str
    faces: int | None


class AuditLog:
    """The audit log of one store, to append lookups to and to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, lookups: Sequence[Lookup], *, used_keys: Collection[str] = ()) -> None:
        """Store lookups, and which keys were used today, in one transaction.

        Raises:
            StorageFull: no room; nothing was stored.
            StoreUnavailable: the store cannot be written.
        """
        rows = [
            {
                "at": lookup.at,
                "actor": lookup.actor,
                "action": lookup.kind,
                "person_id": "",
                "face_id": "",
                "faces": lookup.faces,
            }
            for lookup in lookups
        ]
        with self._database.write() as connection:
            if rows:
                connection.execute(insert(AuditRow), rows)
            if used_keys:
                note_use(connection, used_keys, datetime.now(UTC).date())

    def entries(
        self,
        *,
        since: datetime | None = None,
        actions: Collection[str] = (),
        limit: int | None = None,
    ) -> list[AuditEntry]:
        """The newest entries, the oldest of them first.

        Args:
            since: leave out what is older.
            actions: only these; all, if none is named.
            limit: at most so many.
        """
        query = select(
            AuditRow.at,
            AuditRow.actor,
            AuditRow.action,
            AuditRow.person_id,
            AuditRow.face_id,
            AuditRow.key_id,
            AuditRow.faces,
        ).order_by(AuditRow.key.desc())
        if since is not None:
            query = query.where(AuditRow.at >= since)
        if actions:
            query = query.where(AuditRow.action.in_(list(actions)))
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [AuditEntry(*row[:5], row.key_id or "", row.faces) for row in reversed(rows)]

    def forget_lookups(self, *, days: int) -> int:
        """Delete lookups that are older; gives how many, at most `FORGOTTEN_AT_ONCE`.

        What changed the gallery stays: a restored backup is freed by it of what was erased since.
        """
        before = datetime.now(UTC) - timedelta(days=days)
        old = (
            select(AuditRow.key)
            .where(AuditRow.action.in_(LOOKUPS), AuditRow.at < before)
            .limit(FORGOTTEN_AT_ONCE)
        )
        with self._database.read() as connection:  # mostly there are none: not worth the writer
            keys = list(connection.scalars(old))
        if keys:
            first, last = min(keys), max(keys)
            mine = AuditRow.key.between(first, last), AuditRow.action.in_(LOOKUPS)
            with self._database.write() as connection:
                connection.execute(delete(AuditRow).where(*mine, AuditRow.at < before))
        return len(keys)
