"""Photo sources: three layouts, one way to read them."""

import csv
import tarfile
from pathlib import Path

import pytest

from faces.errors import BadSource
from faces.sources import open_source


def write_manifest(folder: Path, photos: dict[str, bytes], people: dict[str, str]) -> None:
    """A manifest with one shard that holds `photos`."""
    staging = folder / "staging"
    with tarfile.open(folder / "a-000.tar", "w") as tar:
        for name, data in photos.items():
            file = staging / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            tar.add(file, name)
            file.unlink()
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "shard", "identity", "split"])
        writer.writerows([name, "a-000.tar", people.get(name, ""), "train"] for name in photos)


def test_a_folder_per_person_gives_photos_in_order_with_their_person(tmp_path):
    for name in ("Bo/2.png", "Bo/1.jpg", "Ann/x.JPG", "Ann/notes.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(name.encode())
    source = open_source(tmp_path)
    assert source.kind == "folders"
    assert [(photo.name, photo.person, photo.read()) for photo in source] == [
        ("Ann/x.JPG", "Ann", b"Ann/x.JPG"),
        ("Bo/1.jpg", "Bo", b"Bo/1.jpg"),
        ("Bo/2.png", "Bo", b"Bo/2.png"),
    ]
    assert len(source) == 3


def test_a_flat_folder_names_nobody(tmp_path):
    (tmp_path / "b.webp").write_bytes(b"b")
    (tmp_path / "a.heic").write_bytes(b"a")
    source = open_source(tmp_path)
    assert source.kind == "flat"
    assert [(photo.name, photo.person) for photo in source] == [("a.heic", None), ("b.webp", None)]


def test_a_manifest_reads_members_of_its_shards_and_keeps_its_columns(tmp_path):
    write_manifest(tmp_path, {"p/1.jpg": b"one", "p/2.jpg": b"two"}, {"p/1.jpg": "Ann"})
    source = open_source(tmp_path)
    assert source.kind == "manifest"
    first, second = source
    assert (first.person, first.read(), first.row["split"]) == ("Ann", b"one", "train")
    assert (second.person, second.read()) == (None, b"two")


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (lambda folder: (folder / "a-000.tar").unlink(), "cannot be read"),
        (lambda folder: (folder / "a-000.tar").write_bytes(b"no tar"), "cannot be read"),
        (lambda folder: _rename_in_manifest(folder, "p/1.jpg", "p/9.jpg"), "has no member"),
        (lambda folder: _rename_in_manifest(folder, "a-000.tar", "../a-000.tar"), "outside"),
        (lambda folder: _rename_in_manifest(folder, "a-000.tar", ""), "line 2 has no"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, break_it, complaint):
    write_manifest(tmp_path, {"p/1.jpg": b"one"}, {})
    break_it(tmp_path)
    with pytest.raises(BadSource, match=complaint):
        [photo.read() for photo in open_source(tmp_path)]


def _rename_in_manifest(folder: Path, old: str, new: str) -> None:
    file = folder / "manifest.csv"
    file.write_text(file.read_text().replace(old, new))


def test_a_photo_that_vanishes_after_listing_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    photo = next(iter(open_source(tmp_path)))
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(BadSource, match=r"a\.jpg cannot be read"):
        photo.read()


def test_a_folder_without_photos_and_a_missing_one_are_refused(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("no photo")
    with pytest.raises(BadSource, match="holds no photos"):
        open_source(tmp_path)
    with pytest.raises(BadSource, match="is not a folder"):
        open_source(tmp_path / "absent")


def test_tars_hold_a_folder_for_each_person(tmp_path):
    import io
    import tarfile

    for number, names in enumerate((["Bo/1.jpg", "Ana/x/2.png", "notes.txt"], ["3.jpg"]), start=1):
        with tarfile.open(tmp_path / f"part-{number}.tar", "w") as tar:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = len(name)
                tar.addfile(member, io.BytesIO(name.encode()))
    source = open_source(tmp_path)
    assert source.kind == "tar"
    found = [(photo.name, photo.person, photo.read().decode()) for photo in source]
    assert found == [
        ("Ana/x/2.png", "Ana", "Ana/x/2.png"),
        ("Bo/1.jpg", "Bo", "Bo/1.jpg"),
        ("3.jpg", None, "3.jpg"),
    ]
    one = open_source(tmp_path / "part-2.tar")
    assert [photo.read() for photo in one] == [b"3.jpg"]
    (tmp_path / "part-2.tar").write_bytes(b"broken")
    with pytest.raises(BadSource, match="cannot be read"):
        list(open_source(tmp_path / "part-2.tar"))
