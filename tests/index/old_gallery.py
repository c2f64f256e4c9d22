"""Writes the small gallery that tests/data/galleries keeps of each schema version.

`python -m tests.index.old_gallery v0002.db`, run with the last code of a version, before the
migration to the next one is written. Made-up vectors, and crops of the made-up people of samples/.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from faces.alignment import context_crop
from faces.jpeg import encode_jpeg
from faces.types import Box
from index.gallery import STORE_FILE, Gallery
from index.records import NewFace
from samples.generator import make_person, render
from tests.index.conftest import make_card, unit

PEOPLE = ("Ana Lark", "Zoë Finch", "Ana Lark", "Bo Wren", "Erased Person")
"""Whose the face of seed 1, 2, ... is; the last one is erased again."""


def made_up(seed: int, person: str) -> NewFace:
    """A face that follows from its seed."""
    picture = render(make_person(seed), size_px=128, yaw_deg=4.0 * seed)
    box = Box(40, 36, 48, 48)
    return NewFace(
        person=person,
        source_name=f"{person}/{seed}.jpg",
        photo_sha256=hashlib.sha256(str(seed).encode()).hexdigest(),
        box=box,
        confidence=0.9,
        embedding=unit(seed),
        context=encode_jpeg(context_crop(picture, box)),
        metadata={"seed": seed} if seed % 2 else {},
    )


def main(target: str) -> None:
    """Write the gallery's database to `target`."""
    with tempfile.TemporaryDirectory() as folder:
        with Gallery.open(Path(folder), encoder=make_card()) as gallery:
            faces = [made_up(seed, person) for seed, person in enumerate(PEOPLE, start=1)]
            *_, erased = gallery.add(faces)
            gallery.erase_person(erased.face.person_id)
        shutil.copy(Path(folder) / STORE_FILE, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
