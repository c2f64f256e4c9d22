"""Downloads go to the library of each set; what it says is told."""

from pathlib import Path

import pytest

from training.errors import DownloadFailed
from training.preparation.downloads import FETCHERS, download


def test_each_set_is_fetched_into_its_folder(tmp_path):
    def fetch(folder: Path) -> None:
        (folder / "there.txt").write_text("fetched")

    download("lfw", tmp_path / "a" / "b", {"lfw": fetch})
    assert (tmp_path / "a" / "b" / "there.txt").is_file()
    assert set(FETCHERS) == {"lfw", "celeba", "mnist", "cifar10"}


@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError])
def test_a_failed_download_says_why(tmp_path, error):
    def fail(_folder: Path) -> None:
        raise error("no way through")

    with pytest.raises(DownloadFailed, match="celeba could not be downloaded: no way through"):
        download("celeba", tmp_path, {"celeba": fail})
