"""The cache of crops: each photo is decoded and cropped once, however often it is trained on.

KEY.u8    uint8 (N, S', S', 3), raw, mapped into memory
KEY.npz   people (N,), sources (N,), and the photos' names
KEY.json  report and names of people; written last, so it says that the others are whole
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.types import Crops, Image
from training.catalogue import Texts


@dataclass(frozen=True, slots=True, eq=False)
class Cached:
    """What one cache holds; `training.data.TrainingData` tells what the columns mean."""

    crops: Crops
    people: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]
    names: Texts
    people_names: tuple[str, ...]
    report: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CropCache:
    """The files of one key.

    Attributes:
        folder: holds the caches of other keys, too.
        key: a digest of everything that decides the crops.
        side: S' in pixels.
    """

    folder: Path
    key: str
    side: int

    @property
    def is_whole(self) -> bool:
        """Whether it has been written to the end."""
        return self._file("json").is_file()

    def append(self, crops: Iterator[Image]) -> None:
        """Write the crops, from the first to the last."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._file("partial")
        with partial.open("wb") as file:
            for crop in crops:
                file.write(crop.tobytes())
        partial.replace(self._file("u8"))

    def finish(
        self,
        people: npt.NDArray[np.int64],
        sources: npt.NDArray[np.int64],
        names: Texts,
        people_names: Sequence[str],
        report: Mapping[str, int],
    ) -> None:
        """Write what belongs to the crops that were appended."""
        np.savez(
            self._file("npz"),
            people=people,
            sources=sources,
            names=names.data,
            name_ends=names.ends,
        )
        meta = {"people_names": list(people_names), "report": dict(report)}
        partial = self._file("json.partial")
        partial.write_text(json.dumps(meta), encoding="utf-8")
        partial.replace(self._file("json"))

    def load(self) -> Cached:
        """Map the crops and read what belongs to them."""
        meta = json.loads(self._file("json").read_text(encoding="utf-8"))
        with np.load(self._file("npz"), allow_pickle=False) as arrays:
            people, sources = arrays["people"], arrays["sources"]
            names = Texts(arrays["names"], arrays["name_ends"])
        shape = (len(people), self.side, self.side, 3)
        crops: Crops = (  # an empty file cannot be mapped
            np.memmap(self._file("u8"), np.uint8, mode="r", shape=shape)
            if len(people)
            else np.empty(shape, np.uint8)
        )
        return Cached(crops, people, sources, names, tuple(meta["people_names"]), meta["report"])

    def _file(self, suffix: str) -> Path:
        return self.folder / f"{self.key}.{suffix}"
