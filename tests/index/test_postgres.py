"""What PostgreSQL does in its own way: one writer, clear errors, recovery. A real server."""

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from index import changes
from index.errors import (
    Conflict,
    ExtraMissing,
    StorageFull,
    StoreReadOnly,
    StoreUnavailable,
    Unsupported,
)
from index.gallery import Gallery
from index.ground import open_store
from index.tables import Table
from tests.index.conftest import make_new_face, unit

pytestmark = pytest.mark.slow


@pytest.fixture
def url(empty_postgres):
    return empty_postgres()


@pytest.fixture
def database(url, tmp_path):
    opened = open_store(tmp_path, url)
    yield opened
    opened.close()


@pytest.fixture
def fresh(postgres):
    """A database of the test's own, which may be spoilt."""
    return postgres.make_database()


def value(database, query):
    with database.read() as connection:
        return connection.scalar(text(query))


def test_the_migrations_lead_to_the_tables_that_the_code_knows(database):
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_several_processes_may_make_the_same_store_at_once(fresh, tmp_path):
    errors = []

    def open_it():
        try:
            open_store(tmp_path, fresh).close()
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_sequence_numbers_are_seen_in_the_order_of_the_commits(url, tmp_path):
    """A follower that has read up to a number must never find a smaller one later."""
    stores = [open_store(tmp_path, url) for _ in range(4)]
    stop, failed = threading.Event(), []

    def write(store):
        row = text("INSERT INTO change_log (operation, face_key) VALUES ('remove', 1)")
        try:
            for number in range(40):
                with store.write() as connection:
                    connection.execute(row)
                    if number % 3 == 0:
                        time.sleep(0.001)
                    connection.execute(row)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            failed.append(error)

    seen: list[int] = []

    def follow():
        store = open_store(tmp_path, url)
        ended = False
        while not ended:
            ended = stop.is_set()
            last = seen[-1] if seen else 0
            query = "SELECT seq FROM change_log WHERE seq > :last ORDER BY seq"
            with store.read() as connection:
                seen.extend(connection.scalars(text(query), {"last": last}))
        store.close()

    follower = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in (follower, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    follower.join()
    for store in stores:
        store.close()
    assert failed == []
    assert len(seen) == 4 * 40 * 2


def test_a_writer_that_waits_too_long_is_told_why(url, tmp_path, monkeypatch):
    monkeypatch.setattr("index.postgres.WRITER_TIMEOUT_S", 0.1)
    one, two = open_store(tmp_path, url), open_store(tmp_path, url)
    with (
        one.write(),
        pytest.raises(StoreUnavailable, match="locked: another process"),
        two.write(),
    ):
        pass
    with two.write():
        pass
    one.close()
    two.close()


def test_readers_see_one_state_and_do_not_wait_for_a_writer(database):
    with database.read() as reader:
        assert reader.scalar(text("SELECT count(*) FROM collection")) == 1
        with database.write() as connection:
            connection.execute(text("INSERT INTO collection VALUES (2, 'more')"))
            assert value(database, "SELECT count(*) FROM collection") == 1
        assert reader.scalar(text("SELECT count(*) FROM collection")) == 1
    assert value(database, "SELECT count(*) FROM collection") == 2


def test_a_duty_is_one_process_s_at_a_time(url, tmp_path):
    one, two = open_store(tmp_path, url), open_store(tmp_path, url)
    with one.exclusively("feeding", wait_s=1) as first:
        with two.exclusively("feeding") as second, two.exclusively("keeping") as other:
            assert (first, second, other) == (True, False, True)
        with two.exclusively("feeding", wait_s=0.05) as second:
            assert not second
    with two.exclusively("feeding", wait_s=1) as second:
        assert second
    one.close()
    two.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"database": "nowhere"}, r"'nowhere' .* does not exist.* make it there first"),
        ({"password": "wrong-word"}, r"password authentication failed.*check the user and the"),
    ],
)
def test_a_server_that_lets_nobody_in_is_told_with_what_to_do(postgres, tmp_path, change, told):
    with pytest.raises(StoreUnavailable, match=told) as error:
        open_store(tmp_path, postgres.url(**{"database": "postgres", **change}))
    assert "wrong-word" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret@127.0.0.1:1/gallery",
        "postgres:///gallery?host=/nowhere&user=me&password=secret",
    ],
)
def test_a_server_that_is_away_is_told_without_the_password(tmp_path, url):
    with pytest.raises(
        StoreUnavailable, match=r"cannot be reached .* is PostgreSQL running"
    ) as told:
        open_store(tmp_path, url)
    assert "secret" not in str(told.value)


