"""A glance into a store that nobody has opened yet: nothing is made, and nothing is migrated.

What is wrong with the store is told in full by whoever opens it for good.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from sqlalchemy.engine import URL

Rows: TypeAlias = list[tuple[object, ...]]


def glance(store: Path | URL, *queries: str) -> list[Rows] | None:
    """The rows of each query; None if there is no store, or none that can answer them.

    Args:
        store: the file or the URL of the database; it need not exist.
        queries: in SQL that every engine takes.
    """
    if isinstance(store, Path):
        return _at_file(store, queries)
    try:
        from index.postgres import peek  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return peek(store, *queries)


def _at_file(store: Path, queries: tuple[str, ...]) -> list[Rows] | None:
    if not store.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as found:
            return [found.execute(query).fetchall() for query in queries]
    except sqlite3.Error:
        return None
