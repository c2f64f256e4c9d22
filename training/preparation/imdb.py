"""IMDB-WIKI and IMDB-Faces: `imdb.mat` (or `wiki.mat`) beside folders of photos.

    imdb.mat --loadmat--> columns -> filters (face scores, names) -> entries with age and gender

Rothe, Timofte, Van Gool 2018, "Deep expectation of real and apparent age from a single image
without facial landmarks". What its page says of the columns: `dob` is Matlab's day number of the
birth, `photo_taken` the year, `gender` 0 for women and 1 for men or NaN, `face_location` the face's
corners in the original photo, `face_score` the detector's score, infinite where no face was found
and the location is the whole image; `second_face_score` is NaN where there is no second face.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat  # type: ignore[import-untyped]
from scipy.io.matlab import MatReadError  # type: ignore[import-untyped]

from faces.errors import BadSource
from training.framing import BOX_COLUMNS
from training.preparation.entries import Entry, SplitPolicy
from training.preparation.files import read_file

MAT_FILES = ("imdb.mat", "wiki.mat")
MATLAB_DAYS = 366
"""Matlab counts days from the year 0, Python from the year 1."""

MID_YEAR = 7
"""Month in which a photo is taken to have been made: only its year is known."""

OLDEST = 110
"""Ages above it, and below 0, are wrong dates; they are left empty."""


@dataclass(frozen=True, slots=True)
class FaceScores:
    """Which scores of the set's own detector are good enough.

    Attributes:
        least: of the face; photos without a face have an infinite one and are dropped in any case.
        most_second: of a second face; None drops every photo that has one.
    """

    least: float = 1.0
    most_second: float | None = None


class ImdbSet:
    """Reads the set in one folder."""

    usual_split: SplitPolicy = "sample"

    def __init__(self, root: Path, scores: FaceScores | None = None) -> None:
        """Find the list and the photos.

        Raises:
            BadSource: there is no list.
        """
        mat = find_mat(root)
        if mat is None:
            raise BadSource(f"{root} has none of {', '.join(MAT_FILES)}")
        self._mat = mat
        self._scores = scores or FaceScores()
        cropped = self._mat.parent / f"{self._mat.stem}_crop"
        self._photos = cropped if cropped.is_dir() else self._mat.parent
        # In the originals the face lies where the list says; of the crops only the middle is known.
        self._is_cropped = self._photos.name.endswith("_crop")

    def describe(self) -> dict[str, str | float | None]:
        """Layout, folder and scores."""
        return {
            "layout": "imdb",
            "root": str(self._photos.resolve()),
            "min_face_score": self._scores.least,
            "max_second_face_score": self._scores.most_second,
        }

    def __iter__(self) -> Iterator[Entry]:
        columns = _read_mat(self._mat)
        for row in range(len(columns["full_path"])):
            yield self._entry(columns, row)

    def read(self, name: str, shard: str) -> bytes:
        """The bytes of a photo.

        Raises:
            BadSource: they cannot be read.
        """
        assert not shard
        return read_file(self._photos / name)

    def _entry(self, columns: Mapping[str, Any], row: int) -> Entry:
        name, person = _text(columns["full_path"][row]), _person(columns, row)
        more = {
            "source": self._mat.stem,
            "gender": {0.0: "f", 1.0: "m"}.get(float(columns["gender"][row]), ""),
            "age": age_text(float(columns["dob"][row]), float(columns["photo_taken"][row])),
        }
        if not self._is_cropped:
            corners = np.ravel(columns["face_location"][row])
            more |= {
                column: f"{value:.1f}" for column, value in zip(BOX_COLUMNS, corners, strict=True)
            }
        dropped = "nobody is named" if not person else self._bad_scores(columns, row)
        return Entry(name, person, dropped=dropped, columns=more)

    def _bad_scores(self, columns: Mapping[str, Any], row: int) -> str:
        score, second = float(columns["face_score"][row]), float(columns["second_face_score"][row])
        if not np.isfinite(score):
            return "the set's detector found no face (face_score is infinite)"
        if score < self._scores.least:
            return f"face_score is below {self._scores.least:g}"
        if np.isnan(second):
            return ""
        if self._scores.most_second is None:
            return "there is a second face (second_face_score)"
        if second > self._scores.most_second:
            return f"second_face_score is above {self._scores.most_second:g}"
        return ""


def find_mat(root: Path) -> Path | None:
    """The set's list in a folder, or in the `..._crop` folder that its archive unpacks to."""
    places = [root / name for name in MAT_FILES]
    places += [root / f"{Path(name).stem}_crop" / name for name in MAT_FILES]
    return next((place for place in places if place.is_file()), None)


def age_text(born: float, taken: float) -> str:
    """Age in full years at the photo, taken to be made in the middle of its year; "" if unknown.

    Args:
        born: Matlab's day number.
        taken: year.
    """
    if not (np.isfinite(born) and np.isfinite(taken)) or born <= MATLAB_DAYS:
        return ""
    birth = date.fromordinal(int(born) - MATLAB_DAYS)
    age = int(taken) - birth.year - (birth.month >= MID_YEAR)
    return str(age) if 0 <= age <= OLDEST else ""


def _read_mat(path: Path) -> Mapping[str, Any]:
    """The columns of the list, each an array (N,), and `celeb_names`.

    Raises:
        BadSource: it cannot be read, or a column is missing.
    """
    try:
        struct = loadmat(path, variable_names=[path.stem])[path.stem][0, 0]
    except (OSError, ValueError, KeyError, IndexError, NotImplementedError, MatReadError) as error:
        raise BadSource(f"{path} cannot be read as a list of {path.stem}: {error}") from error
    columns: dict[str, npt.NDArray[Any]] = {
        name: np.ravel(struct[name]) for name in struct.dtype.names or ()
    }
    needed = ("dob", "photo_taken", "full_path", "gender", "name", "face_location",
              "face_score", "second_face_score")  # fmt: skip
    missing = [name for name in needed if name not in columns]
    if missing:
        raise BadSource(f"{path} has no column {', '.join(missing)}")
    return columns


def _person(columns: Mapping[str, Any], row: int) -> str:
    """By `celeb_id`, which counts from 1, where the list has it; else by `name`."""
    names, ids = columns.get("celeb_names"), columns.get("celeb_id")
    if names is not None and ids is not None:
        number = float(ids[row])
        if number == number // 1 and 1 <= number <= len(names):
            return _text(names[int(number) - 1])
    return _text(columns["name"][row])


def _text(cell: npt.ArrayLike) -> str:
    """The text in a cell, which Matlab wraps into arrays; "" for an empty one."""
    unwrapped = np.ravel(cell)
    return str(unwrapped[0]).strip() if len(unwrapped) else ""
