"""CelebA as torchvision.datasets.CelebA leaves it on disk, or its photos "in the wild".

    img_align_celeba/ + list_landmarks_align_celeba.txt     178 x 218 px, aligned
    img_celeba/       + list_landmarks_celeba.txt           original photos; taken where present
    identity_CelebA.txt, list_eval_partition.txt (by person), list_attr_celeba.txt (gender)

Liu, Luo, Wang, Tang 2015, "Deep learning face attributes in the wild". The lists are read here and
not through torchvision, which wants every list of the set, whole and of one checksum.
"""

from collections.abc import Iterator
from pathlib import Path

from faces.errors import BadSource
from training.framing import LANDMARK_COLUMNS
from training.preparation.entries import SPLITS, Entry, SplitPolicy
from training.preparation.files import read_file, read_lines

IDENTITIES = "identity_CelebA.txt"
PARTITION = "list_eval_partition.txt"
ATTRIBUTES = "list_attr_celeba.txt"
WILD, ALIGNED = "img_celeba", "img_align_celeba"
LANDMARKS = {WILD: "list_landmarks_celeba.txt", ALIGNED: "list_landmarks_align_celeba.txt"}
PARTITIONS = dict(zip("012", SPLITS, strict=True))


class CelebASet:
    """Reads the set in one folder, or in the folder `celeba` in it."""

    usual_split: SplitPolicy = "given"

    def __init__(self, root: Path) -> None:
        """Find lists and photos.

        Raises:
            BadSource: the photos or the list of identities are missing.
        """
        found = find_celeba(root)
        if found is None:
            raise BadSource(f"{root} has neither {WILD} nor {ALIGNED} with {IDENTITIES}")
        self._root, self._photos = found

    def describe(self) -> dict[str, str | float | None]:
        """Layout and folder."""
        return {"layout": "celeba", "root": str((self._root / self._photos).resolve())}

    def __iter__(self) -> Iterator[Entry]:
        people = _table(self._root / IDENTITIES)
        splits = _table(self._root / PARTITION) if (self._root / PARTITION).is_file() else {}
        genders = _genders(self._root / ATTRIBUTES)
        landmarks = _landmarks(self._root / LANDMARKS[self._photos])
        for name in sorted(people):
            person = f"celeba_{int(people[name]):05d}"
            more = {"source": self._photos, "gender": genders.get(name, "")}
            split = PARTITIONS.get(splits.get(name, ""), "")
            yield Entry(name, person, split=split, columns=more | landmarks.get(name, {}))

    def read(self, name: str, shard: str) -> bytes:
        """The bytes of a photo.

        Raises:
            BadSource: they cannot be read.
        """
        assert not shard
        return read_file(self._root / self._photos / name)


def find_celeba(root: Path) -> tuple[Path, str] | None:
    """The folder of the lists, and the name of the folder of photos in it."""
    for folder in (root, root / "celeba"):
        for photos in (WILD, ALIGNED):
            if (folder / photos).is_dir() and (folder / IDENTITIES).is_file():
                return folder, photos
    return None


def _table(path: Path) -> dict[str, str]:
    """First word of each line -> second word.

    Raises:
        BadSource: a line has less than two words.
    """
    table = {}
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if len(words) < 2:
            raise BadSource(f"{path} line {number} is {line!r}; expected a file name and a number")
        table[words[0]] = words[1]
    return table


def _genders(path: Path) -> dict[str, str]:
    """File name -> "m" or "f", by the attribute Male; nothing without the list."""
    if not path.is_file():
        return {}
    _count, header, *lines = read_lines(path)
    male = header.split().index("Male") + 1
    rows = (line.split() for line in lines)
    return {row[0]: "m" if row[male] == "1" else "f" for row in rows}


def _landmarks(path: Path) -> dict[str, dict[str, str]]:
    """File name -> landmark columns; the list has them in the same order. Nothing without it."""
    if not path.is_file():
        return {}
    _count, _header, *lines = read_lines(path)
    rows = (line.split() for line in lines)
    return {row[0]: dict(zip(LANDMARK_COLUMNS, row[1:], strict=True)) for row in rows}
