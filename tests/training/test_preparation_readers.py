"""Readers: each known data set, made small, in the layout in which it lies on disk."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from faces.errors import BadSource
from tests.training.data_sets import photo, write_people
from training.framing import BOX_COLUMNS, LANDMARK_COLUMNS
from training.preparation.entries import Entry
from training.preparation.imdb import FaceScores, age_text
from training.preparation.readers import find_layout, open_reader

INF, NAN = float("inf"), float("nan")


def cells(values: list[str]) -> np.ndarray:
    made = np.empty(len(values), object)
    made[:] = values
    return made


def write_imdb(root: Path, name: str = "imdb", **changes: object) -> Path:
    """Six photos: good, no face, low score, second face, weak second face, nobody named."""
    folder = root / f"{name}_crop"
    paths = [f"0{row}/nm{row}.jpg" for row in range(6)]
    for row, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(photo(row))
    columns = {
        "dob": [723671.0, 723671.0, 723671.0, 1.0, 730486.0, NAN],  # 1981-05-05, -, 1999-12-31
        "photo_taken": [2010.0, 2010.0, 2010.0, 2010.0, 1990.0, 2010.0],
        "full_path": cells(paths),
        "gender": [1.0, 0.0, NAN, 1.0, 1.0, 1.0],
        "name": cells(["Ann A", "Ann A", "Bo B", "Bo B", "Bo B", ""]),
        "face_location": cells([np.array([[1.0, 2.0, 30.5, 40.0]])] * 6),
        "face_score": [4.5, -INF, 0.2, 3.0, 3.0, 3.0],
        "second_face_score": [NAN, NAN, NAN, 2.5, 1.0, NAN],
        "celeb_names": cells(["Bo B", "Ann A. Again"]),
        "celeb_id": [2.0, 2.0, 1.0, 1.0, 1.0, NAN],
        **changes,
    }
    kept = {column: values for column, values in columns.items() if values is not None}
    savemat(folder / f"{name}.mat", {name: kept})
    return root


def by_name(entries) -> dict[str, Entry]:
    return {entry.name: entry for entry in entries}


def test_imdb_keeps_what_its_scores_allow_and_says_why_not(tmp_path):
    reader = open_reader(write_imdb(tmp_path))
    entries = by_name(reader)
    assert [entry.dropped for entry in entries.values()] == [
        "",
        "the set's detector found no face (face_score is infinite)",
        "face_score is below 1",
        "there is a second face (second_face_score)",
        "there is a second face (second_face_score)",
        "nobody is named",
    ]
    first = entries["00/nm0.jpg"]
    assert first.person == "Ann A. Again"  # by celeb_id, which counts from 1
    assert first.columns == {"source": "imdb", "gender": "m", "age": "29"}
    assert entries["01/nm1.jpg"].columns["gender"] == "f"
    assert entries["02/nm2.jpg"].columns["gender"] == ""
    assert entries["04/nm4.jpg"].columns["age"] == ""  # photographed before birth
    assert reader.read("02/nm2.jpg", "") == photo(2)
    assert reader.usual_split == "sample"


def test_imdb_lets_a_weak_second_face_pass_where_asked_to(tmp_path):
    entries = by_name(open_reader(write_imdb(tmp_path), scores=FaceScores(0.0, 2.0)))
    assert entries["02/nm2.jpg"].dropped == ""
    assert entries["03/nm3.jpg"].dropped == "second_face_score is above 2"
    assert entries["04/nm4.jpg"].dropped == ""


def test_wiki_has_names_but_no_numbers_of_people(tmp_path):
    entries = by_name(open_reader(write_imdb(tmp_path, "wiki", celeb_names=None, celeb_id=None)))
    assert entries["00/nm0.jpg"].person == "Ann A"
    assert entries["00/nm0.jpg"].columns["source"] == "wiki"


def test_the_original_photos_come_with_the_place_of_the_face(tmp_path):
    (write_imdb(tmp_path / "made") / "imdb_crop").rename(tmp_path / "imdb")
    entry = next(iter(open_reader(tmp_path / "imdb")))
    assert [entry.columns[column] for column in BOX_COLUMNS] == ["1.0", "2.0", "30.5", "40.0"]


def test_a_list_without_a_column_or_of_another_kind_is_refused(tmp_path):
    reader = open_reader(write_imdb(tmp_path, face_score=None))
    with pytest.raises(BadSource, match="no column face_score"):
        list(reader)
    (tmp_path / "imdb_crop" / "imdb.mat").write_bytes(b"no matrix")
    with pytest.raises(BadSource, match="cannot be read as a list of imdb"):
        list(open_reader(tmp_path))
    with pytest.raises(BadSource, match=r"has none of imdb\.mat"):
        open_reader(tmp_path / "imdb_crop" / "00", "imdb")


@pytest.mark.parametrize(
    ("born", "taken", "age"),
    [
        (723671, 2010, "29"),  # 5 May 1981: the birthday is over by the middle of the year
        (723763, 2010, "28"),  # 5 August 1981: it is not
        (723671, 1981, "0"),
        (723671, 1980, ""),
        (723671, 2200, ""),
        (0, 2010, ""),
        (NAN, 2010, ""),
        (723671, NAN, ""),
    ],
)
def test_age_is_that_of_the_middle_of_the_year_of_the_photo(born, taken, age):
    assert age_text(born, taken) == age


def write_celeba(root: Path, photos: str = "img_align_celeba") -> Path:
    """As torchvision leaves it: four photos of two people."""
    folder = root / "celeba"
    (folder / photos).mkdir(parents=True)
    for row in range(1, 5):
        (folder / photos / f"{row:06d}.jpg").write_bytes(photo(row))
    names = [f"{row:06d}.jpg" for row in range(1, 5)]
    (folder / "identity_CelebA.txt").write_text(
        "".join(f"{name} {person}\n" for name, person in zip(names, (17, 17, 3, 3), strict=True))
    )
    (folder / "list_eval_partition.txt").write_text(
        "".join(f"{name} {part}\n" for name, part in zip(names, (0, 0, 1, 2), strict=True))
    )
    (folder / "list_attr_celeba.txt").write_text(
        "4\nBald Male Young\n" + "".join(f"{name}  -1  1 -1\n" for name in names[:3])
        + f"{names[3]} 1 -1 1\n"
    )  # fmt: skip
    (folder / "list_landmarks_align_celeba.txt").write_text(
        "4\nlefteye_x lefteye_y ...\n"
        + "".join(f"{name}  69 109 106 113 77 142 73 152 108 154\n" for name in names)
    )
    return root


def test_celeba_has_people_splits_gender_and_landmarks(tmp_path):
    reader = open_reader(write_celeba(tmp_path))
    entries = list(reader)
    assert [entry.person for entry in entries] == ["celeba_00017"] * 2 + ["celeba_00003"] * 2
    assert [entry.split for entry in entries] == ["train", "train", "val", "test"]
    assert [entry.columns["gender"] for entry in entries] == ["m", "m", "m", "f"]
    assert entries[0].columns["le_x"] == "69"
    assert entries[0].columns["mr_y"] == "154"
    assert reader.read("000003.jpg", "") == photo(3)
    assert reader.usual_split == "given"


def test_celeba_in_the_wild_has_no_landmarks_of_the_aligned_photos(tmp_path):
    entries = list(open_reader(write_celeba(tmp_path, "img_celeba") / "celeba"))
    assert not set(LANDMARK_COLUMNS) & set(entries[0].columns)


def test_celeba_without_its_list_of_people_is_refused(tmp_path):
    write_celeba(tmp_path)
    (tmp_path / "celeba" / "identity_CelebA.txt").unlink()
    with pytest.raises(BadSource, match=r"identity_CelebA\.txt"):
        open_reader(tmp_path, "celeba")


def test_a_short_line_of_celeba_is_named(tmp_path):
    write_celeba(tmp_path)
    (tmp_path / "celeba" / "identity_CelebA.txt").write_text("000001.jpg 3\n000002.jpg\n")
    with pytest.raises(BadSource, match="line 2"):
        list(open_reader(tmp_path))


@pytest.mark.parametrize("home", ["lfw_home/lfw_funneled", "lfw-py/lfw-deepfunneled", "lfw"])
def test_lfw_lies_where_the_libraries_put_it(tmp_path, home):
    write_people(tmp_path / home, {"Ann_A": 1, "Bo_B": 2})
    reader = open_reader(tmp_path)
    assert [entry.person for entry in reader] == ["Ann A", "Bo B", "Bo B"]
    assert reader.usual_split == "people"
    assert reader.read("Bo_B/1.png", "") == photo(2)


def test_lfw_is_split_by_its_development_lists_where_they_are(tmp_path):
    write_people(tmp_path / "lfw-py" / "lfw_funneled", {"Ann_A": 1, "Bo_B": 1, "Cy_C": 1})
    (tmp_path / "lfw-py" / "peopleDevTrain.txt").write_text("1\nAnn_A\t1\n")
    (tmp_path / "lfw-py" / "peopleDevTest.txt").write_text("1\nBo_B\t1\n")
    reader = open_reader(tmp_path)
    assert reader.usual_split == "given"
    assert [entry.split for entry in reader] == ["train", "test", ""]
    assert [bool(entry.dropped) for entry in reader] == [False, False, True]


def test_a_manifest_hands_on_what_it_knows(tmp_path):
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "shard", "identity", "split", "gender", "width", "note"])
        writer.writerow(["1.png", "a.tar", "ann", "val", "f", "80", "x"])
        writer.writerow(["2.png", "a.tar", "", "dev", "", "", ""])
    reader = open_reader(tmp_path)
    first, second = reader
    assert first == Entry(
        "1.png", "ann", "a.tar", "val",
        columns={"gender": "f", "width": "80", "source": tmp_path.name},
    )  # fmt: skip
    assert "split 'dev' is none of" in second.dropped
    assert reader.usual_split == "given"


def test_unlabelled_photos_are_found_however_deep_and_folders_name_nobody(tmp_path):
    write_people(tmp_path / "a" / "b", {"c": 2})
    (tmp_path / "a" / "notes.txt").write_text("no photo")
    reader = open_reader(tmp_path, "unlabelled")
    assert [(entry.name, entry.person) for entry in reader] == [
        ("a/b/c/0.png", ""),
        ("a/b/c/1.png", ""),
    ]
    assert reader.read("a/b/c/1.png", "") == photo(1)


def test_layouts_are_told_apart_by_the_files_that_only_one_has(tmp_path):
    assert find_layout(write_imdb(tmp_path / "a")) == "imdb"
    assert find_layout(write_celeba(tmp_path / "b")) == "celeba"
    write_people(tmp_path / "c" / "lfw_home" / "lfw", {"ann": 1})
    assert find_layout(tmp_path / "c") == "lfw"
    assert find_layout(write_people(tmp_path / "d", {"ann": 1})) == "folders"
    (tmp_path / "d" / "manifest.csv").write_text("path,shard\n")
    assert find_layout(tmp_path / "d") == "manifest"


@pytest.mark.parametrize("layout", ["lfw", "celeba", "imdb", "folders", "unlabelled"])
def test_a_folder_that_is_not_there_is_refused(tmp_path, layout):
    with pytest.raises(BadSource, match="nowhere"):
        open_reader(tmp_path / "nowhere", layout)
