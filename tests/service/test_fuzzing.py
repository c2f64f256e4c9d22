"""A short run of the fuzzer over all that takes an upload; benchmarks/results has a long one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_no_upload_breaks_the_service_or_keeps_it_busy(tmp_path):
    found = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz_uploads", "--inputs", "2000", "--json", found],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(found.read_text())
    assert row["inputs"] == 2000
    assert row["crashes_and_hangs"] == 0
    assert row["answers"]["/detect 200"] > 10  # whole pictures are among them
