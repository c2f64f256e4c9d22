"""The landmark network's training: squares, views and loss are what they say; a file comes out."""

import csv
import io
import math
import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Generator

from faces.alignment import mean_landmarks, template_in_crop
from faces.card import load_card
from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.jpeg import encode_jpeg
from faces.landmarks import LandmarkNetwork
from faces.types import Box
from samples.generator import make_person, render
from samples.landmarks import landmarks
from training.errors import BadConfig, BadTrainingData, ExportMismatch
from training.landmarks import export as export_module
from training.landmarks.config import LandmarkConfig
from training.landmarks.data import LandmarkData, load_landmark_data
from training.landmarks.export import add_to_encoder, export_landmarks
from training.landmarks.loop import first_views, train_landmarks, wing_loss
from training.landmarks.negatives import others_in, overlap, turned_back
from training.landmarks.network import MARGIN, SIZE_PX, LandmarkNet
from training.landmarks.views import (
    CACHED_MARGIN,
    CACHED_PX,
    Poses,
    far_poses,
    moved_points,
    near_poses,
    relit,
    warped,
)

PEOPLE = 6
COLUMNS = [f"{part}_{axis}" for part in ("le", "re", "no", "ml", "mr") for axis in "xy"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """A manifest of drawn people, each small in a photo of noise; the last has no landmarks."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    rows = []
    with tarfile.open(folder / "photos.tar", "w") as tar:
        for seed in range(PEOPLE):
            image = random.integers(60, 180, (240, 300, 3), dtype=np.uint8)
            image[60:220, 90:250] = render(make_person(seed), size_px=160)
            data = encode_jpeg(image)
            info = tarfile.TarInfo(f"{seed}.jpg")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            drawn = landmarks(make_person(seed), size_px=160)
            parts = (
                drawn.left_eye,
                drawn.right_eye,
                drawn.nose,
                drawn.mouth_left,
                drawn.mouth_right,
            )
            numbers = [(x + 90, y + 60) for x, y in parts]
            flat = [f"{value:.1f}" for point in numbers for value in point]
            known = dict(zip(COLUMNS, flat if seed < PEOPLE - 1 else [""] * 10, strict=True))
            split = "val" if seed == 0 else "train"
            rows.append({"path": info.name, "shard": "photos.tar", "split": split} | known)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "shard", "identity", "split", *COLUMNS])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def config(photos: Path) -> LandmarkConfig:
    return LandmarkConfig((str(photos),), searched_share=1.0, steps=12, batch=16, threads=1)


@pytest.fixture(scope="module")
def data(config: LandmarkConfig, tmp_path_factory) -> LandmarkData:
    return load_landmark_data(config, tmp_path_factory.mktemp("cache"))


def test_squares_are_of_the_train_rows_with_landmarks(data: LandmarkData) -> None:
    assert data.faces.shape == (PEOPLE - 2, CACHED_PX, CACHED_PX)
    expected = np.broadcast_to(template_in_crop(CACHED_MARGIN), data.points.shape)
    np.testing.assert_allclose(data.points, expected, atol=0.04)
    assert len(data.others) >= PEOPLE - 2


def test_another_split_is_another_set_and_a_second_call_reads_the_cache(
    config, tmp_path, monkeypatch
) -> None:
    first = load_landmark_data(config, tmp_path, split="val")
    assert len(first.faces) == 1
    monkeypatch.setattr("training.landmarks.data._cut_all", None)
    again = load_landmark_data(config, tmp_path, split="val")
    np.testing.assert_array_equal(first.faces, again.faces)
    np.testing.assert_array_equal(first.others, again.others)


def test_photos_without_landmarks_cannot_be_learnt_from(config, tmp_path) -> None:
    with pytest.raises(BadTrainingData, match="0 faces with landmarks"):
        load_landmark_data(config, tmp_path, split="dev")


def test_what_is_no_face_lies_away_from_the_face() -> None:
    image = render(make_person(1), size_px=320)
    face = Box(98, 90, 124, 124)
    random = np.random.default_rng(0)
    for _ in range(10):
        for points in others_in(image, mean_landmarks(face), random, None):
            side = round(float(points[1, 0] - points[0, 0]) / 0.37)
            left, top = (points.mean(axis=0) - [0.5 * side, 0.56 * side]).round().astype(int)
            assert overlap(Box(left, top, side, side), face) < 0.35
    assert others_in(image, mean_landmarks(face), random, HaarDetector()) is not None


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_points_of_a_turned_image_come_back(quarters: int) -> None:
    image = np.zeros((40, 60), np.uint8)
    image[12, 45] = 1
    y, x = np.argwhere(np.rot90(image, quarters))[0]
    back = turned_back(np.array([[x + 0.5, y + 0.5]]), quarters, 60, 40)
    np.testing.assert_allclose(back, [[45.5, 12.5]])


@pytest.mark.parametrize("kind", [near_poses, far_poses])
def test_points_move_as_the_picture_does(kind) -> None:
    generator = Generator().manual_seed(0)
    poses = kind(40, generator)
    # shares of the side of a cached square, well inside
    points = torch.rand(40, 1, 2, generator=generator) * 0.2 + 0.4
    axis = (torch.arange(CACHED_PX) + 0.5) / CACHED_PX
    x, y = points[..., 0, None], points[..., 1, None]
    spots = torch.exp(-((axis.view(1, 1, -1) - x) ** 2 + (axis.view(1, -1, 1) - y) ** 2) / 0.0008)
    views = warped(spots[:, None], poses)[:, 0]
    # five times the same point: which one is swapped for which in a mirror is another question
    moved = moved_points(points.expand(-1, 5, 2), poses)[:, 0]
    places = (torch.arange(SIZE_PX) + 0.5) / SIZE_PX
    seen = 0
    for view, (px, py) in zip(views, moved.tolist(), strict=True):
        if min(px, py) < 0.15 or max(px, py) > 0.85:
            continue
        seen += 1
        assert float((view.sum(0) * places).sum() / view.sum()) == pytest.approx(px, abs=0.02)
        assert float((view.sum(1) * places).sum() / view.sum()) == pytest.approx(py, abs=0.02)
    assert seen >= 8


def test_in_a_mirror_left_and_right_change_places() -> None:
    still = Poses(torch.zeros(1), torch.ones(1), torch.zeros(1, 2), torch.tensor([True]))
    points = torch.from_numpy(template_in_crop(CACHED_MARGIN)).float()[None]
    mirrored = moved_points(points, still)[0]
    expected = template_in_crop(MARGIN)[[1, 0, 2, 4, 3]] * [-1, 1] + [1, 0]
    np.testing.assert_allclose(mirrored.numpy(), expected, atol=1e-5)
    assert mirrored[0, 0] < mirrored[1, 0]


def test_another_light_stays_a_picture_and_leaves_the_first_alone() -> None:
    views = torch.rand(32, 1, SIZE_PX, SIZE_PX, generator=Generator().manual_seed(1))
    before = views.clone()
    lit = relit(views, Generator().manual_seed(2))
    assert torch.equal(views, before)
    assert lit.shape == views.shape
    assert 0 <= float(lit.min()) <= float(lit.max()) <= 1
    assert not torch.allclose(lit, views, atol=0.05)


def test_the_wing_loss_is_that_of_its_paper() -> None:
    errors = torch.tensor([0.0, 0.01, -0.05, 0.0999, -0.1, 0.3])
    width, curvature = 0.1, 0.02
    slow = []
    for error in errors.tolist():
        size = abs(error)
        if size < width:
            slow.append(width * math.log(1 + size / curvature))
        else:
            slow.append(size - (width - width * math.log(1 + width / curvature)))
    assert wing_loss(errors).item() == pytest.approx(sum(slow) / len(slow), rel=1e-5)


def test_training_is_the_same_each_time_and_learns(data, config) -> None:
    shown = []
    one = train_landmarks(data, config, shown.append)
    other = train_landmarks(data, config)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name
    assert shown[-1].step == shown[-1].steps == config.steps
    start = LandmarkNet().eval()
    views = torch.from_numpy(first_views(data, config))
    assert not torch.equal(one(views)[1], start(views)[1])


@pytest.fixture(scope="module")
def exported(data, config, tmp_path_factory) -> tuple[LandmarkNet, Path]:
    torch.manual_seed(3)
    network = LandmarkNet()
    with torch.no_grad():  # batch norm that does something, so that folding it in can go wrong
        for _ in range(3):
            network(torch.rand(16, 1, SIZE_PX, SIZE_PX))
    path = tmp_path_factory.mktemp("exported") / "landmarks.onnx"
    export_landmarks(network.eval(), config, first_views(data, config), path)
    return network, path


def test_the_exported_file_answers_as_the_network_does(exported, data, config) -> None:
    network, path = exported
    views = first_views(data, config)
    points, scores = LandmarkNetwork(path).run(views)
    with torch.inference_mode():
        expected, logits = network(torch.from_numpy(views))
    np.testing.assert_allclose(points, expected.numpy(), atol=2e-3)
    np.testing.assert_allclose(scores, logits.sigmoid().numpy(), atol=2e-3)
    assert LandmarkNetwork(path).margin == MARGIN


def test_the_exported_file_is_small_and_says_what_it_was_made_of(exported) -> None:
    path = exported[1]
    assert path.stat().st_size < 1e6
    metadata = {item.key: item.value for item in onnx.load(path).metadata_props}
    assert "MTCNN" in metadata["labels"]
    assert str(Path.home()) not in path.read_bytes().decode("latin-1")
    assert '"sources": ["photos' in metadata["training"]


def test_a_graph_that_computes_something_else_is_refused(
    exported, data, config, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(export_module, "MOST_DIFFERENCE", 0.0)
    target = tmp_path / "landmarks.onnx"
    with pytest.raises(ExportMismatch, match="off by"):
        export_landmarks(exported[0], config, first_views(data, config), target)
    assert not target.exists()


def test_a_network_is_put_beside_an_encoder(tiny_encoder, tiny_landmarks, tmp_path) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("encoder.onnx", "card.json"):
        (folder / name).write_bytes((tiny_encoder / name).read_bytes())
    before = load_card(folder)
    card = add_to_encoder(tiny_landmarks, folder)
    assert load_card(folder) == card
    assert card.has_landmarks
    assert card.contract_hash != before.contract_hash
    assert card.input == before.input
    assert OnnxEncoder(folder).landmarks is not None


@pytest.mark.parametrize(
    ("key", "value"), [("sources", ()), ("steps", 0), ("batch", 4), ("searched_share", 2.0)]
)
def test_settings_out_of_range_are_refused_by_name(key: str, value) -> None:
    with pytest.raises(BadConfig, match=key):
        LandmarkConfig(**{"sources": ("a",), key: value})
