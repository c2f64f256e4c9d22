"""Entries: the photos of a data set as its reader knows them, before any is opened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

SplitPolicy: TypeAlias = Literal["given", "people", "photos", "sample"]
"""How photos are divided into train, val and test: as the set itself says, whole people, the photos
of each person, or so many of each person."""

SPLITS = ("train", "val", "test")

CARRIED = ("source", "gender", "age")
"""Columns that are handed on as they are."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One photo.

    Attributes:
        name: its path below the folder of the set, or its name within `shard`.
        person: who is on it; empty where nobody is named.
        shard: the tar that it lies in; empty for a plain file.
        split: the set's own, one of `SPLITS`; empty where it says nothing.
        dropped: why the reader leaves it out; empty where it does not.
        columns: what else is known: `CARRIED`, `width` and `height` in pixels, and hints as in
            training.framing.
    """

    name: str
    person: str = ""
    shard: str = ""
    split: str = ""
    dropped: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


class Reader(Protocol):
    """Lists the photos of one data set and reads them. Iterating again starts anew."""

    def describe(self) -> dict[str, str | float | None]:
        """Layout, folder, and what else decides which photos it lists and how."""
        ...

    @property
    def usual_split(self) -> SplitPolicy:
        """How it is divided where nothing else is asked for."""
        ...

    def __iter__(self) -> Iterator[Entry]:
        """The photos in a stable order."""
        ...

    def read(self, name: str, shard: str) -> bytes:
        """The bytes of a photo. Thread-safe.

        Raises:
            BadSource: they cannot be read.
        """
        ...
