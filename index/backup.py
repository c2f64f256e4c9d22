"""Backups: a copy of the whole store as one file, made while it is in use, and the way back.

    backup    store, one state of it -> FILE, without a byte of what was erased before
    restore   FILE, looked through -> the store's place; what was erased since is erased again

The index is not copied: it is built from the store. A backup keeps what is erased after it.
"""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from index.database import Database, make_folder
from index.errors import BadBackup, Conflict, StoreUnavailable
from index.files import sync_folder
from index.folder_lock import FolderLock
from index.logs import ERASURES
from index.sqlite import SqliteDatabase
from index.tables import FaceRow
from index.writing import erase_faces

PARTIAL = ".partial"
"""What is not whole yet is named so."""

IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored store has, and how many of its faces had been erased since the backup."""

    faces: int
    erased_again: int


def backup(database: Database, target: Path) -> int:
    """Copy one state of the store into a new file, and give the file's size in bytes.

    Whoever writes meanwhile goes on; what they write is not in the copy.

    Raises:
        Conflict: there is such a file already.
        StorageFull: no room.
        StoreUnavailable: the file cannot be written.
        Unsupported: the store is no file; the error says what copies it.
    """
    if target.exists():
        raise Conflict(f"{target} is there already; a backup replaces nothing")
    partial = target.with_name(target.name + PARTIAL)
    make_folder(target.parent)
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        database.copy_into(partial)
        _sync(partial)
        partial.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def restore(source: Path, data: Path, *, store: Path, index: Path, replace: bool) -> Restored:
    """Put a backup in the place of the store of a data folder that nobody uses.

    Args:
        source: the backup.
        data: the data folder; it is made if it is missing.
        store: its database.
        index: its folder of snapshots, which are of the old store and are removed.
        replace: the store that is there may have faces; they are lost.

    Raises:
        BadBackup: `source` is no whole backup.
        Conflict: the store has faces, and they are not to be replaced.
        DataFolderLocked: a service has the folder.
        StoreUnavailable: another process has the store open, or a file cannot be written.
    """
    _look_through(source)
    make_folder(data)
    lock = FolderLock(data)
    fresh = store.with_name(store.name + PARTIAL)
    try:
        erased = _give_up(store, replace=replace)
        _remove(fresh)
        shutil.copyfile(source, fresh)
        fresh.chmod(0o600)
        restored = _erase_again(fresh, erased)
        _sync(fresh)
        for snapshot in index.iterdir() if index.is_dir() else ():
            snapshot.unlink()
        _remove(store)  # the log first: the new store must never be read with the old one's log
        fresh.rename(store)
        sync_folder(data)
    except OSError as error:
        raise StoreUnavailable(f"{source} cannot be restored to {data}: {error}") from error
    finally:
        _remove(fresh)
        lock.release()
    return restored


def _look_through(source: Path) -> None:
    """Read all of a backup before anything is believed.

    Raises:
        BadBackup: it is missing, cut off, damaged or something else.
    """
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as found:
            [(verdict,), *_] = found.execute("PRAGMA integrity_check(1)").fetchall()
            found.execute("SELECT version_num FROM alembic_version, gallery").fetchone()
    except sqlite3.Error as error:
        raise BadBackup(f"{source} is no backup of a gallery: {error}") from error
    if verdict != "ok":
        raise BadBackup(f"{source} is damaged: {verdict}")


def _give_up(store: Path, *, replace: bool) -> list[str]:
    """Make sure that the old store may go; gives the ids of the faces that it knows as erased."""
    if not store.exists():
        return []
    try:
        with closing(sqlite3.connect(store, timeout=1, isolation_level=None)) as old:
            old.execute("PRAGMA journal_mode = DELETE")  # refused while somebody has it open
            if not replace and old.execute("SELECT count(*) FROM face").fetchone()[0]:
                raise Conflict(f"{store} has faces; to lose them say --replace")
            marks = ", ".join("?" * len(ERASURES))
            query = f"SELECT face_id FROM audit_log WHERE action IN ({marks})"  # noqa: S608
            return [face_id for (face_id,) in old.execute(query, ERASURES)]
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreUnavailable(f"{store} is in use by another process: stop it") from error
        return _of_damaged(store, error, replace=replace)
    except sqlite3.DatabaseError as error:
        return _of_damaged(store, error, replace=replace)


def _of_damaged(store: Path, error: sqlite3.Error, *, replace: bool) -> list[str]:
    if replace:
        return []
    raise Conflict(f"{store} is damaged ({error}); to put the backup in its place say --replace")


def _erase_again(fresh: Path, erased: Sequence[str]) -> Restored:
    """Erase from the copy what had been erased from the store, and empty its log."""
    database = SqliteDatabase(f"sqlite:///{fresh.absolute()}")
    try:
        with database.write() as connection:
            again = 0
            for start in range(0, len(erased), IDS_AT_ONCE):
                part = erased[start : start + IDS_AT_ONCE]
                again += erase_faces(connection, FaceRow.id.in_(part), "erase", "restore")
            faces = connection.scalar(select(func.count()).select_from(FaceRow)) or 0
        database.clean()
        return Restored(faces, again)
    finally:
        database.close()


def _remove(database: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
