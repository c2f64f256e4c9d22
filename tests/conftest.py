"""Fixtures that several rooms share: real faces where they are at hand, made-up ones everywhere.

No test image that is committed or made here shows a real person: faces come from `samples`.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as PillowImage

from faces.card import ENCODER_FILE, Card, InputSpec, file_sha256
from faces.types import Image
from samples.generator import make_person, render

REPOSITORY = Path(__file__).resolve().parent.parent
TINY_SIZE_PX = 64
TINY_DIMENSION = 64


@pytest.fixture(scope="session")
def real_faces() -> Path:
    """The folder of real faces beside the repository, or LOOKALIKE_FACES; skips where absent."""
    folder = Path(os.environ.get("LOOKALIKE_FACES") or REPOSITORY.parent / "shared" / "faces")
    if not (folder / "photos_dev" / "manifest.csv").is_file():
        pytest.skip(f"no real faces at {folder}; set LOOKALIKE_FACES to their folder")
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder folder with a tiny deterministic graph: 64 px crops in, 64 numbers out."""
    folder = tmp_path_factory.mktemp("tiny-encoder")
    write_tiny_encoder(folder)
    return folder


@pytest.fixture(scope="session")
def make_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Makes further tiny encoders: each seed is another encoder with another contract."""

    def make(seed: int) -> Path:
        folder = tmp_path_factory.mktemp(f"tiny-encoder-{seed}")
        write_tiny_encoder(folder, seed)
        return folder

    return make


@pytest.fixture(scope="session")
def make_face() -> Callable[..., Image]:
    """Makes the picture of a person: `make_face(seed, size_px=320)`, uint8 RGB (S, S, 3)."""
    return portrait


@pytest.fixture(scope="session")
def face_jpeg(make_face: Callable[..., Image]) -> bytes:
    """A JPEG of one sample person, 320 px square."""
    return jpeg(make_face(1))


@pytest.fixture(scope="session")
def faces_picture(make_face: Callable[..., Image]) -> Callable[[int], bytes]:
    """Makes a JPEG with `count` sample people on a grid: `faces_picture(4)`."""

    def make(count: int) -> bytes:
        columns = int(np.ceil(np.sqrt(count)))
        rows = -(-count // columns)
        side = 200
        grid = np.full((rows * side, columns * side, 3), 128, np.uint8)
        for place in range(count):
            top, left = side * (place // columns), side * (place % columns)
            grid[top : top + side, left : left + side] = make_face(place + 1, size_px=side)
        return jpeg(grid)

    return make


@pytest.fixture(scope="session")
def empty_jpeg() -> bytes:
    """A JPEG of a sky: nobody is on it."""
    shade = np.linspace(120, 220, 240, dtype=np.uint8)[:, None, None]
    return jpeg(np.broadcast_to(shade, (240, 320, 3)).copy())


def jpeg(image: Image, quality: int = 92) -> bytes:
    """Encode uint8 RGB (H, W, 3) as JPEG."""
    file = io.BytesIO()
    PillowImage.fromarray(image).save(file, "JPEG", quality=quality)
    return file.getvalue()


def write_tiny_encoder(folder: Path, seed: int = 0) -> None:
    """Write an encoder that averages 4 x 4 px cells and projects them at random, and its card."""
    cells = 3 * (TINY_SIZE_PX // 4) ** 2
    weights = np.random.default_rng(seed).standard_normal((cells, TINY_DIMENSION))
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["crops"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]
            ),
            helper.make_node("Flatten", ["cells"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["projected"]),
            helper.make_node("LpNormalization", ["projected"], ["embedding"], axis=1, p=2),
        ],
        "tiny",
        [
            helper.make_tensor_value_info(
                "crops", TensorProto.FLOAT, ["batch", 3, TINY_SIZE_PX, TINY_SIZE_PX]
            )
        ],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", TINY_DIMENSION])],
        [numpy_helper.from_array((weights / np.sqrt(cells)).astype(np.float32), "weights")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )
    onnx.save(model, folder / ENCODER_FILE)
    Card(
        name=f"tiny-{seed}",
        version="1",
        created="2026-01-01T00:00:00Z",
        input=InputSpec(
            size_px=TINY_SIZE_PX, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), crop_margin=0.1
        ),
        dimension=TINY_DIMENSION,
        sha256={ENCODER_FILE: file_sha256(folder / ENCODER_FILE)},
    ).save(folder)


def portrait(seed: int, size_px: int = 320) -> Image:
    """A sample person looking at the camera."""
    return render(make_person(seed), size_px=size_px)
