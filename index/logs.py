"""The two logs: what a vector index has to follow, and who did what. Ids only, never names.

enrol, erase, expire        change log + audit log
move, merge, rename, ...    audit log: no vector changes
keys made and ended         audit log
search, verify, ...         audit log, through index.lookups
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, insert

from index.tables import AuditRow, ChangeRow

Action: TypeAlias = Literal[
    "enrol",
    "erase",
    "expire",
    "repair",
    "move",
    "merge",
    "rename",
    "update",
    "make-collection",
    "erase-collection",
    "switch-encoder",
    "drop-embeddings",
    "make-key",
    "revoke-key",
    "remove-keys",
]

ADD = "add"
REMOVE = "remove"
"""Operations of the change log."""

_OPERATIONS = {"enrol": ADD, "repair": ADD, "erase": REMOVE, "expire": REMOVE}

ERASURES = tuple(action for action, operation in _OPERATIONS.items() if operation == REMOVE)
"""Actions after which a face is gone."""


class Entry(NamedTuple):
    """What happened to whom; what does not apply is left out."""

    face_key: int | None = None
    face_id: str = ""
    person_id: str = ""
    collection_key: int | None = None
    key_id: str | None = None


def log(connection: Connection, action: Action, actor: str, entries: Iterable[Entry]) -> None:
    """Append to the audit log, and where vectors come or go to the change log: one entry each."""
    found = list(entries)
    if not found:
        return
    if action in _OPERATIONS:
        _log_changes(connection, _OPERATIONS[action], found)
    now = datetime.now(UTC)
    audit = [
        {
            "at": now,
            "actor": actor,
            "action": action,
            "person_id": entry.person_id,
            "face_id": entry.face_id,
            "collection_key": entry.collection_key,
            "key_id": entry.key_id,
        }
        for entry in found
    ]
    connection.execute(insert(AuditRow), audit)


def _log_changes(connection: Connection, operation: str, entries: Sequence[Entry]) -> None:
    changes = [{"operation": operation, "face_key": entry.face_key} for entry in entries]
    connection.execute(insert(ChangeRow), changes)
