"""What the audit of searches costs: noted in memory and written together, or each one synced.

python benchmarks/audit.py [--out benchmarks/results/audit.json]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from index.ground import open_store
from index.lookups import AuditLog, Lookup
from service.audit import Audit

SEARCHES = 1000
SYNCED = 100
"""Searches that are each written by themselves; they take long."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        database = open_store(Path(folder), None)
        log = AuditLog(database)
        audit = Audit(log, keep_days=0)
        noted = milliseconds(lambda: audit.note("key:x", "search", faces=1), SEARCHES)
        [together] = milliseconds(audit.flush, 1)
        lookup = Lookup(datetime.now(UTC), "key:x", "search", 1)
        synced = milliseconds(lambda: log.append([lookup]), SYNCED)
        database.close()
    found = {
        "note_median_ms": statistics.median(noted),
        "flush_of_1000_ms": together,
        "synced_each_median_ms": statistics.median(synced),
        "synced_each_p99_ms": sorted(synced)[int(0.99 * len(synced))],
    }
    for name, value in found.items():
        print(f"{name:<24}{value:>10.4f}")
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n")


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """How long each of so many calls took."""
    taken = []
    for _ in range(times):
        began_s = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began_s) * 1000)
    return taken


if __name__ == "__main__":
    main()