def test_a_server_that_is_too_old_is_refused(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr("index.postgres.OLDEST_VERSION", 99)
    with pytest.raises(StoreUnavailable, match=r"runs PostgreSQL \d+; 99 or newer is needed"):
        open_store(tmp_path, fresh)


def test_a_database_of_another_encoding_is_refused(postgres, tmp_path):
    url = postgres.make_database(options="ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StoreUnavailable, match=r"encoded in LATIN1.* createdb --encoding=UTF8"):
        open_store(tmp_path, url)


def test_a_user_who_may_make_nothing_is_told(postgres, fresh, tmp_path):
    postgres.sql("CREATE ROLE guest LOGIN PASSWORD 'secret'")
    url = postgres.url(fresh.rpartition("/")[2], user="guest")
    with pytest.raises(StoreUnavailable, match=r"permission denied .*the owner of the database"):
        open_store(tmp_path, url)


def test_a_store_of_a_newer_version_is_left_alone(fresh, tmp_path):
    store = open_store(tmp_path, fresh)
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreUnavailable, match=r"does not know: .*9999"):
        open_store(tmp_path, fresh)


def test_a_server_that_only_reads_can_be_searched(fresh, postgres, tmp_path):
    store = open_store(tmp_path, fresh)
    name = fresh.rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store.close()  # the setting is of new connections
    with pytest.raises(StoreReadOnly, match=r"written .* nothing"), store.write() as connection:
        connection.execute(text("INSERT INTO collection VALUES (2, 'more')"))
    assert value(store, "SELECT count(*) FROM collection") == 1
    store.close()


def test_a_full_disk_is_called_so(database):
    error = database._store_error(psycopg.errors.DiskFull("no space"))
    assert isinstance(error, StorageFull)


def test_what_a_row_holds_never_reaches_an_error_message(database):
    twice = [{"key": 2, "name": "Ana Secret"}, {"key": 3, "name": "Ana Secret"}]
    with pytest.raises(IntegrityError) as error, database.write() as connection:
        connection.execute(text("INSERT INTO collection VALUES (:key, :name)"), twice)
    assert "duplicate key" in str(error.value)
    assert "Ana Secret" not in str(error.value)


def test_a_question_with_a_nul_finds_nothing(open_gallery, url):
    gallery = open_gallery(store_url=url)
    gallery.add([make_new_face("Ana", 1)])
    assert gallery.people(prefix="A\0").items == []
    assert gallery.people(prefix="A").total == 1


def test_a_gallery_is_used_again_once_its_server_is_back(open_gallery, postgres, url):
    gallery = open_gallery(store_url=url, serve=True)
    gallery.add([make_new_face("Ana", 1)])
    postgres.stop()
    try:
        for act in (
            lambda: gallery.search(unit(1)[None], k=1),
            lambda: gallery.add([make_new_face("Bea", 2)]),
            gallery.maintain,
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                act()
    finally:
        postgres.start()
    gallery.maintain()
    gallery.add([make_new_face("Bea", 2)])
    assert gallery.search(unit(2)[None], k=1)[0][0].face.person == "Bea"


def test_two_galleries_with_folders_of_their_own_share_one_store(open_gallery, url, tmp_path):
    one = open_gallery(store_url=url, serve=True, data=tmp_path / "one")
    two = open_gallery(store_url=url, serve=True, data=tmp_path / "two")
    [ana, bea] = one.add([make_new_face("Ana", 1), make_new_face("Bea", 2)])
    assert [m.face.person for m in two.search(unit(1)[None], k=2)[0]] == ["Ana", "Bea"]
    two.erase_face(ana.face.face_id)
    assert [m.face.person for m in one.search(unit(1)[None], k=2)[0]] == ["Bea"]
    one.maintain()
    one.rename_person(bea.face.person_id, "Cleo")
    assert two.search(unit(1)[None], k=2)[0][0].face.person == "Cleo"


def test_what_has_expired_is_erased_and_dead_rows_are_vacuumed(open_gallery, url, tmp_path):
    gallery = open_gallery(store_url=url, serve=True)
    past = datetime.now(UTC) - timedelta(seconds=1)
    gallery.add([make_new_face("Ana", 1, expires_at=past), make_new_face("Bea", 2)])
    gallery.maintain()
    assert gallery.stats().faces == 1
    with gallery._database.read() as connection:
        assert not changes.uncleaned(connection)
    vacuumed = "SELECT last_vacuum IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'face'"
    deadline = time.monotonic() + 20  # the statistics come a moment later
    while not value(gallery._database, vacuumed):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_backup_is_left_to_pg_dump(open_gallery, url, tmp_path):
    gallery = open_gallery(store_url=url)
    with pytest.raises(Unsupported, match=r"pg_dump --format=custom --file=monday\.dump"):
        gallery.backup(tmp_path / "monday.dump")
    assert list(tmp_path.glob("monday*")) == []
    with pytest.raises(Conflict):
        gallery.backup(tmp_path / "data")


def test_a_gallery_on_postgresql_is_checked(open_gallery, card, url, tmp_path):
    with open_gallery(store_url=url) as gallery:
        gallery.add([make_new_face("Ana", 1)])
    report = Gallery.check(tmp_path / "data", encoder=card, store_url=url)
    assert (report.faces, report.findings) == (1, [])


def test_without_its_driver_postgresql_is_refused_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "index.postgres", None)
    with pytest.raises(ExtraMissing, match="extra `postgres`"):
        open_store(tmp_path, "postgresql://host/gallery")
