"""The file that names the files of a snapshot: a checksum, then JSON that it is of."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from index.base_file import BadFile, check_trusted
from index.files import write_whole

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Origin:
    """What a snapshot must belong to, to be of use.

    Attributes:
        gallery: id of the store.
        contract_hash: of the encoder.
        kind: of the vector index, as it was asked for.
        dimension: D.
    """

    gallery: str
    contract_hash: str
    kind: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Entry:
    """The files of one collection, and how many of what the rest holds."""

    base: str | None
    rest: str
    sha256: str
    digests: int
    dead: int
    delta: int


def read_manifest(path: Path, origin: Origin) -> tuple[int, dict[int, Entry]]:
    """The sequence number and the entry of each collection.

    Raises:
        BadFile: missing, damaged, not to be trusted, or not of this origin.
        OSError: it cannot be read.
    """
    check_trusted(path)
    digest, _, written = path.read_bytes().partition(b"\n")
    if hashlib.sha256(written).hexdigest().encode() != digest:
        raise BadFile("it is damaged: its checksum differs")
    try:
        raw = json.loads(written)
        if raw["format"] != FORMAT or Origin(**raw["origin"]) != origin:
            raise BadFile("it belongs to another gallery, encoder, kind or version")
        entries = {int(key): Entry(**entry) for key, entry in raw["collections"].items()}
        return int(raw["seq"]), entries
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadFile(f"its content makes no sense: {error}") from error


def write_manifest(path: Path, origin: Origin, seq: int, entries: Mapping[int, Entry]) -> None:
    """Replace the manifest at once.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    content = {
        "format": FORMAT,
        "origin": asdict(origin),
        "seq": seq,
        "collections": {str(key): asdict(entry) for key, entry in entries.items()},
    }
    written = json.dumps(content).encode()
    write_whole(path, hashlib.sha256(written).hexdigest().encode() + b"\n" + written)
