"""Fixtures that several rooms share: real faces where they are at hand, made-up ones everywhere.

No test image that is committed or made here shows a real person: faces come from `samples`.
"""

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as PillowImage

from faces.alignment import template_in_crop
from faces.card import ENCODER_FILE, LANDMARKS_FILE, Card, InputSpec, file_sha256, load_card
from faces.landmarks import MARGIN_KEY
from faces.types import Image
from samples.generator import make_person, render
from tests.engines import MilvusServer, PostgresServer, postgres_programs

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
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that the tests share; skips where it is not installed."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here; on Debian: apt-get install postgresql")
    server = PostgresServer(programs)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def milvus() -> Iterator[MilvusServer]:
    """A Milvus server that the tests share; skips where the package is not installed."""
    pytest.importorskip("milvus", reason="no Milvus server here: pip install milvus==2.3.5")
    server = MilvusServer()
    try:
        yield server
    finally:
        server.close()


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
def tiny_landmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landmark network that takes the bright spot on a dark ground for a face's middle.

    Its five points are the template's, moved so that their middle is the spot's; its score is high
    where the square has a spot at all.
    """
    path = tmp_path_factory.mktemp("tiny-landmarks") / LANDMARKS_FILE
    write_tiny_landmarks(path)
    return path


@pytest.fixture(scope="session")
def aligned_encoder(tiny_landmarks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder's graph on crops aligned by the tiny landmark network."""
    folder = tmp_path_factory.mktemp("aligned-encoder")
    write_tiny_encoder(folder)
    shutil.copy(tiny_landmarks, folder / LANDMARKS_FILE)
    card = load_card(folder)
    replace(
        card,
        input=replace(card.input, alignment="landmarks"),
        sha256={**card.sha256, LANDMARKS_FILE: file_sha256(folder / LANDMARKS_FILE)},
    ).save(folder)
    return folder


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


TINY_LANDMARKS_PX = 32
TINY_LANDMARKS_MARGIN = 0.5


def write_tiny_landmarks(path: Path) -> None:
    """Write a landmark network that finds the middle of what is bright."""
    side = TINY_LANDMARKS_PX
    centre = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(centre, centre)
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    points = template_in_crop(TINY_LANDMARKS_MARGIN)
    constants = {
        "places": places,
        "ones": np.ones((side * side, 1), np.float32),
        "little": np.array([1e-6], np.float32),
        "points_about_middle": (points - points.mean(axis=0))[None].astype(np.float32),
        "one_by_two": np.array([-1, 1, 2]),
        "flat": np.array([-1]),
        "steepness": np.array([20 / side**2], np.float32),
        "least": np.array([0.01 * side**2], np.float32),
    }
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Flatten", ["squares"], ["light"], axis=1),
            node("MatMul", ["light", "places"], ["moment"]),
            node("MatMul", ["light", "ones"], ["mass"]),
            node("Add", ["mass", "little"], ["some_mass"]),
            node("Div", ["moment", "some_mass"], ["middle"]),
            node("Reshape", ["middle", "one_by_two"], ["middles"]),
            node("Add", ["middles", "points_about_middle"], ["points"]),
            node("Sub", ["mass", "least"], ["excess"]),
            node("Mul", ["excess", "steepness"], ["logit"]),
            node("Sigmoid", ["logit"], ["scores"]),
            node("Reshape", ["scores", "flat"], ["score"]),
        ],
        "tiny-landmarks",
        [helper.make_tensor_value_info("squares", TensorProto.FLOAT, ["batch", 1, side, side])],
        [
            helper.make_tensor_value_info("points", TensorProto.FLOAT, ["batch", 5, 2]),
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )
    helper.set_model_props(model, {MARGIN_KEY: str(TINY_LANDMARKS_MARGIN)})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def portrait(seed: int, size_px: int = 320) -> Image:
    """A sample person looking at the camera."""
    return render(make_person(seed), size_px=size_px)


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that, preloaded, lets writes and syncs fail on demand."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to simulate a failing disk with")
    source = Path(__file__).parent / "index" / "faults.c"
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return library
