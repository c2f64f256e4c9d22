"""What is in the repository: nothing of one machine, nobody's face, no pickle."""

import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# Written in halves, so that this file does not find itself.
HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "deb." + "debian.org",
    "registry." + "npmjs.org",
    "download.pytorch" + ".org",
]
PLACES = ["/" + "work/", "/" + "root/", "/" + "opt/wheels", "/" + "opt/pypi", "/" + "home/"]
PIP_SOURCES = ["--" + "index-url", "--" + "extra-index-url", "--" + "find-links"]
ARCHIVES = {".tar", ".tgz", ".gz", ".zip", ".7z", ".rar"}
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".npy", ".npz"}
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".gif", ".bmp"}
PICTURE_FOLDERS = ("samples/people/", "docs/", "service/page/", "tests/")


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [name for name in listing.stdout.split("\0") if (REPOSITORY / name).is_file()]


@pytest.mark.parametrize("word", HOSTS + PLACES + PIP_SOURCES)
def test_no_file_names_a_machine_or_a_registry(tracked: list[str], word: str) -> None:
    own_options = {"Makefile"}  # it tells pip-compile to write none of them
    naming = [
        name
        for name in tracked
        if word.encode() in (REPOSITORY / name).read_bytes()
        and not (word in PIP_SOURCES and name in own_options)
    ]
    assert naming == []


def test_no_archive_and_no_pickle_is_tracked(tracked: list[str]) -> None:
    assert [name for name in tracked if Path(name).suffix in ARCHIVES | PICKLES] == []


def test_pictures_are_tracked_only_where_made_up_ones_live(tracked: list[str]) -> None:
    pictures = [name for name in tracked if Path(name).suffix.lower() in PICTURES]
    assert [name for name in pictures if not name.startswith(PICTURE_FOLDERS)] == []


def test_every_tracked_file_is_small_enough_for_a_quick_clone(tracked: list[str]) -> None:
    limit = 30 * 2**20
    assert [name for name in tracked if (REPOSITORY / name).stat().st_size > limit] == []
