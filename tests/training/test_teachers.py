"""Teachers: files of embeddings and encoders, and what they must not lack."""

from dataclasses import replace

import numpy as np
import pytest

from faces.encoder import OnnxEncoder
from faces.types import Box, DetectedFace
from tests.conftest import jpeg
from training.catalogue import make_texts
from training.config import TrainConfig
from training.data import TrainingData, load_training_data
from training.errors import BadTeacher
from training.teachers import centred, embed_both_ways, with_teacher

NAMES = ("a.jpg", "b.jpg", "a.jpg")
ANYWHERE = None  # no photo is opened where embeddings come from files


@pytest.fixture
def data() -> TrainingData:
    """Two photos of a first source, one of a second, which has a name in common with it."""
    crops = np.zeros((3, 40, 40, 3), np.uint8)
    sources = np.array([0, 0, 1])
    return TrainingData(crops, np.array([0, 1, -1]), sources, {}, names=make_texts(NAMES))


@pytest.fixture
def embeddings() -> np.ndarray:
    return np.random.default_rng(0).normal(1, 1, (3, 4)).astype(np.float32)


def config(teacher: object) -> TrainConfig:
    return TrainConfig(sources=("photos/first", "photos/second"), teacher=str(teacher), threads=1)


def test_without_a_teacher_the_data_stay_as_they_are(data, tmp_path):
    assert with_teacher(data, config(""), ANYWHERE, tmp_path) is data


def test_embeddings_in_the_order_of_the_photos_are_taken_and_centred(data, embeddings, tmp_path):
    np.save(tmp_path / "t.npy", embeddings * 7)
    taught = with_teacher(data, config(tmp_path / "t.npy"), ANYWHERE, tmp_path)
    assert np.allclose(taught.teacher, centred(embeddings), atol=1e-6)
    assert taught.teacher.dtype == np.float32


def test_embeddings_by_name_come_from_one_file_for_each_source(data, embeddings, tmp_path):
    folder = tmp_path / "teacher"
    folder.mkdir()
    np.savez(folder / "first.npz", names=["b.jpg", "x.jpg", "a.jpg"], embeddings=embeddings)
    np.savez(folder / "second.npz", names=["a.jpg"], embeddings=-embeddings[:1])
    taught = with_teacher(data, config(folder), ANYWHERE, tmp_path)
    expected = np.stack([embeddings[2], embeddings[0], -embeddings[0]])
    assert np.allclose(taught.teacher, centred(expected), atol=1e-6)


def test_embeddings_by_name_come_from_one_file_where_there_is_one(data, embeddings, tmp_path):
    np.savez(tmp_path / "t.npz", names=["b.jpg", "a.jpg"], embeddings=embeddings[:2])
    taught = with_teacher(data, config(tmp_path / "t.npz"), ANYWHERE, tmp_path)
    assert np.allclose(taught.teacher, centred(embeddings[[1, 0, 1]]), atol=1e-6)


def test_centred_embeddings_have_unit_length_and_spread_cosines():
    random = np.random.default_rng(0)
    crowded = random.normal(0, 1, (50, 8)).astype(np.float32) + 6
    result = centred(crowded)
    assert np.allclose(np.linalg.norm(result, axis=1), 1, atol=1e-5)
    before = crowded / np.linalg.norm(crowded, axis=1, keepdims=True)
    assert (before @ before.T).mean() > 0.9
    assert abs((result @ result.T).mean()) < 0.05


def test_what_a_file_lacks_is_said(data, embeddings, tmp_path):
    def refused(file: str, match: str) -> None:
        with pytest.raises(BadTeacher, match=match):
            with_teacher(data, config(tmp_path / file), ANYWHERE, tmp_path)

    refused("nothing.npz", "is missing: no teacher is there")
    refused("nothing.npy", "is missing: no teacher is there")
    np.save(tmp_path / "short.npy", embeddings[:2])
    refused("short.npy", "a row for each of 3 photos is needed")
    np.savez(tmp_path / "few.npz", names=["a.jpg"], embeddings=embeddings[:1])
    refused("few.npz", "lacks 1 of the 2 photos of photos/first, the first of them b.jpg")
    np.savez(tmp_path / "uneven.npz", names=["a.jpg"], embeddings=embeddings)
    refused("uneven.npz", "names of shape")
    np.savez(tmp_path / "other.npz", vectors=embeddings)
    refused("other.npz", "is no teacher")
    (tmp_path / "text.npz").write_text("no array")
    refused("text.npz", "is no teacher")
    (tmp_path / "text.npy").write_text("no array")
    refused("text.npy", "is no array")
    np.save(tmp_path / "nan.npy", embeddings * np.nan)
    refused("nan.npy", "not finite")
    folder = tmp_path / "unlike"
    folder.mkdir()
    np.savez(folder / "first.npz", names=["a.jpg", "b.jpg"], embeddings=embeddings[:2])
    np.savez(folder / "second.npz", names=["a.jpg"], embeddings=embeddings[:1, :3])
    refused("unlike", "embeddings of 3 numbers; others have 4")


class MiddleDetector:
    """A face in the middle of every picture."""

    def detect(self, image, *, only_largest=False) -> tuple[DetectedFace, ...]:
        side = image.shape[0] // 2
        return (DetectedFace(Box(side // 2, side // 2, side, side), 1.0),)


def test_an_encoder_teaches_what_it_makes_of_its_own_crops_and_is_asked_once(
    tiny_encoder, make_face, tmp_path
):
    photos = tmp_path / "photos"
    for person in range(3):
        (photos / f"person {person}").mkdir(parents=True)
        (photos / f"person {person}" / "1.jpg").write_bytes(jpeg(make_face(person, size_px=160)))
    settings = TrainConfig(sources=(str(photos),), teacher=str(tiny_encoder), size_px=32, threads=1)
    cache, detector = tmp_path / "crops", MiddleDetector()
    data = load_training_data(settings, detector, cache)
    taught = with_teacher(data, settings, detector, cache)
    encoder = OnnxEncoder(tiny_encoder, device="cpu", threads=1)
    spec = encoder.card.input
    # 64 of the 79 px of a cached crop, counted from 7: what a photo looks like to this encoder.
    seen = load_training_data(
        replace(settings, size_px=spec.size_px, crop_margin=spec.crop_margin), detector, cache
    )
    inner = np.ascontiguousarray(seen.crops[:, 7:71, 7:71])
    assert np.allclose(taught.teacher, centred(embed_both_ways(encoder, inner)), atol=1e-5)
    (kept,) = cache.glob("teacher-*.npy")
    np.save(kept, np.load(kept)[:, ::-1])
    again = with_teacher(data, settings, detector, cache)
    assert np.allclose(again.teacher, taught.teacher[:, ::-1], atol=1e-6)


def test_an_encoder_that_cannot_be_loaded_is_a_bad_teacher(data, tmp_path):
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(BadTeacher, match="cannot be used"):
        with_teacher(data, config(tmp_path), ANYWHERE, tmp_path)
