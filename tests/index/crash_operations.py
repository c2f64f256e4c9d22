"""What a thread does to a gallery in the crash test, and the plain state that it leads to.

["enrol", PERSON, PHOTOS]  ["rename", OLD, NEW]  ["move", PHOTO, PERSON]
["erase", PHOTO]           ["erase-person", PERSON]
"""

import random
from typing import Any

from index.errors import NotFound
from index.gallery import Gallery
from index.records import FaceChange
from tests.index.conftest import make_new_face

PEOPLE = 5
"""Names that a thread chooses from."""

State = dict[str, str]
"""Photo -> name of its person, of one thread."""


def after(state: State, operation: list[Any]) -> State:
    """The state that an operation leads to."""
    kind, *what = operation
    if kind == "enrol":
        person, photos = what
        return state | dict.fromkeys(photos, person)
    if kind == "rename":  # to a name that is taken: merges
        old, new = what
        return {photo: new if name == old else name for photo, name in state.items()}
    if kind == "move":
        photo, person = what
        return state | {photo: person}
    if kind == "erase":
        return {photo: name for photo, name in state.items() if photo != what[0]}
    assert kind == "erase-person"
    return {photo: name for photo, name in state.items() if name != what[0]}


def choose(number: int, state: State, dice: random.Random) -> list[Any]:
    """An operation on the people of one thread."""
    somebody = f"T{number} P{dice.randrange(PEOPLE)}"
    kind = dice.choice(["enrol", "enrol", "rename", "move", "erase", "erase-person"])
    if kind == "enrol" or not state:
        photos = [f"{number}-{dice.getrandbits(60)}" for _ in range(dice.randint(1, 3))]
        return ["enrol", somebody, photos]
    photo = dice.choice(sorted(state))
    if kind == "move":
        return ["move", photo, somebody]
    if kind == "rename":
        return ["rename", state[photo], somebody]
    return ["erase", photo] if kind == "erase" else ["erase-person", state[photo]]


def do(gallery: Gallery, operation: list[Any]) -> None:
    """Carry an operation out."""
    kind, *what = operation
    if kind == "enrol":
        person, photos = what
        gallery.add([_new_face(person, photo) for photo in photos])
    elif kind == "rename":
        gallery.rename_person(_person_id(gallery, what[0]), what[1])
    elif kind == "move":
        gallery.change_face(_face_id(gallery, what[0]), FaceChange(person=what[1]))
    elif kind == "erase":
        gallery.erase_face(_face_id(gallery, what[0]))
    else:
        gallery.erase_person(_person_id(gallery, what[0]))


def _new_face(person: str, photo: str) -> Any:
    seed = int(photo.split("-")[1]) % 2**31
    changes = {"source_name": photo, "photo_sha256": photo, "context": bytes(seed % 20_000)}
    return make_new_face(person, seed, **changes)


def _person_id(gallery: Gallery, name: str) -> str:
    person = gallery.person_called(name)
    if person is None:
        raise NotFound("person", name)
    return person.person_id


def _face_id(gallery: Gallery, photo: str) -> str:
    face = gallery.face_by_photo(None, photo)
    if face is None:
        raise NotFound("face", photo)
    return face.face_id
