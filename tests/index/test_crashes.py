"""What was acknowledged survives SIGKILL, a full disk and failing syncs."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")
"""What SIGKILL leaves of a file does not depend on the disk, and here syncing takes no time."""

Crash = Callable[[str, int], dict[str, int]]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as name:
        yield Path(name)


@pytest.fixture
def crash(folder: Path, faulty_disk: Path) -> Crash:
    """Kills as many children of a theme, asserts that nothing was lost, and gives the counts."""

    def kill(theme: str, rounds: int) -> dict[str, int]:
        faults = folder / "faults"
        faults.write_text("-")
        old = HERE.parent / "data" / "galleries" / "v0001.db"
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        preloaded = {"LD_PRELOAD": str(faulty_disk), "FAULTS": str(faults)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.index.crashing"]
            + [str(word) for word in (folder / "data", old, faults, theme, rounds, 1)],
            cwd=HERE.parents[1],
            env={**os.environ, **one_thread, **preloaded},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        told = json.loads(done.stdout)
        assert told["losses"] == [], done.stderr[-3000:]
        counts: dict[str, int] = told["counts"]
        assert counts["kills"] >= rounds
        return counts

    return kill


# 256 kills in all, and one more at the end of each test


def test_a_gallery_killed_at_random_moments_loses_nothing(crash: Crash) -> None:
    counts = crash("changes", 60)
    assert counts["done"] > 300


def test_a_gallery_killed_while_the_disk_is_full_or_fails_loses_nothing(crash: Crash) -> None:
    counts = crash("disk", 52)
    assert counts["done"] > 200
    assert min(counts["fault f"], counts["fault s"], counts["full"], counts["unsure"]) > 0


def test_a_gallery_killed_while_its_indexes_are_swapped_loses_nothing(crash: Crash) -> None:
    counts = crash("swaps", 40)
    assert counts["kills in a merge"] > 10
    assert counts["merged"] > 5


def test_a_gallery_whose_disk_fails_while_indexes_are_swapped_loses_nothing(crash: Crash) -> None:
    counts = crash("swaps-disk", 28)
    assert counts["merging"] > 10
    assert counts["fault f"] + counts["fault s"] > 0


def test_a_gallery_killed_while_it_moves_to_another_encoder_loses_nothing(crash: Crash) -> None:
    counts = crash("moves", 28)
    assert counts["kills in a move"] > 5
    assert counts["taken up"] > 0


def test_a_gallery_whose_disk_fails_while_it_moves_loses_nothing(crash: Crash) -> None:
    counts = crash("moves-disk", 16)
    assert counts["kills in a move"] > 0


def test_a_gallery_killed_while_it_is_migrated_loses_nothing(crash: Crash) -> None:
    counts = crash("migrations", 32)
    assert counts["migrations cut off"] > 0
