"""Pages of SQLite: what holds no content becomes zeros, and what does stays as it is."""

import sqlite3
import struct
from contextlib import closing

import pytest

from index.binding import bind
from index.pages import pages_in_log, scrubbed
from index.scrub import DONE, FAILED, IN_THE_WAY, main
from index.sqlite import SqliteDatabase
from tests.index.conftest import make_card

PAGE = 512


@pytest.fixture
def store(tmp_path):
    """A store whose pages SQLite has spread anew many times, and nobody has open."""
    path = tmp_path / "store.db"
    database = SqliteDatabase(f"sqlite:///{path}")
    with database.write() as connection:
        bind(connection, make_card())
    database.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("CREATE TABLE word (name TEXT PRIMARY KEY, rest BLOB)")
        for number in range(3000):
            values = (f"word-{number * 7919 % 3001:05d}", bytes([number % 251]) * (number % 90))
            connection.execute("INSERT INTO word VALUES (?, ?)", values)
        connection.execute("DELETE FROM word WHERE rowid % 10 > 1")
    return path


def words(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT * FROM word ORDER BY name").fetchall()


def test_scrubbing_everything_leaves_the_rows_and_no_trace_of_others(store):
    kept = words(store)
    erased = {f"word-{number:05d}" for number in range(3001)} - {name for name, _ in kept}
    assert any(name.encode() in store.read_bytes() for name in erased)
    assert main(str(store), "--everything") == DONE
    assert words(store) == kept
    content = store.read_bytes()
    assert [name for name in erased if name.encode() in content] == []
    assert all(name.encode() in content for name, _ in kept)


def test_the_pages_of_the_log_are_scrubbed_and_the_log_begins_anew(store):
    with closing(sqlite3.connect(store, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("UPDATE word SET rest = zeroblob(300) WHERE rowid % 3 = 0")
        log = store.with_name("store.db-wal")
        size = log.stat().st_size
        assert len(pages_in_log(log)) > 10
        database = SqliteDatabase(f"sqlite:///{store}")
        assert database.clean()
        assert database.log_bytes < size / 10
        database.close()
    assert len(words(store)) > 0


def test_a_reader_of_an_older_state_is_in_the_way(store):
    database = SqliteDatabase(f"sqlite:///{store}")
    with closing(sqlite3.connect(store, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM word").fetchone()
        with closing(sqlite3.connect(store, isolation_level=None)) as writer:
            writer.execute("PRAGMA wal_autocheckpoint = 0")
            writer.execute("DELETE FROM word WHERE rowid < 100")
        assert not database.clean()
        assert database.wrote
    assert database.clean()
    database.close()


def test_the_program_says_that_a_reader_is_in_the_way(store):
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        with closing(sqlite3.connect(store, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM word").fetchone()
            other.execute("DELETE FROM word WHERE rowid < 100")
            assert main(str(store)) == IN_THE_WAY


@pytest.mark.parametrize("content", [None, b"no database" * 1000])
def test_what_is_no_database_is_told(tmp_path, capsys, content):
    path = tmp_path / "store.db"
    if content is not None:
        path.write_bytes(content)
    assert main(str(path)) == FAILED
    assert capsys.readouterr().err


def page_of(kind, *, first_free=0, cells=0, content=PAGE):
    head = struct.pack(">BHHHB", kind, first_free, cells, content, 0)
    return bytearray(head.ljust(PAGE, b"\xaa"))


def test_pages_that_are_no_trees_or_make_no_sense_are_left_alone():
    for page in (
        page_of(0),
        page_of(1),
        page_of(13, content=4),  # content over the header
        page_of(13, content=PAGE + 1),
        page_of(13, first_free=PAGE - 2),  # a free block beyond the page
    ):
        assert scrubbed(bytes(page), 2) is None
    backwards = page_of(13, first_free=200, content=100)
    struct.pack_into(">HH", backwards, 200, 150, 8)
    assert scrubbed(bytes(backwards), 2) is None


def test_the_unused_middle_and_free_blocks_become_zeros():
    page = page_of(13, first_free=300, cells=2, content=200)
    struct.pack_into(">HH", page, 300, 0, 20)
    fresh = scrubbed(bytes(page), 2)
    assert fresh is not None
    assert fresh[:12] == page[:12]
    assert fresh[12:200] == bytes(188)
    assert fresh[200:304] == page[200:304]
    assert fresh[304:320] == bytes(16)
    assert fresh[320:] == page[320:]
    assert scrubbed(fresh, 2) is None


def test_a_log_that_is_not_there_or_just_begun_holds_no_pages(tmp_path):
    assert pages_in_log(tmp_path / "none") == set()
    (tmp_path / "log").write_bytes(b"short")
    assert pages_in_log(tmp_path / "log") == set()
