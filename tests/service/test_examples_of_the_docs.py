"""What docs/api.md and docs/client.md tell one to paste is pasted, against a real service.

Each command, Python program and JavaScript program is run as it stands there, but for the service's
address and for the example ids, which become those of a face and a person that are there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from service.parameters import EXAMPLE_FACE_ID, EXAMPLE_PERSON_ID

REPOSITORY = Path(__file__).resolve().parents[2]
ADDRESS = "http://127.0.0.1:8000"
PHOTOS = {"photo.jpg": 1, "one.jpg": 1, "other.jpg": 2, "ada-1.jpg": 3, "ada-2.jpg": 4}
"""Files that the pages speak of, and the sample people on them."""

BASH = ["bash", "-euc"]
CURL = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n'
"""curl itself is content with a problem for an answer."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Example(NamedTuple):
    """One thing to paste: its page, its language, its text."""

    page: str
    language: str
    text: str


def examples_of(page):
    """The programs of a page, and each command of its shell blocks by itself, in their order."""
    page_text = (REPOSITORY / page).read_text()
    for language, text in re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", page_text):
        if language == "bash":
            whole_lines = text.replace("\\\n", " ")
            yield from (Example(page, "bash", line) for line in whole_lines.splitlines() if line)
        elif language in {"python", "javascript"}:
            yield Example(page, language, text)


EXAMPLES = [*examples_of("docs/api.md"), *examples_of("docs/client.md")]


@pytest.fixture
def service(serve, person_jpeg, tmp_path):
    """A service with some people, and a folder of the photos that the pages speak of."""
    for name, seed in PHOTOS.items():
        (tmp_path / name).write_bytes(person_jpeg(seed))
    served = serve()
    for name, seed in (("Bo Wren", 5), ("Cy Finch", 6), ("Di Crane", 7), ("Eva Stork", 8)):
        photo = {"images": person_jpeg(seed)}
        assert served.client.post("/gallery", data={"person": name}, files=photo).is_success
    return served


def run(example, service, folder, **environment):
    """Paste one example; gives what it printed."""
    text = example.text.replace(ADDRESS, service.url)
    if EXAMPLE_FACE_ID in text or EXAMPLE_PERSON_ID in text:
        face = service.client.get("/gallery").json()["items"][0]
        text = text.replace(EXAMPLE_FACE_ID, face["face_id"])
        text = text.replace(EXAMPLE_PERSON_ID, face["person_id"])
    command = {
        "bash": [*BASH, CURL + text],
        "python": [sys.executable, "-W", "error", "-c", text],
        "javascript": ["node", "--input-type=module", "--eval", text],
    }[example.language]
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    said = f"{example.page}:\n{text}\n{ran.stdout}\n{ran.stderr}"
    assert ran.returncode == 0, said
    assert "/problems/" not in ran.stdout, said
    return ran.stdout


def in_language(language):
    return [example for example in EXAMPLES if example.language == language]


def test_the_pages_have_examples_in_each_language():
    assert len(in_language("bash")) > 10
    assert in_language("python")
    assert in_language("javascript")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_every_command_can_be_pasted(service, tmp_path):
    commands = in_language("bash")
    for example in commands:
        if "$KEY" not in example.text:
            run(example, service, tmp_path)
    assert (tmp_path / "face.jpg").read_bytes().startswith(b"\xff\xd8")
    key = make_key(tmp_path / "data")
    for example in commands:
        if "$KEY" in example.text:
            run(example, service, tmp_path, KEY=key)


def test_every_python_program_can_be_pasted(service, tmp_path):
    for example in in_language("python"):
        assert "Ada Lark" in run(example, service, tmp_path)


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
def test_every_javascript_program_can_be_pasted(service, tmp_path):
    for example in in_language("javascript"):
        assert "Ada Lark" in run(example, service, tmp_path)


def test_an_example_that_fails_would_be_noticed(service, tmp_path):
    curl = Example("none", "bash", f"curl {ADDRESS}/gallery/none")
    if shutil.which("curl"):
        with pytest.raises(AssertionError, match="not-found"):
            run(curl, service, tmp_path)
    assert httpx.get(f"{service.url}/gallery/none").status_code == 404


def make_key(data):
    """A key as an operator makes it; from then on the service asks everybody for one."""
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "cli.main",
            "keys",
            "create",
            "--role",
            "admin",
            "--data",
            str(data),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.split()[0]
