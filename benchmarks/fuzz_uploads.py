"""A fuzzer over everything that takes an upload: no crash, no hang, no memory that grows.

    python -m benchmarks.fuzz_uploads [--inputs 200000]
        [--json benchmarks/results/fuzz_uploads.json]

An input is a hang if it takes more than 2 s of processor time, and a crash if the process dies, or
if the answer is a fault of ours or a status that the API document does not list. The fuzzer,
`fuzz_target`, runs in a process of its own, so that a crash of a decoder is seen, too. It needs the
package `atheris`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Run the fuzzer, and tell what it found."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that were found")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "benchmarks.fuzz_target", name]
        command += [str(options.inputs), str(options.seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in (folder / "told").read_text().splitlines()]
        # inputs of over 10 s by the clock are kept as slow units, too; a busy machine makes some
        found = [path for path in folder.glob("found-*") if "slow-unit" not in path.name]
        for path in found if options.keep else ():
            path.rename(options.keep / path.name)
    middle, last = lines[len(lines) // 2], lines[-1]
    row = {
        "inputs": last["inputs"],
        "crashes_and_hangs": len(found) + (done.returncode != 0 and not found),
        "slowest_cpu_s": last["slowest_s"],
        "resident_mb_half_way": middle["resident_mb"],
        "resident_mb": last["resident_mb"],
        "answers": last["answers"],
    }
    print(json.dumps(row, indent=2))
    if options.json:
        options.json.write_text(json.dumps(row, indent=2) + "\n")
    if row["crashes_and_hangs"]:
        print(done.stderr[-4000:], file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
