"""The catalogue: columns of a source, read as the csv module would read them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faces.errors import BadSource
from faces.sources import open_source
from training import csv_columns
from training.catalogue import make_texts, read_catalogue
from training.csv_columns import read_columns
from training.framing import LANDMARK_COLUMNS

PLAIN = st.text("abcé0.-_/ ", max_size=8)
ODD = st.text('abc",\n\r;é', max_size=8)


def write(path: Path, header: list[str], rows: list[list[str]], end: str = "\r\n") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator=end)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def columns_of(path: Path, wanted: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in wanted}
    for block in read_columns(path, wanted):
        for name, cells in block.items():
            found[name] += [cell.decode() for cell in cells.tolist()]
    return found


@pytest.mark.parametrize("block_bytes", [16, 2**20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("cells", [PLAIN, PLAIN | ODD], ids=["plain", "quoted"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_columns_are_those_of_the_csv_module(data, cells, end, block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_columns, "BLOCK_BYTES", block_bytes)
    header = ["path", "a", "b"]
    rows = data.draw(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=9))
    if end == "\n":  # the writer would leave a lone return without quotes
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    path = write(tmp_path / "m.csv", header, [["x", *row[1:]] for row in rows], end)
    with path.open(newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    assert columns_of(path, ["b", "path"]) == {
        name: [row[name] for row in expected] for name in ("b", "path")
    }


def test_a_last_line_without_an_end_counts(tmp_path):
    (tmp_path / "m.csv").write_text("path,shard\na,b\nc,d")
    assert columns_of(tmp_path / "m.csv", ["path", "shard"]) == {
        "path": ["a", "c"],
        "shard": ["b", "d"],
    }


def test_a_row_with_another_number_of_cells_is_named(tmp_path):
    (tmp_path / "m.csv").write_text("path,shard\na,b\nodd\nc,d\n")
    with pytest.raises(BadSource, match="the row of 'odd' has 1 cells; the header has 2"):
        columns_of(tmp_path / "m.csv", ["path"])


def test_a_cell_beyond_reason_is_refused(tmp_path):
    write(tmp_path / "m.csv", ["path", "note"], [["a", "x" * 2000]])
    assert columns_of(tmp_path / "m.csv", ["path"]) == {"path": ["a"]}
    with pytest.raises(BadSource, match="2000 bytes"):
        columns_of(tmp_path / "m.csv", ["note"])


def manifest(folder: Path, header: list[str], rows: list[list[str]]) -> Path:
    write(folder / "manifest.csv", header, rows)
    return folder


def test_a_manifest_becomes_columns(tmp_path):
    header = ["path", "shard", "identity", "split", *LANDMARK_COLUMNS]
    marks = [str(value) for value in range(10)]
    rows = [
        ["ä.png", "s-0.tar", "ann", "train", *marks],
        ["b.png", "s-1.tar", "bo", "val", *[""] * 10],
        ["c.png", "s-0.tar", "ann", "train", "?", *marks[1:]],
    ]
    catalogue = read_catalogue(open_source(manifest(tmp_path, header, rows)))
    assert len(catalogue) == 3
    assert list(catalogue.names) == ["ä.png", "b.png", "c.png"]
    assert catalogue.people.texts == ("ann", "bo")
    assert catalogue.people.codes.tolist() == [0, 1, 0]
    assert catalogue.splits.equal("val").tolist() == [False, True, False]
    assert not catalogue.splits.equal("test").any()
    assert catalogue.hints(0).landmarks.ravel().tolist() == list(range(10))
    assert catalogue.hints(1).landmarks is None
    assert catalogue.hints(2).landmarks is None


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (["path", "identity"], [["a", "b"]], "has no column `shard`"),
        (["path", "shard"], [["", "b"]], "a row has no `path`"),
        ([], [], "has no column `path`"),
    ],
)
def test_a_manifest_without_what_it_needs_is_refused(tmp_path, header, rows, message):
    with pytest.raises(BadSource, match=message):
        read_catalogue(open_source(manifest(tmp_path, header, rows)))


def test_folders_become_columns(tmp_path):
    for name in ("ann/1.jpg", "ann/2.jpg", "bo/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    catalogue = read_catalogue(open_source(tmp_path))
    assert list(catalogue.names) == ["ann/1.jpg", "ann/2.jpg", "bo/1.jpg"]
    assert [catalogue.people.texts[code] for code in catalogue.people.codes] == ["ann", "ann", "bo"]
    assert catalogue.read(2) == b"bo/1.jpg"
    assert np.isnan(catalogue.boxes).all()


@given(st.lists(st.text(max_size=5)))
def test_packed_texts_are_the_texts(texts):
    texts = [text.replace("\0", "") for text in texts]  # arrays of bytes end at a zero byte
    assert list(make_texts(texts)) == texts
