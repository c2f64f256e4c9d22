"""How large the service's image is: the sum of what docker/service.Dockerfile puts into it.

    python benchmarks/image_size.py [--json benchmarks/results/image_size.json]

No Docker engine is needed: the wheel with its extra `cpu` is installed into an empty virtual
environment, as the image does it, and its files are added up. The base image's size is the
published one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BASE_IMAGE = "python:3.11-slim-bookworm"
BASE_IMAGE_MB = 130  # uncompressed, linux/amd64, as published; rounded up
LIMIT_MB = 700


def build_wheel(folder: Path) -> Path:
    """Build the project's wheel into `folder`."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("lookalike-*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel, its extra `cpu` and the pinned versions; returns the interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    pins = REPOSITORY / "requirements" / "serving.txt"
    command = [*pip, "install", "--quiet", "--constraint", str(pins), f"{wheel}[cpu]"]
    subprocess.run(command, check=True)
    return python


def sizes_mb(environment: Path) -> dict[str, float]:
    """Size of each top-level entry of site-packages in MB (10**6 bytes), largest first."""
    (site_packages,) = environment.glob("lib/python*/site-packages")
    sizes = {
        entry.name: sum(
            file.stat().st_size for file in (entry, *entry.rglob("*")) if file.is_file()
        )
        for entry in site_packages.iterdir()
    }
    return {name: size / 1e6 for name, size in sorted(sizes.items(), key=lambda item: -item[1])}


@dataclass(frozen=True)
class ImageSize:
    """Sizes in MB (10**6 bytes)."""

    base_image: str
    base_image_mb: float
    installed_mb: float
    total_mb: float
    limit_mb: float
    largest_mb: dict[str, float]


def measure(environment: Path) -> ImageSize:
    """The image's size: its base and what is installed in `environment`, with the largest parts."""
    sizes = sizes_mb(environment)
    installed = sum(sizes.values())
    return ImageSize(
        base_image=BASE_IMAGE,
        base_image_mb=BASE_IMAGE_MB,
        installed_mb=round(installed, 1),
        total_mb=round(BASE_IMAGE_MB + installed, 1),
        limit_mb=LIMIT_MB,
        largest_mb={name: round(size, 1) for name, size in list(sizes.items())[:12]},
    )


def main() -> int:
    """Build, install, add up, print; 1 if the image is over its limit."""
    parser = argparse.ArgumentParser(description="Size of the service's image.")
    parser.add_argument("--json", type=Path, help="write the report here too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        install(build_wheel(Path(folder)), environment)
        size = measure(environment)
    for name, size_mb in size.largest_mb.items():
        print(f"{name:40} {size_mb:8.1f} MB")
    print(f"{'all that is installed':40} {size.installed_mb:8.1f} MB")
    print(f"{size.base_image:40} {size.base_image_mb:8.1f} MB")
    print(f"{'total':40} {size.total_mb:8.1f} MB (limit {size.limit_mb} MB)")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(asdict(size), indent=2) + "\n")
    return int(size.total_mb > size.limit_mb)


if __name__ == "__main__":
    sys.exit(main())
