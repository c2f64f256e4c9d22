"""Readers: which one a folder takes."""

from pathlib import Path
from typing import Literal, TypeAlias, get_args

from faces.sources import MANIFEST_FILE
from training.preparation.celeba import CelebASet, find_celeba
from training.preparation.entries import Reader
from training.preparation.folders import LfwSet, SourceSet, UnlabelledSet, find_lfw
from training.preparation.imdb import FaceScores, ImdbSet, find_mat

Layout: TypeAlias = Literal["auto", "imdb", "folders", "lfw", "celeba", "manifest", "unlabelled"]
LAYOUTS = get_args(Layout)


def open_reader(root: Path, layout: Layout = "auto", scores: FaceScores | None = None) -> Reader:
    """The reader of a data set.

    Args:
        root: its folder.
        layout: what kind it is; "auto" looks.
        scores: which face scores are good enough, for IMDB-WIKI.

    Raises:
        BadSource: the folder holds no set of that layout.
    """
    if layout == "auto":
        layout = find_layout(root)
    if layout == "imdb":
        return ImdbSet(root, scores)
    if layout == "celeba":
        return CelebASet(root)
    if layout == "lfw":
        return LfwSet(root)
    if layout == "unlabelled":
        return UnlabelledSet(root)
    return SourceSet(root)


def find_layout(root: Path) -> Layout:
    """What kind of data set a folder holds, by the files that only one kind has."""
    if (root / MANIFEST_FILE).is_file():
        return "manifest"
    if find_mat(root):
        return "imdb"
    if find_celeba(root):
        return "celeba"
    if find_lfw(root):
        return "lfw"
    return "folders"
