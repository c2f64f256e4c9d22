"""API keys: who may use a served gallery, and for what. The store holds their digests only.

    create -> the key, shown once; its SHA-256 -> api_key
    known  -> what a service compares a given key with

A key is 256 random bits, so nobody guesses one from its digest by trying, as they could with a
password. That is why a plain SHA-256 is right and a slow hash would only cost time.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update
from sqlalchemy.engine import URL
from ulid import ULID

from index.database import Database
from index.errors import InvalidName, NotFound
from index.glance import glance
from index.logs import Entry, log
from index.tables import ApiKeyRow

Role: TypeAlias = Literal["search", "enroll", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may, and more."""

MAX_NAME_CHARACTERS = 100

_PREFIX = "lookalike_"
"""Tells people, and tools that look for leaked secrets, what they have found."""

_SECRET_BYTES = 32

_Row: TypeAlias = Row[str, str, str, bytes, datetime, date | None, datetime | None]
_Rows: TypeAlias = Select[str, str, str, bytes, datetime, date | None, datetime | None]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; not the key."""

    key_id: str
    name: str
    role: Role
    created_at: datetime
    last_used: date | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The keys at one time.

    Attributes:
        in_force: a key was created, so that nobody gets in without one. It stays so when the last
            key is revoked: a service must not open by itself.
        valid: SHA-256 of each key that is not revoked, and what is known of it.
    """

    in_force: bool
    valid: tuple[tuple[bytes, ApiKey], ...]

    def match(self, secret: str) -> ApiKey | None:
        """The key that this is, if it is one. It takes as long whichever it is."""
        digest = _digest(secret)
        found = None
        for known, key in self.valid:
            if hmac.compare_digest(known, digest):
                found = key
        return found


class ApiKeys:
    """The keys of one store."""

    def __init__(self, database: Database, *, actor: str) -> None:
        """See the keys of `database`; `actor` is who the audit log says changed them."""
        self._database = database
        self._actor = actor

    def create(self, role: Role, *, name: str = "") -> tuple[ApiKey, str]:
        """Make a key. It is given here and never again.

        Raises:
            InvalidName: `name` is too long, or holds characters that cannot be shown.
        """
        _check_name(name)
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        made = ApiKey(str(ULID()), name, role, datetime.now(UTC), None, None)
        row = {
            "id": made.key_id,
            "name": name,
            "role": role,
            "sha256": _digest(secret),
            "created_at": made.created_at,
        }
        with self._database.write() as connection:
            connection.execute(insert(ApiKeyRow).values(row))
            log(connection, "make-key", self._actor, [Entry(key_id=made.key_id)])
        return made, secret

    def all(self) -> list[ApiKey]:
        """All keys in the order of their creation, revoked ones too."""
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(_rows())]

    def revoke(self, key_id: str) -> ApiKey:
        """End a key for good; one that has ended already stays as it was.

        Raises:
            NotFound: no key has this id.
        """
        with self._database.write() as connection:
            row = connection.execute(_rows().where(ApiKeyRow.id == key_id)).one_or_none()
            if row is None:
                raise NotFound("key", key_id)
            if row.revoked_at is None:
                mine = update(ApiKeyRow).where(ApiKeyRow.id == key_id)
                connection.execute(mine.values(revoked_at=datetime.now(UTC)))
                log(connection, "revoke-key", self._actor, [Entry(key_id=key_id)])
            return _key(connection.execute(_rows().where(ApiKeyRow.id == key_id)).one())

    def remove_all(self) -> int:
        """Forget every key, as if none had been created; gives how many those were."""
        with self._database.write() as connection:
            removed = connection.scalar(select(func.count()).select_from(ApiKeyRow)) or 0
            connection.execute(delete(ApiKeyRow))
            if removed:
                log(connection, "remove-keys", self._actor, [Entry()])
        return removed

    def known(self) -> KnownKeys:
        """The keys as they are now."""
        with self._database.read() as connection:
            in_force = bool(connection.scalar(select(exists().select_from(ApiKeyRow))))
            rows = connection.execute(_rows().where(ApiKeyRow.revoked_at.is_(None)))
            return KnownKeys(in_force, tuple((row.sha256, _key(row)) for row in rows))


def note_use(connection: Connection, key_ids: Iterable[str], day: date) -> None:
    """Remember that keys were used on this day; no finer, for it is kept of people's work."""
    used = update(ApiKeyRow).where(ApiKeyRow.id.in_(list(key_ids)))
    connection.execute(used.values(last_used=day))


def any_key(store: Path | URL) -> bool:
    """Whether a key was created in the store at this place, which need not exist."""
    found = glance(store, "SELECT 1 FROM api_key LIMIT 1")
    return found is not None and bool(found[0])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        allowed = f"at most {MAX_NAME_CHARACTERS} printable characters"
        raise InvalidName(f"name = {name[:40]!r} is not {allowed}", field="name", allowed=allowed)


def _rows() -> _Rows:
    columns = (
        ApiKeyRow.id,
        ApiKeyRow.name,
        ApiKeyRow.role,
        ApiKeyRow.sha256,
        ApiKeyRow.created_at,
        ApiKeyRow.last_used,
        ApiKeyRow.revoked_at,
    )
    return select(*columns).order_by(ApiKeyRow.key)


def _key(row: _Row) -> ApiKey:
    return ApiKey(row.id, row.name, row.role, row.created_at, row.last_used, row.revoked_at)
