"""Training data: photos of any source become one array of crops.

    sources -> catalogues -> rows of one part (train, val) -> face found -> cut
            -> crops uint8 (N, S', S', 3) + people (N,) + sources (N,)

The crops are a little larger than what the network sees (`JITTER_MARGIN`), so that views can
shift, turn and scale them without running out of picture. They are cached (training.crop_cache).
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.decode import decode_image
from faces.errors import BadSource, FaceError
from faces.sources import open_source
from faces.types import Crops, Detector, Image
from training.catalogue import Catalogue, Texts, make_texts, read_catalogue
from training.config import TrainConfig
from training.crop_cache import CropCache
from training.errors import BadTrainingData
from training.framing import Framing, cut, find_face, middle_of
from training.parallel import ahead
from training.splits import held_out

JITTER_MARGIN = 0.12
"""Extra picture around each cached crop, as a share of the crop's side, for views to move
within."""

UNLABELLED = -1
IN_WORK_PER_THREAD = 8

Part: TypeAlias = Literal["train", "val"]
Progress: TypeAlias = Callable[[int], None]
Rows: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Crops ready to train on.

    Attributes:
        crops: uint8 (N, S', S', 3), mapped from disk.
        people: int64 (N,), index of the person, or -1 where nobody is named.
        sources: int64 (N,), index of the source that each photo came from.
        report: counts of what was used and dropped, and why.
        people_names: whom the indices mean.
        names: of the photos, within their sources.
        teacher: float32 (N, T), embeddings to learn from, where there are any.
    """

    crops: Crops
    people: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]
    report: Mapping[str, int]
    people_names: tuple[str, ...] = ()
    names: Texts = field(default_factory=lambda: make_texts(()))
    teacher: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.crops)


def cached_size(size_px: int) -> int:
    """Side S' of the cached crops for a network input of `size_px`."""
    return round(size_px * (1 + 2 * JITTER_MARGIN))


def load_training_data(
    config: TrainConfig,
    detector: Detector,
    cache: Path,
    progress: Progress = lambda _done: None,
) -> TrainingData:
    """Crop the faces of all photos of a run, or map the like crops of an earlier run.

    Rows of a manifest whose `split` is another than "train" are left out, as are photos that
    `lookalike data prepare` flagged, and people held out for validation.

    Args:
        config: its sources, size, margin, alignment and share held out decide the crops.
        detector: finds the face where a manifest does not say where it is.
        cache: folder for the cached crops; it may hold those of other settings too.
        progress: is told the number of photos done.

    Raises:
        BadTrainingData: no photo is left to train on.
        BadSource: a folder, a manifest or a shard cannot be read.
    """
    data = _load(config, detector, cache, progress, "train")
    if not len(data):
        raise BadTrainingData(f"no photo to train on in {config.sources}: {dict(data.report)}")
    return data


def load_validation_data(
    config: TrainConfig,
    detector: Detector,
    cache: Path,
    progress: Progress = lambda _done: None,
) -> TrainingData | None:
    """The same for the photos that training leaves out: `split=val`, and people held out.

    Returns:
        None where there are none.

    Raises:
        BadSource: a folder, a manifest or a shard cannot be read.
    """
    data = _load(config, detector, cache, progress, "val")
    return data if len(data) else None


def sample_crops(config: TrainConfig, detector: Detector, count: int) -> Crops:
    """Crops of a few photos, spread evenly over those to train on; none is cached.

    Args:
        config: as for `load_training_data`.
        detector: finds the face where a manifest does not say where it is.
        count: how many photos; those that cannot be read are left out.

    Returns:
        uint8 (N, S', S', 3), N at most `count`.

    Raises:
        BadTrainingData: there is no photo to train on.
        BadSource: a folder, a manifest or a shard cannot be read.
    """
    catalogues = [read_catalogue(open_source(Path(path))) for path in config.sources]
    out = _people_held_out(catalogues, config)
    chosen = [_rows_of(catalogue, "train", out, Counter()) for catalogue in catalogues]
    ends = np.cumsum([len(rows) for rows in chosen])
    framing = _framing(config)
    crops = []
    for place in (
        np.unique(np.linspace(0, ends[-1] - 1, count).astype(np.int64)) if ends[-1] else ()
    ):
        number = int(np.searchsorted(ends, place, side="right"))
        row = chosen[number][place - ends[number]]  # counted from the end
        crop, _how = _crop(catalogues[number], int(row), detector, framing)
        crops += [] if crop is None else [crop]
    if not crops:
        raise BadTrainingData(f"no photo to show in {', '.join(config.sources)}")
    return np.stack(crops)


def _load(
    config: TrainConfig, detector: Detector, cache: Path, progress: Progress, part: Part
) -> TrainingData:
    catalogues = [read_catalogue(open_source(Path(path))) for path in config.sources]
    report: Counter[str] = Counter()
    out = _people_held_out(catalogues, config)
    chosen = [_rows_of(catalogue, part, out, report) for catalogue in catalogues]
    framing = _framing(config)
    files = CropCache(cache, _key(catalogues, chosen, framing), framing.size_px)
    if not files.is_whole:
        _fill(files, catalogues, chosen, detector, framing, report, progress)
    cached = files.load()
    return TrainingData(
        cached.crops,
        cached.people,
        cached.sources,
        cached.report,
        cached.people_names,
        cached.names,
    )


