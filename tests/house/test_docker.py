"""The Docker files: linted, true to their schema, closed by default, and complete."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILES = ("docker/service.Dockerfile", "docker/training.Dockerfile")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())[
        "services"
    ]
    return services


def run_tool(name: str, *arguments: str) -> None:
    """Run a development tool from this environment and fail with what it says."""
    result = subprocess.run(
        [Path(sys.executable).with_name(name), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_hadolint_finds_nothing(dockerfile: str) -> None:
    run_tool("hadolint", dockerfile)


def test_the_compose_file_keeps_to_its_schema() -> None:
    run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


@pytest.mark.parametrize("name", ["lookalike", "lookalike-gpu"])
def test_the_service_is_published_on_loopback_only_and_writes_only_its_volume(
    services: dict[str, Any], name: str
) -> None:
    service = services[name]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["environment"]["LOOKALIKE_HOST"] == "0.0.0.0"
    assert service["environment"]["LOOKALIKE_ALLOW_ANONYMOUS"] == "true"
    assert service["read_only"] is True
    assert service["volumes"] == ["data:/data"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_cpu_service_starts_without_a_profile(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "profiles" not in service] == [
        "lookalike"
    ]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_images_get_every_package_of_the_wheel(dockerfile: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    lines = (REPOSITORY / dockerfile).read_text().splitlines()
    context = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert [name for name in packages if f"COPY {name} {name}" not in lines] == []
    assert [name for name in packages if f"!{name}" not in context] == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_images_run_as_a_user_without_rights(dockerfile: str) -> None:
    users = [
        line.split()[1]
        for line in (REPOSITORY / dockerfile).read_text().splitlines()
        if line.startswith("USER ")
    ]
    assert users == ["10001:10001"]
