"""Teachers: whose embeddings a network can learn to match (`objective = distill`).

    file of embeddings (.npz by photo name, .npy by order)  -|
    folder of such files, one for each source               -+-> (N, T) -> centred -> TrainingData
    folder of an encoder (card.json, encoder.onnx)          -|
    "hog" (training.baselines.whitened_gradients)           -|

An encoder sees the photos as its card says, both as they are and mirrored; what it made of them is
kept beside the crops. Serving never sees a teacher.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from faces.card import CARD_FILE, Card
from faces.encoder import OnnxEncoder
from faces.errors import BadCard
from faces.types import Crops, Detector
from training.baselines import whitened_gradients
from training.config import TrainConfig
from training.data import TrainingData, load_training_data
from training.errors import BadTeacher

Floats = npt.NDArray[np.float32]
Progress = Callable[[int], None]

HOG = "hog"
"""In the place of a file: whitened histograms of gradients, a teacher that needs no names."""

TOGETHER = 64
"""Crops that the teacher sees at once."""


def with_teacher(
    data: TrainingData,
    config: TrainConfig,
    detector: Detector,
    cache: Path,
    progress: Progress = lambda _done: None,
) -> TrainingData:
    """The same data with the embeddings of `config.teacher`, or as they are where it is empty.

    Args:
        data: photos to train on.
        config: the run's settings.
        detector: finds the face where a manifest does not say where it is.
        cache: folder of the cached crops; embeddings are kept there, too.
        progress: is told the number of photos done.

    Raises:
        BadTeacher: the teacher cannot be read, or lacks some of the photos.
    """
    if not config.teacher:
        return data
    if config.teacher == HOG:
        inner = plain_crops(data.crops, config.size_px)
        return replace(data, teacher=whitened_gradients(inner))
    teacher = Path(config.teacher)
    if (teacher / CARD_FILE).is_file():
        embeddings = _by_encoder(teacher, data, config, detector, cache, progress)
    elif teacher.suffix == ".npy":
        embeddings = _by_order(teacher, data)
    else:
        embeddings = _by_name(teacher, data, config)
    return replace(data, teacher=centred(embeddings))


def centred(embeddings: Floats) -> Floats:
    """Embeddings of unit length (N, T) less their mean, of unit length again.

    A teacher that was trained on distances, as dlib's, keeps all faces in one corner: cosines
    have a median of 0.85 in lfw_dev. Taking the mean off leaves distances and spreads the cosines.

    Raises:
        BadTeacher: a number is not finite.
    """
    if not np.isfinite(embeddings).all():
        raise BadTeacher("some of the teacher's embeddings are not finite")
    units = _unit_length(embeddings)
    return _unit_length(units - units.mean(axis=0))


def embed_both_ways(encoder: OnnxEncoder, crops: Crops) -> Floats:
    """Embeddings (N, T) of crops and their mirror images, added up: steadier than either."""
    return _unit_length(
        encoder.embed(crops) + encoder.embed(np.ascontiguousarray(crops[:, :, ::-1]))
    )


def _by_encoder(
    folder: Path,
    data: TrainingData,
    config: TrainConfig,
    detector: Detector,
    cache: Path,
    progress: Progress,
) -> Floats:
    try:
        encoder = OnnxEncoder(folder, threads=config.threads)
    except BadCard as error:
        raise BadTeacher(f"the teacher in {folder} cannot be used: {error}") from error
    digest = hashlib.sha256(encoder.card.contract_hash.encode())
    digest.update(repr(config.sources).encode() + data.sources.tobytes())
    digest.update(data.names.data.tobytes() + data.names.ends.tobytes())
    kept = cache / f"teacher-{digest.hexdigest()[:16]}.npy"
    if kept.is_file():
        return _load_array(kept)
    spec = encoder.card.input
    framed = replace(
        config,
        size_px=spec.size_px,
        crop_margin=spec.crop_margin,
        alignment=_alignment(encoder.card),
    )
    seen = load_training_data(framed, detector, cache, progress)
    if list(seen.names) != list(data.names):
        raise BadTeacher(
            f"the teacher sees {len(seen)} photos where {len(data)} are trained on; "
            f"have the photos changed since they were cropped? Remove {cache} and start again"
        )
    embeddings = np.empty((len(seen), encoder.dimension), np.float32)
    for start in range(0, len(seen), TOGETHER):
        rows = slice(start, start + TOGETHER)
        crops = plain_crops(seen.crops[rows], spec.size_px)
        embeddings[rows] = embed_both_ways(encoder, np.ascontiguousarray(crops))
        progress(min(start + TOGETHER, len(seen)))
    partial = kept.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, embeddings)
    partial.replace(kept)
    return embeddings


def plain_crops(crops: Crops, size_px: int) -> Crops:
    """The middle of cached crops, without what views move within: (N, S, S, 3)."""
    offset = (crops.shape[1] - size_px) // 2
    return crops[:, offset : offset + size_px, offset : offset + size_px]


def _alignment(card: Card) -> Literal["box", "landmarks"]:
    """How a teacher's crops are cut.

    The input block of a card promises the service a landmark network in the folder. A teacher
    without one says in `training` that it wants aligned crops.
    """
    wanted = (card.input.alignment, card.training.get("alignment"))
    return "landmarks" if "landmarks" in wanted else "box"


def _by_order(file: Path, data: TrainingData) -> Floats:
    embeddings = _load_array(file)
    if embeddings.ndim != 2 or len(embeddings) != len(data):
        raise BadTeacher(
            f"{file} has the shape {embeddings.shape}; a row for each of {len(data)} photos is "
            "needed. An .npz with names and embeddings need not keep their order"
        )
    return embeddings


def _by_name(teacher: Path, data: TrainingData, config: TrainConfig) -> Floats:
    """Embeddings looked up by photo, in one file for all sources or one for each."""
    result: Floats | None = None
    for number, source in enumerate(config.sources):
        file = teacher / f"{Path(source).name}.npz" if teacher.is_dir() else teacher
        names, embeddings = _load_named(file)
        rows = np.flatnonzero(data.sources == number)
        wanted = [data.names[int(row)] for row in rows]
        place = {str(name): at for at, name in enumerate(names)}
        missing = [name for name in wanted if name not in place]
        if missing:
            raise BadTeacher(
                f"{file} lacks {len(missing)} of the {len(wanted)} photos of {source}, "
                f"the first of them {missing[0]}"
            )
        if result is None:
            result = np.empty((len(data), embeddings.shape[1]), np.float32)
        if embeddings.shape[1] != result.shape[1]:
            raise BadTeacher(
                f"{file} has embeddings of {embeddings.shape[1]} numbers; others have "
                f"{result.shape[1]}"
            )
        result[rows] = embeddings[[place[name] for name in wanted]]
    assert result is not None  # a run has at least one source
    return result


def _load_named(file: Path) -> tuple[npt.NDArray[np.str_], Floats]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names, embeddings = arrays["names"], arrays["embeddings"].astype(np.float32)
    except FileNotFoundError:
        raise BadTeacher(f"{file} is missing: no teacher is there") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadTeacher(
            f"{file} is no teacher: an .npz with `names` (N,) and `embeddings` (N, T) is needed, "
            f"or the folder of an encoder ({error})"
        ) from error
    if embeddings.ndim != 2 or len(names) != len(embeddings):
        raise BadTeacher(
            f"{file} has names of shape {names.shape} and embeddings of {embeddings.shape}; "
            "(N,) and (N, T) are needed"
        )
    return names, embeddings


def _load_array(file: Path) -> Floats:
    try:
        array: Floats = np.load(file, allow_pickle=False).astype(np.float32)
    except FileNotFoundError:
        raise BadTeacher(f"{file} is missing: no teacher is there") from None
    except (OSError, ValueError, AttributeError) as error:
        raise BadTeacher(f"{file} is no array of embeddings: {error}") from error
    return array


def _unit_length(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Floats = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return result
