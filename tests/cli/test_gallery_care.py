"""`lookalike gallery ...` and `lookalike people ...`, as a user types them."""

import sqlite3
from contextlib import closing

import pytest

from tests.cli.test_gallery_verbs import failure, lookalike, people

__all__ = ["lookalike", "people"]  # fixtures


@pytest.fixture
def filled(lookalike, people, tmp_path, face_jpeg, person_jpegs):
    """A gallery in ./data with Ana (one face) and Bo (two faces)."""
    for number, content in enumerate(person_jpegs, start=1):
        (people / "Bo").mkdir(exist_ok=True)
        (people / "Bo" / f"{number}.jpg").write_bytes(content)
    assert lookalike("index", "build", people).exit_code == 0
    return tmp_path / "data" / "gallery.sqlite"


@pytest.fixture(scope="session")
def person_jpegs(make_face):
    from tests.conftest import jpeg

    return [jpeg(make_face(seed, size_px=240)) for seed in (11, 12)]


def change(store, statement):
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute(statement)


def ids(store):
    with closing(sqlite3.connect(store)) as connection:
        return [face_id for (face_id,) in connection.execute("SELECT id FROM face ORDER BY key")]


def listed(lookalike, *words):
    told = lookalike("people", "list", *words)
    assert told.exit_code == 0, told.output
    rows = [line.split(maxsplit=2) for line in told.stdout.splitlines()]
    return [(name, int(count)) for count, _, name in rows]


def test_people_are_listed_renamed_merged_split_and_erased(lookalike, filled):
    assert listed(lookalike) == [("Ana [b]", 1), ("Bo", 2)]
    assert listed(lookalike, "bo") == [("Bo", 2)]
    assert lookalike("people", "rename", "Bo", "Bo Wren").stdout == "Bo is Bo Wren now\n"
    assert "somebody already" in failure(lookalike("people", "rename", "Bo Wren", "Ana [b]"))
    assert "Ana [b] has 3 faces" in lookalike("people", "merge", "Bo Wren", "Ana [b]").stdout
    told = lookalike("people", "move", "Cy", *ids(filled)[1:])
    assert told.stdout.count("is a face of Cy now") == 2
    assert listed(lookalike) == [("Ana [b]", 1), ("Cy", 2)]
    assert "erased Cy with 2 faces" in lookalike("people", "erase", "Cy").stdout
    assert "no person has the name 'Cy'" in failure(lookalike("people", "erase", "Cy"))


def test_a_backup_is_restored(lookalike, filled, tmp_path):
    assert "has the gallery as it was" in lookalike("gallery", "backup", "monday").stdout
    assert "is there already" in failure(lookalike("gallery", "backup", "monday"))
    lookalike("people", "erase", "Bo")
    assert "say --replace" in failure(lookalike("gallery", "restore", "monday"))
    told = lookalike("gallery", "restore", "monday", "--replace")
    assert "has 1 faces now\nerased 2 again" in told.stdout
    assert lookalike("gallery", "backup").exit_code == 0
    assert len(list(tmp_path.glob("gallery-2*.sqlite"))) == 1
    assert "no backup of a gallery" in failure(lookalike("gallery", "restore", "nothing"))


def test_a_check_tells_what_is_wrong_and_mends_it(lookalike, filled):
    told = lookalike("gallery", "check")
    assert (told.exit_code, told.stdout) == (0, "checked 2 people and 3 faces\nall is well\n")
    change(filled, "UPDATE embedding SET vector = zeroblob(256) WHERE face_key = 1")
    wrong = lookalike("gallery", "check")
    assert wrong.exit_code == 1
    assert f"WRONG     embedding-damaged: {ids(filled)[0]}" in wrong.stdout
    mended = lookalike("gallery", "check", "--repair")
    assert "repaired  embedding-damaged" in mended.stdout
    assert lookalike("gallery", "check").exit_code == 0


def test_faces_whose_time_has_come_are_erased(lookalike, filled):
    change(filled, "UPDATE face SET expires_at = '2020-01-01 00:00:00.000000' WHERE key = 1")
    assert "erased 1 faces" in lookalike("gallery", "expire").stdout
    assert "erased 0 faces" in lookalike("gallery", "expire").stdout


def test_unnamed_faces_are_grouped(lookalike, people, person_jpegs):
    for number, content in enumerate([person_jpegs[0], person_jpegs[0] + b"\0", person_jpegs[1]]):
        (people / f"{number}.jpg").write_bytes(content)
    flat = people.parent / "flat"
    flat.mkdir()
    for path in people.glob("*.jpg"):
        path.rename(flat / path.name)
    assert "enrolled   3" in lookalike("index", "build", flat, "--unnamed").stdout
    assert "skipped    3" in lookalike("index", "build", flat, "--unnamed").stdout
    told = lookalike("gallery", "cluster")
    assert told.exit_code == 2
    assert "say --min-similarity" in told.stderr
    told = lookalike("gallery", "cluster", "--min-similarity", "0.999")
    assert "found 1 groups" in told.stdout
    assert "2 faces  Unnamed 0" in told.stdout
    assert (
        "made one person of each of 1"
        in lookalike("gallery", "cluster", "--min-similarity", "0.999", "--apply").stdout
    )
    assert sorted(count for _, count in listed(lookalike)) == [1, 2]


def test_a_gallery_that_is_not_there_is_not_made(lookalike, tmp_path):
    assert "no gallery has the folder 'data'" in failure(lookalike("gallery", "check"))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "verb",
    [
        *(("gallery", verb) for verb in ("expire", "backup", "restore", "check", "cluster")),
        *(("people", verb) for verb in ("list", "rename", "merge", "move", "erase")),
    ],
)
def test_help_shows_an_example(lookalike, verb):
    assert f"Example: lookalike {verb[0]} {verb[1]}" in lookalike(*verb, "--help").stdout
