"""Which versions are running: our own and those of the engines beneath."""

import platform
from importlib.metadata import PackageNotFoundError, version

_DISTRIBUTIONS = {
    "lookalike": ("lookalike",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "opencv": ("opencv-python-headless",),
}
"""Name -> distributions that bring it, one of which is installed."""


def versions() -> dict[str, str]:
    """Name -> version; "unknown" for what runs from a checkout without being installed."""
    found = {name: _first_version(candidates) for name, candidates in _DISTRIBUTIONS.items()}
    return {**found, "python": platform.python_version()}


def _first_version(distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
