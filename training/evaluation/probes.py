"""Probes: labelled photos, each cropped as an encoder's card asks.

    photos -> decode -> find the face (manifest, else detector, else fallback) -> crop -> Probes

Photos that a manifest marks as near duplicates (`near_dup_of`) or as wrongly labelled
(`label_issue`) are left out and counted, and so are photos that cannot be read. A photo in which no
face is found is never left out: it takes the FALLBACK crop, and is counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.card import InputSpec
from faces.decode import decode_image
from faces.errors import ImageError
from faces.sources import Photo
from faces.types import Crops, Detector, Image
from training.errors import BadTrainingData
from training.framing import Framing, Hints, cut, find_face, middle_of, read_hints

FacesBy: TypeAlias = Literal["manifest", "detector"]
"""Where faces come from: what the manifest says (the detector where it says nothing), or the
detector alone, as the service would see the photo."""

FALLBACK = "the largest square in the middle of the photo is taken as the face's box"
"""What becomes of a photo in which no face is found."""

AGE_GROUPS = ((18, "under 18"), (30, "18 to 29"), (45, "30 to 44"), (60, "45 to 59"))
OLDEST = "60 and over"


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """The faces of a labelled set of photos.

    Attributes:
        crops: uint8 (N, S, S, 3), one a photo.
        people: int64 (N,), index into `names` of the person on each.
        names: the P people, sorted.
        photos: the N photos' names.
        fallback: bool (N,), True where no face was found.
        landmarks: float32 (N, 5, 2) in pixels of the photo; NaN where unknown.
        groups: "gender", "age group" -> the group of each photo, "" where unknown; only what the
            photos' metadata has.
        left_out: reason -> number of photos.
        found: how the face was found -> number of photos.
    """

    crops: Crops
    people: npt.NDArray[np.int64]
    names: tuple[str, ...]
    photos: tuple[str, ...]
    fallback: npt.NDArray[np.bool_]
    landmarks: npt.NDArray[np.float32]
    groups: Mapping[str, npt.NDArray[np.str_]]
    left_out: Mapping[str, int]
    found: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """One photo: its crop, how its face was found, and its landmarks where they are known."""

    photo: Photo
    crop: Image
    how: str
    landmarks: npt.NDArray[np.float32] | None
    fallback: bool


def load_probes(
    photos: Sequence[Photo],
    detector: Detector,
    spec: InputSpec,
    *,
    faces_by: FacesBy = "manifest",
    workers: int = 1,
) -> Probes:
    """Read and crop labelled photos.

    Args:
        photos: photos without a person are left out.
        detector: as the service has it; its landmarks are used where it gives some.
        spec: the encoder's input: size, margin and alignment decide the crop.
        faces_by: see `FacesBy`.
        workers: photos read at once.

    Raises:
        BadTrainingData: no photo is left, or nobody has two.
        BadSource: a photo's file cannot be read.
    """
    reasons = [_why_left_out(photo) for photo in photos]
    kept = [photo for photo, reason in zip(photos, reasons, strict=True) if not reason]
    left_out = Counter(reason for reason in reasons if reason)
    framing = Framing(
        "landmarks" if spec.alignment == "landmarks" else "box", spec.crop_margin, spec.size_px
    )

    def read(photo: Photo) -> _Read | None:
        try:
            image = decode_image(photo.read())
        except ImageError:
            return None
        hints = read_hints(photo.row)
        known = hints if faces_by == "manifest" else Hints()
        seen = find_face(image, known, detector, framing.alignment)
        face = seen or middle_of(image)
        # Pose is asked of the photo, not of the detector: the manifest's landmarks come first.
        landmarks = face.landmarks if hints.landmarks is None else hints.landmarks
        return _Read(photo, cut(image, face, framing), face.how, landmarks, fallback=seen is None)

    with ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(read, kept))
    found = [item for item in done if item is not None]
    if len(found) < len(done):
        left_out["cannot be decoded"] = len(done) - len(found)
    return _together(found, left_out)


def _together(found: Sequence["_Read"], left_out: Mapping[str, int]) -> Probes:
    counts = Counter(str(item.photo.person) for item in found)
    if max(counts.values(), default=0) < 2:
        raise BadTrainingData(
            f"nobody has two labelled photos among {len(found)} (left out: {dict(left_out)})"
        )
    names = tuple(sorted(counts))
    number = {name: index for index, name in enumerate(names)}
    unknown = np.full((5, 2), np.nan, np.float32)
    return Probes(
        crops=np.stack([item.crop for item in found]),
        people=np.array([number[str(item.photo.person)] for item in found], np.int64),
        names=names,
        photos=tuple(item.photo.name for item in found),
        fallback=np.array([item.fallback for item in found]),
        landmarks=np.stack(
            [unknown if item.landmarks is None else item.landmarks for item in found]
        ),
        groups=_groups([item.photo.row for item in found]),
        left_out=dict(left_out),
        found=dict(Counter(item.how for item in found)),
    )


def age_group(age: str) -> str:
    """The group of an age in years; "" for what is no age."""
    try:
        years = float(age)
    except ValueError:
        return ""
    if not 0 <= years < 130:
        return ""
    return next((name for limit, name in AGE_GROUPS if years < limit), OLDEST)


def _why_left_out(photo: Photo) -> str:
    if not photo.person:
        return "nobody is named"
    if photo.row.get("near_dup_of"):
        return "near duplicate"
    if photo.row.get("label_issue", "0") not in {"", "0"}:
        return "label issue"
    return ""


def _groups(rows: Sequence[Mapping[str, str]]) -> dict[str, npt.NDArray[np.str_]]:
    """Gender and age group of each photo, where any photo has them."""
    ages = [row.get("age_group", "") or age_group(row.get("age", "")) for row in rows]
    groups = {
        "gender": np.array([row.get("gender", "") or "" for row in rows]),
        "age group": np.array(ages),
    }
    return {name: values for name, values in groups.items() if (values != "").any()}
