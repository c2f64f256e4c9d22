"""The service as a process: started as a user starts it, spoken to over a socket."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENT = {"LOOKALIKE_QUEUE_WAIT_MS": "60000"}
"""A busy machine must not refuse what a test sends; tests of overload say otherwise."""


class Served:
    """A `lookalike serve` process, its output and its URL."""

    def __init__(self, *options, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "serve", "--port", "0", *map(str, options)],
            cwd=REPOSITORY,
            env={**os.environ, **PATIENT, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors = []
        self._reader = threading.Thread(target=self._read_errors)
        self._reader.start()
        self.banner = ""
        while not (found := re.search(r"http://\S+", self.banner)):
            line = self.process.stdout.readline()
            assert line, "".join(self.errors)
            self.banner += line
        self.url = found.group()
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def stop(self, signum=signal.SIGTERM):
        """Send a signal and give the exit status; a process that has ended already is let be."""
        if self.process.stdout.closed:
            return self.process.returncode
        self.process.send_signal(signum)
        self.process.wait(timeout=60)
        self.banner += self.process.stdout.read()
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        self.client.close()
        return self.process.returncode

    def _read_errors(self):
        self.errors.extend(self.process.stderr)


def run_serve(*options, **environment):
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "serve", *map(str, options)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_map(data):
    """Draw the map of a gallery, as a user does."""
    command = [sys.executable, "-m", "cli.main", "gallery", "map", "--data", str(data)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
