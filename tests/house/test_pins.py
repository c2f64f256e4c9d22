"""The pinned versions in requirements/: they answer pyproject.toml, and serving has no torch."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[2]
NEEDED_BY = {
    "serving": ("cpu", "postgres", "milvus"),
    "gpu": ("gpu", "postgres", "milvus"),
    "dev": ("cpu", "train", "parquet", "postgres", "milvus"),
}


def pins(name: str) -> dict[str, Version]:
    """Package to version, as requirements/`name`.txt pins them."""
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text()
    return {
        canonicalize_name(package): Version(version)
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    }


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", NEEDED_BY)
def test_every_requirement_of_the_project_is_pinned_within_its_range(
    project: dict[str, Any], name: str
) -> None:
    wanted = list(project["project"]["dependencies"])
    for extra in NEEDED_BY[name]:
        wanted += project["project"]["optional-dependencies"][extra]
    if name == "dev":
        wanted += project["dependency-groups"]["dev"]
    pinned = pins(name)
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not pinned: run `make lock`"
        assert version in requirement.specifier, f"{requirement} is pinned at {version}"


def test_serving_is_pinned_without_torch_and_without_gpu_libraries() -> None:
    heavy = ("torch", "nvidia", "cuda", "triton", "scipy", "scikit-learn")
    assert [package for package in pins("serving") if package.startswith(heavy)] == []


@pytest.mark.parametrize("name", ["gpu", "dev"])
def test_files_agree_on_the_packages_that_they_share_with_serving(name: str) -> None:
    serving, other = pins("serving"), pins(name)
    shared = serving.keys() & other.keys()
    assert {package: other[package] for package in shared} == {
        package: serving[package] for package in shared
    }


def test_cpu_and_gpu_engines_are_never_pinned_together() -> None:
    assert {"faiss-cpu", "onnxruntime"} & pins("gpu").keys() == set()
