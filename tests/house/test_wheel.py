"""The wheel in an empty virtual environment, far from the checkout: it serves, without torch."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import image_size

READY_WITHIN_S = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds the wheel."""

    environment: Path
    python: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    environment = folder / "venv"
    python = image_size.install(image_size.build_wheel(folder), environment)
    return Installed(environment, python)


@pytest.fixture
def service(installed: Installed, tmp_path: Path) -> Iterator[str]:
    """The address of `lookalike serve` from the wheel, ready, with the sample people enrolled."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "LOOKALIKE_DATA": str(tmp_path / "data"),
        "LOOKALIKE_PORT": str(port),
        "LOOKALIKE_SAMPLE_PEOPLE": "true",
    }
    log = tmp_path / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [installed.python.with_name("lookalike"), "serve"],
            cwd=tmp_path,  # nothing is found by a path relative to the checkout
            env={"PATH": os.environ["PATH"], **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_ready(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when /health/ready says 200; fail with the log when it does not in time."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"not ready within {READY_WITHIN_S} s:\n{log.read_text()}")


def test_the_service_from_the_wheel_finds_a_sample_person(
    installed: Installed, service: str
) -> None:
    people = folder_of_samples(installed)
    photo = min(people.glob("*/1.jpg"))
    request = urllib.request.Request(
        f"{service}/search?k=3", photo.read_bytes(), {"Content-Type": "image/jpeg"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    best = answer["faces"][0]["matches"][0]
    assert best["person"] == photo.parent.name
    assert best["similarity"] == pytest.approx(1.0, abs=0.01)


def test_the_service_from_the_wheel_shows_its_page(service: str) -> None:
    with urllib.request.urlopen(service, timeout=10) as response:
        assert response.headers.get_content_type() == "text/html"
        assert b"<html" in response.read()


def test_the_wheel_installs_no_torch(installed: Installed) -> None:
    (site_packages,) = installed.environment.glob("lib/python*/site-packages")
    names = {entry.name.lower() for entry in site_packages.iterdir()}
    assert {"faces", "client"} <= names
    assert (site_packages / "client" / "py.typed").exists()
    assert "httpx" not in names
    assert [name for name in names if name.startswith(("torch", "nvidia", "triton"))] == []


def test_the_image_stays_under_its_limit(installed: Installed) -> None:
    size = image_size.measure(installed.environment)
    assert size.total_mb < image_size.LIMIT_MB, size.largest_mb


def folder_of_samples(installed: Installed) -> Path:
    """Where the wheel keeps its sample people, asked of the wheel itself."""
    program = "import samples; print(samples.people_folder())"
    answer = subprocess.run(
        [installed.python, "-c", program],
        cwd=installed.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(answer.stdout.strip())
