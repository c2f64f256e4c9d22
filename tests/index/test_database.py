import sqlite3
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from index.errors import StorageFull, StoreReadOnly, StoreUnavailable
from index.sqlite import SqliteDatabase
from index.tables import Table


@pytest.fixture
def open_database(tmp_path):
    opened = []

    def open_one(url=f"sqlite:///{tmp_path / 'store.db'}"):
        database = SqliteDatabase(url)
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        database.close()


def value(database, query):
    with database.read() as connection:
        return connection.scalar(text(query))


def test_the_migrations_lead_to_the_tables_that_the_code_knows(open_database):
    with open_database().read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_constraints_have_the_names_that_a_later_migration_would_use(open_database):
    database = open_database()
    names = value(database, "SELECT group_concat(sql) FROM sqlite_master")
    for name in ("uq_face_person_key_photo_sha256", "fk_face_person_key_person"):
        assert name in names


def test_a_new_store_has_the_default_collection(open_database):
    assert value(open_database(), "SELECT name FROM collection") == "default"


def test_opening_again_migrates_nothing(open_database):
    open_database().close()
    assert value(open_database(), "SELECT count(*) FROM collection") == 1


def test_two_processes_may_make_the_same_store_at_once(open_database):
    errors = []

    def open_it():
        try:
            open_database()
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_the_store_is_set_up_to_keep_and_to_forget(open_database):
    database = open_database()
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }
    assert {name: value(database, f"PRAGMA {name}") for name in pragmas} == pragmas


def test_after_an_error_nothing_of_a_transaction_is_stored(open_database):
    database = open_database()

    def fail_halfway():
        with database.write() as connection:
            connection.execute(text("INSERT INTO collection (name) VALUES ('half')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert value(database, "SELECT count(*) FROM collection") == 1


def test_a_writer_that_waits_too_long_is_told_why(open_database, tmp_path, monkeypatch):
    monkeypatch.setattr("index.sqlite.BUSY_TIMEOUT_S", 0.05)
    database = open_database()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked: another process"), database.write():
        pass
    other.close()


def test_readers_do_not_wait_for_a_writer(open_database):
    database = open_database()
    with database.write() as connection:
        connection.execute(text("INSERT INTO collection (name) VALUES ('more')"))
        assert value(database, "SELECT count(*) FROM collection") == 1
    assert value(database, "SELECT count(*) FROM collection") == 2


@pytest.mark.parametrize(
    "content", [b"this is no database at all" * 100, b"SQLite format 3\0" * 99]
)
def test_a_file_that_is_no_database_is_named(open_database, tmp_path, content):
    (tmp_path / "store.db").write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"store\.db is damaged .* put a backup"):
        open_database()


def test_a_truncated_database_is_called_damaged_and_not_rewritten(open_database, tmp_path):
    open_database().close()
    path = tmp_path / "store.db"
    half = path.read_bytes()[: 3 * 4096]
    path.write_bytes(half)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        open_database()
    assert path.read_bytes()[4096:] == half[4096:]


def test_a_database_whose_end_is_lost_is_noticed_at_the_start(open_database, tmp_path):
    open_database().close()
    path = tmp_path / "store.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8192])
    with pytest.raises(StoreUnavailable, match="is damaged"):
        open_database()
    path.write_bytes(whole)
    open_database()


def test_a_disk_that_cannot_be_written_is_told_and_can_be_read(open_database):
    database = open_database()
    with database.read() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(StoreReadOnly, match=r"cannot be written .* nothing was stored"):
        fill(database)
    assert value(database, "SELECT count(*) FROM collection") == 1


def test_a_folder_that_is_missing_is_named(open_database, tmp_path):
    with pytest.raises(StoreUnavailable, match=r"nowhere.* cannot be used: unable to open"):
        open_database(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")


def test_a_store_of_a_newer_version_is_left_alone(open_database):
    database = open_database()
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreUnavailable, match=r"does not know: .*9999"):
        open_database()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://user:secret@host/db", "sqlite://", "sqlite:///:memory:"]
)
def test_a_store_that_is_not_supported_is_refused_without_its_password(open_database, url):
    with pytest.raises(StoreUnavailable, match="store_url") as error:
        open_database(url)
    assert "secret" not in str(error.value)


def fill(database):
    with database.write() as connection:
        for number in range(1000):
            connection.execute(
                text("INSERT INTO collection (name) VALUES (:name)"),
                {"name": f"{number} " + "x" * 4000},
            )


def test_a_full_disk_is_called_so_and_stores_nothing(open_database):
    database = open_database()
    with database.read() as connection:
        connection.execute(text("PRAGMA max_page_count = 60"))
    with pytest.raises(StorageFull, match=r"no room for .*store\.db.* nothing was stored"):
        fill(database)
    assert value(database, "SELECT count(*) FROM collection") == 1


def test_an_io_error_on_a_full_disk_is_called_full(open_database, monkeypatch):
    database = open_database()
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    assert isinstance(database._store_error(error), StoreUnavailable)
    monkeypatch.setattr("index.sqlite.ALMOST_FULL_BYTES", 2**62)
    assert isinstance(database._store_error(error), StorageFull)
    database.path = database.path.parent / "gone" / "store.db"
    assert isinstance(database._store_error(error), StoreUnavailable)


def test_names_never_reach_an_error_message(open_database):
    twice = [{"name": "Ana Secret"}] * 2
    with open_database().write() as connection, pytest.raises(IntegrityError) as error:
        connection.execute(text("INSERT INTO collection (name) VALUES (:name)"), twice)
    assert "Ana Secret" not in str(error.value)