def _framing(config: TrainConfig) -> Framing:
    """Of the cached crops: the network's are (1 + 2 margin) boxes wide, these a little wider."""
    wide = (1 + 2 * config.crop_margin) * (1 + 2 * JITTER_MARGIN)
    return Framing(config.alignment, (wide - 1) / 2, cached_size(config.size_px))


def _people_held_out(catalogues: Sequence[Catalogue], config: TrainConfig) -> frozenset[str]:
    names = {name for catalogue in catalogues for name in catalogue.people.texts if name}
    return held_out(names, config.val_share)


def _rows_of(catalogue: Catalogue, part: Part, out: frozenset[str], report: Counter[str]) -> Rows:
    """The rows of a part; counts what is left out."""
    for_training = catalogue.splits.equal("train") | catalogue.splits.equal("")
    people = catalogue.people
    held = np.array([name in out for name in people.texts], np.bool_)[people.codes]
    sound = catalogue.outliers.equal("")
    if part == "val":
        return np.flatnonzero(sound & (catalogue.splits.equal("val") | (for_training & held)))
    report["left out: another split than train"] += int((~for_training).sum())
    report["left out: held out for validation"] += int((for_training & held).sum())
    report["left out: flagged as outlier"] += int((for_training & ~held & ~sound).sum())
    return np.flatnonzero(for_training & ~held & sound)


def _fill(
    files: CropCache,
    catalogues: Sequence[Catalogue],
    chosen: Sequence[Rows],
    detector: Detector,
    framing: Framing,
    report: Counter[str],
    progress: Progress,
) -> None:
    """Crop all chosen photos into the cache."""
    for catalogue, rows in zip(catalogues, chosen, strict=True):
        _check_shards(catalogue, rows)
    kept = [np.zeros(len(rows), np.bool_) for rows in chosen]

    def crop(place: tuple[int, int]) -> tuple[Image | None, str]:
        number, at = place
        return _crop(catalogues[number], int(chosen[number][at]), detector, framing)

    def crops() -> Iterator[Image]:
        threads = os.cpu_count() or 1
        places = ((number, at) for number, rows in enumerate(chosen) for at in range(len(rows)))
        again = ((number, at) for number, rows in enumerate(chosen) for at in range(len(rows)))
        with ThreadPoolExecutor(threads) as pool:
            done = ahead(pool, crop, places, limit=threads * IN_WORK_PER_THREAD)
            for count, ((number, at), (image, how)) in enumerate(
                zip(again, done, strict=True), start=1
            ):
                report[how] += 1
                if image is not None:
                    kept[number][at] = True
                    yield image
                progress(count)

    files.append(crops())
    used = [rows[keep] for rows, keep in zip(chosen, kept, strict=True)]
    people, people_names = _number_people(catalogues, used)
    sources = np.repeat(np.arange(len(used)), [len(rows) for rows in used])
    names = make_texts(
        catalogue.names[int(row)]
        for catalogue, rows in zip(catalogues, used, strict=True)
        for row in rows
    )
    files.finish(people, sources, names, people_names, +report)


def _crop(
    catalogue: Catalogue, row: int, detector: Detector, framing: Framing
) -> tuple[Image | None, str]:
    """The crop of one photo and how its face was found, or why it is dropped."""
    try:
        image = decode_image(catalogue.read(row))
    except FaceError as error:
        return None, f"dropped: {type(error).__name__}"
    face = find_face(image, catalogue.hints(row), detector, framing.alignment)
    face = face or middle_of(image)
    return cut(image, face, framing), face.how


def _check_shards(catalogue: Catalogue, rows: Rows) -> None:
    """Refuse to train on what is left when a whole shard is away.

    Raises:
        BadSource: a shard that rows lie in is missing.
    """
    for code in np.unique(catalogue.shards.codes[rows]):
        shard = catalogue.shards.texts[code]
        if shard and not (catalogue.source.path / shard).is_file():
            raise BadSource(
                f"shard {catalogue.source.path / shard} is missing; the manifest has "
                f"{int((catalogue.shards.codes[rows] == code).sum()):,} photos in it"
            )


def _number_people(
    catalogues: Sequence[Catalogue], rows: Sequence[Rows]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Each photo's person as a number, the same in all sources, and the people's names."""
    index: dict[str, int] = {}
    people = []
    for catalogue, some in zip(catalogues, rows, strict=True):
        codes = catalogue.people.codes[some]
        table = np.full(len(catalogue.people.texts), UNLABELLED, np.int64)
        seen, first = np.unique(codes, return_index=True)
        for code in seen[np.argsort(first)]:
            if name := catalogue.people.texts[code]:
                table[code] = index.setdefault(name, len(index))
        people.append(table[codes])
    return np.concatenate(people), tuple(index)


def _key(catalogues: Sequence[Catalogue], chosen: Sequence[Rows], framing: Framing) -> str:
    """A digest of all that decides the crops: framing, and what is known of the chosen photos."""
    digest = hashlib.sha256(repr(framing).encode())
    for catalogue, rows in zip(catalogues, chosen, strict=True):
        digest.update(str(catalogue.source.path.resolve()).encode())
        labels = (catalogue.people, catalogue.shards)
        digest.update(repr([column.texts for column in labels]).encode())
        names = catalogue.names
        columns = (rows, names.data, names.ends, catalogue.boxes, catalogue.landmarks)
        for column in (*columns, *(label.codes for label in labels)):
            digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()[:16]
