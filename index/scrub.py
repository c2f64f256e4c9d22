"""Scrubbing: overwrites what SQLite left of rows in the pages of a database, and empties its log.

    log -> database, while nobody writes -> pages that were in it: zeros where nothing is stored
        -> a tiny transaction, which begins the log anew and cuts it

Every page that changes goes through the write-ahead log, and only here the log is emptied. So it is
enough to look at the pages in it, and what that takes depends on what was written, not on the size
of the database. It holds the write lock for a batch of pages at a time; readers go on. Whatever
stops it in the middle: the bytes between the contents of a page mean nothing to SQLite.

A process of its own does it, `python -m index.scrub`: the file is written beside SQLite, and when a
process closes any descriptor of a file, POSIX takes from it all locks that SQLite holds there. The
locks here are this process's own, so they end when its writing ends, even if it is killed.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from index.pages import MAX_PAGES, pages_in_log, scrubbed

DONE, FAILED, IN_THE_WAY = 0, 1, 3
"""Exit statuses."""

BATCH_PAGES = 4096
"""Pages dealt with while others wait to write."""

BUSY_TIMEOUT_S = 10

EMPTY_LOG_PAGES = 8
"""A log with no more than this has just begun anew: the tiny transaction writes one or two."""


class ReaderInTheWay(Exception):
    """Somebody reads an older state of the database, so its log cannot be emptied now."""


def scrub(path: Path, *, everything: bool) -> None:
    """Scrub a database that may be in use.

    Args:
        path: of the database.
        everything: look at every page of the file, not only at those that are in its log.

    Raises:
        ReaderInTheWay: try again later.
        OSError: the file cannot be written.
        sqlite3.Error: the database cannot be used.
    """
    descriptor = os.open(path, os.O_RDWR)  # closed after the connections; see above
    try:
        with closing(_connect(path)) as writer, closing(_connect(path)) as reader:
            _scrub(path, descriptor, writer, reader, everything=everything)
    finally:
        os.close(descriptor)


def _scrub(
    path: Path,
    descriptor: int,
    writer: sqlite3.Connection,
    reader: sqlite3.Connection,
    *,
    everything: bool,
) -> None:
    [page_bytes] = reader.execute("PRAGMA page_size").fetchone()
    pages = os.fstat(descriptor).st_size // page_bytes
    if pages >= MAX_PAGES:
        raise OSError(f"{path} has {pages:,} pages; no more than {MAX_PAGES:,} can be told apart")
    log = path.with_name(path.name + "-wal")
    for start in range(1, pages + 1, BATCH_PAGES) if everything else ():
        with _nobody_writing(writer, reader):
            batch = range(start, min(start + BATCH_PAGES, pages + 1))
            _scrub_pages(descriptor, page_bytes, batch)
    done: set[int] = set()
    left: Sequence[int] = (0,)
    while left:
        with _nobody_writing(writer, reader):
            newest = writer.execute("SELECT coalesce(max(seq), 0) FROM change_log").fetchone()[0]
            left = sorted(pages_in_log(log) - done)
            _scrub_pages(descriptor, page_bytes, left[:BATCH_PAGES])
        done.update(left[:BATCH_PAGES])
        left = left[BATCH_PAGES:]
    _begin_log_anew(writer, newest)
    if log.exists() and log.stat().st_size > EMPTY_LOG_PAGES * (page_bytes + 24):
        raise ReaderInTheWay


@contextmanager
def _nobody_writing(writer: sqlite3.Connection, reader: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock while all of the log is in the database file too.

    Nobody but this module moves anything from the log, so meanwhile nobody writes the file.
    """
    writer.execute("BEGIN IMMEDIATE")
    try:
        _, in_log, moved = reader.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if in_log != moved:
            raise ReaderInTheWay
        yield
    finally:
        writer.execute("ROLLBACK")


def _scrub_pages(descriptor: int, page_bytes: int, numbers: Sequence[int]) -> None:
    for number in numbers:
        place = (number - 1) * page_bytes
        page = os.pread(descriptor, page_bytes, place)
        fresh = scrubbed(page, number) if len(page) == page_bytes else None
        if fresh is not None:
            os.pwrite(descriptor, fresh, place)
    os.fsync(descriptor)


def _begin_log_anew(writer: sqlite3.Connection, newest: int) -> None:
    """Write a little: SQLite begins a log anew that is wholly in the database and nobody reads."""
    writer.execute("BEGIN IMMEDIATE")
    writer.execute(
        "UPDATE gallery SET cleanings = cleanings + 1, cleaned_seq = max(cleaned_seq, ?)",
        (newest,),
    )
    writer.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA journal_size_limit = 0")  # cuts the log when it begins anew
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def main(path: str, *options: str) -> int:
    """Scrub as a process of its own; gives the exit status, and says on stderr what went wrong."""
    try:
        scrub(Path(path), everything="--everything" in options)
    except ReaderInTheWay:
        return IN_THE_WAY
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(str(error))
        return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
