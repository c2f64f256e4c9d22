"""The walls between the rooms: who may import whom, and what serving must never load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SERVING = ("faces", "index", "service", "samples", "encoders")
TRAINING_ONLY = {"torch", "torchvision", "pytorch_metric_learning", "sklearn", "scipy", "onnx"}
HEAVY = TRAINING_ONLY | {"cv2", "faiss", "fastapi", "numpy", "onnxruntime", "PIL", "sqlalchemy"}

IMPORT_EVERY_MODULE = """
import importlib, json, pkgutil, sys
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        if not module.name.startswith("index.migrations."):  # Alembic alone runs those
            importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""

ASK_FOR_HELP = """
import json, sys
from cli.main import app
try:
    app(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)))
"""


def test_the_contracts_between_the_rooms_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [linter, "--no-logo"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_module_of_the_serving_rooms_loads_what_only_training_needs() -> None:
    loaded = modules_after(IMPORT_EVERY_MODULE, *SERVING)
    assert "service.app" in loaded
    assert not loaded & TRAINING_ONLY


@pytest.mark.parametrize(
    "verb",
    [
        [],
        ["serve"],
        ["index", "build"],
        ["search"],
        ["train"],
        ["export"],
        ["evaluate"],
        ["study"],
        ["info"],
    ],
    ids=lambda verb: " ".join(verb) or "lookalike",
)
def test_help_answers_without_loading_anything_heavy(verb: list[str]) -> None:
    assert not modules_after(ASK_FOR_HELP, *verb, "--help") & HEAVY


def modules_after(program: str, *arguments: str) -> set[str]:
    """What `program` has loaded in a fresh interpreter, by its last line of output."""
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))
