"""Training data: photos of any source become one array of aligned crops.

    sources -> box (landmarks, else detector, else middle) -> crop_face
            -> crops uint8 (N, S', S', 3) + people (N,)

The crops are a little larger than what the network sees (`JITTER_MARGIN`), so that views can
shift, turn and scale them without running out of picture. They are kept in one raw file, beside a
.json, and mapped into memory.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.alignment import crop_face
from faces.decode import decode_image
from faces.errors import FaceError
from faces.sources import Photo, PhotoSource, open_source
from faces.types import Box, Crops, Detector, Image, largest
from training.config import TrainConfig
from training.errors import BadTrainingData

JITTER_MARGIN = 0.12
"""Extra picture around each cached crop, as a share of the crop's side, for views to move
within."""

# Where the eyes' and the mouth's midpoints lie in a box of the frontal cascade, and how far apart
# they are, in shares of its side: medians over 557 faces of train/celeba (docs/training-log.md).
EYES_X, EYES_Y = 0.505, 0.389
EYES_TO_MOUTH = 0.394
EYE_TO_EYE = 0.37

UNLABELLED = -1
TRAIN_SPLIT = "train"
DECODED_TOGETHER = 256


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Crops ready to train on.

    Attributes:
        crops: uint8 (N, S', S', 3), mapped from disk.
        people: int64 (N,), index of the person, or -1 where nobody is named.
        sources: int64 (N,), index of the source that each photo came from.
        report: counts of what was used and dropped, and why.
    """

    crops: Crops
    people: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]
    report: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.crops)


def cached_size(size_px: int) -> int:
    """Side S' of the cached crops for a network input of `size_px`."""
    return round(size_px * (1 + 2 * JITTER_MARGIN))


def load_training_data(
    config: TrainConfig,
    detector: Detector,
    cache: Path,
    progress: Callable[[int], None] = lambda _done: None,
) -> TrainingData:
    """Crop the faces of all photos of a run, or map the like crops of an earlier run.

    Rows of a manifest whose `split` is another than "train" are left out.

    Args:
        config: its sources, size and margin decide the crops.
        detector: finds the face where a manifest has no landmarks.
        cache: folder for the cached crops; it may hold those of other settings too.
        progress: is told the number of photos done.

    Raises:
        BadTrainingData: no photo is left to train on.
        BadSource: a folder cannot be read.
    """
    sources = [open_source(Path(path)) for path in config.sources]
    key = _cache_key(sources, config)
    crops_file, meta_file = cache / f"{key}.u8", cache / f"{key}.json"
    side = cached_size(config.size_px)
    if not meta_file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        # The network's crop is (1 + 2 margin) boxes wide; the cached one adds JITTER_MARGIN of
        # that.
        margin = ((1 + 2 * config.crop_margin) * (1 + 2 * JITTER_MARGIN) - 1) / 2
        photos = (
            (number, photo)
            for number, source in enumerate(sources)
            for photo in source
            if photo.row.get("split", TRAIN_SPLIT) == TRAIN_SPLIT
        )
        _write_cache(photos, detector, side, margin, crops_file, meta_file, progress)
    meta = json.loads(meta_file.read_text(encoding="utf-8"))
    if not meta["people"]:
        raise BadTrainingData(f"no photo to train on in {config.sources}: {meta['report']}")
    people = np.array(meta["people"], np.int64)
    crops: Crops = np.memmap(crops_file, np.uint8, mode="r", shape=(len(people), side, side, 3))
    return TrainingData(crops, people, np.array(meta["sources"], np.int64), meta["report"])


def box_from_landmarks(row: Mapping[str, str]) -> Box | None:
    """The box that the frontal cascade would give, from eyes and mouth; None without them.

    The larger of two estimates is taken, since a turned head brings the eyes together and a raised
    one brings eyes and mouth together.
    """
    try:
        x, y = ({p: float(row[f"{p}_{axis}"]) for p in ("le", "re", "ml", "mr")} for axis in "xy")
    except (KeyError, ValueError):
        return None
    eyes = np.array([x["le"] + x["re"], y["le"] + y["re"]]) / 2
    mouth = np.array([x["ml"] + x["mr"], y["ml"] + y["mr"]]) / 2
    apart = float(np.hypot(x["re"] - x["le"], y["re"] - y["le"]))
    side = max(apart / EYE_TO_EYE, float(np.linalg.norm(mouth - eyes)) / EYES_TO_MOUTH)
    left, top = eyes - side * np.array([EYES_X, EYES_Y])
    return Box(round(left), round(top), round(side), round(side))


def _write_cache(
    photos: Iterator[tuple[int, Photo]],
    detector: Detector,
    side: int,
    margin: float,
    crops_file: Path,
    meta_file: Path,
    progress: Callable[[int], None],
) -> None:
    """Stream crops into a raw file; the .json, written last, says that it is whole."""
    index: dict[str, int] = {}
    people: list[int] = []
    sources: list[int] = []
    report: Counter[str] = Counter()

    def crop(numbered: tuple[int, Photo]) -> tuple[Image | None, str]:
        photo = numbered[1]
        try:
            image = decode_image(photo.read())
        except FaceError as error:
            return None, f"dropped: {type(error).__name__}"
        box, how = _find_box(photo, image, detector)
        return crop_face(image, box, margin=margin, size_px=side), how

    partial = crops_file.with_suffix(".partial")
    with partial.open("wb") as file, ThreadPoolExecutor() as pool:
        while some := list(islice(photos, DECODED_TOGETHER)):
            for (number, photo), (image, how) in zip(some, pool.map(crop, some), strict=True):
                report[how] += 1
                if image is not None:
                    file.write(image.tobytes())
                    sources.append(number)
                    named = photo.person is not None
                    people.append(
                        index.setdefault(str(photo.person), len(index)) if named else UNLABELLED
                    )
            progress(sum(report.values()))
    partial.replace(crops_file)
    meta = {"people": people, "sources": sources, "report": dict(report)}
    meta_file.write_text(json.dumps(meta), encoding="utf-8")


def _find_box(photo: Photo, image: Image, detector: Detector) -> tuple[Box, str]:
    """The face's box and how it was found; a photo to train on is taken to show one person."""
    if box := box_from_landmarks(photo.row):
        return box, "box from landmarks"
    if found := largest(detector.detect(image)):
        return found.box, "box from detector"
    side = min(image.shape[:2])
    left, top = (image.shape[1] - side) // 2, (image.shape[0] - side) // 2
    return Box(left, top, side, side), "box is the middle of the photo"


def _cache_key(sources: Sequence[PhotoSource], config: TrainConfig) -> str:
    """A digest of everything that decides the crops: geometry, and name and place of each photo."""
    digest = hashlib.sha256(repr((config.size_px, config.crop_margin, JITTER_MARGIN)).encode())
    for source in sources:
        digest.update(str(source.path.resolve()).encode())
        for photo in source:
            digest.update(f"{photo.name}\0{photo.person}\n".encode())
    return digest.hexdigest()[:16]
