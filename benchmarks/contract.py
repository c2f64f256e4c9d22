"""Does the service keep what its OpenAPI document says? schemathesis asks it, thousands of times.

    python benchmarks/contract.py [--examples 100] [--json benchmarks/results/schemathesis.json]

A service of its own with the sample people and a key, in this process; made-up requests, valid and
not, one after another and in chains. Prints a table; exits with 1 if the service was caught out.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from service.app import create_app
from service.rates import Rates
from service.settings import Settings, read_settings

FOLDER = Path(__file__).resolve().parent
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@contextmanager
def served(settings: Settings) -> Iterator[tuple[str, str]]:
    """A running service and an admin key for it: its URL and the key's secret."""
    app = create_app(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.05)
        resources = app.state.resources
        resources.readiness.prepared.wait(300)
        # ten wrong keys a minute would be the end of asking with wrong keys
        resources.access._wrong_keys = Rates("100000/second")  # noqa: SLF001
        _, secret = resources.gallery.keys.create("admin", name="contract")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", secret
    finally:
        server.should_exit = True
        thread.join()


def ask(url: str, key: str, *, examples: int, phases: tuple[str, ...] = PHASES) -> dict[str, Any]:
    """Let schemathesis ask the service; gives its report, with what it printed as `output`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        ran = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "--config-file"),
                *(str(FOLDER / "contract.toml"), "run", f"{url}/openapi.json"),
                *("--header", f"Authorization: Bearer {key}", "--phases", ",".join(phases)),
                *("--max-examples", str(examples), "--seed", "1", "--no-shrink", "--no-color"),
                *("--report", "json", "--report-json-path", str(report)),
            ],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(FOLDER.parent), str(FOLDER)]),
                "SCHEMATHESIS_HOOKS": "contract_hooks",
            },
            capture_output=True,
            check=False,
        )
        output = (ran.stdout + ran.stderr).decode("utf-8", "replace")
        if not report.exists():
            raise RuntimeError(f"schemathesis did not run:\n{output[-2000:]}")
        found: dict[str, Any] = json.loads(report.read_text())
    return {**found, "output": output}


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a report."""
    return {
        "schemathesis": report["schemathesis_version"],
        "seed": report["seed"],
        "seconds": round(report["running_time"], 1),
        "operations": report["operations"]["tested"],
        "phases": {name: phase["status"] for name, phase in report["phases"].items()},
        "requests": report["test_cases"]["generated"],
        "failures": [
            {"what": failure["title"], "operations": failure["operations"]}
            for failure in report["failures"]
        ],
        "errors": len(report["errors"]),
    }


def main() -> int:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="made-up requests an operation")
    parser.add_argument("--json", type=Path, help="write the result there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        settings = read_settings(data=Path(data), sample_people=True)
        with served(settings) as (url, key):
            report = ask(url, key, examples=arguments.examples)
    found = summary(report)
    for name, value in found.items():
        print(f"{name:<14} {value}")
    if found["failures"] or found["errors"]:
        print(report["output"])
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if found["failures"] or found["errors"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
