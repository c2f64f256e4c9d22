"""Listings while others write: what is there all the while comes exactly once."""

import random

import pytest

from tests.index.conftest import make_new_face


def pages(listing, limit):
    """Page after page; the caller may change the gallery between two of them."""
    cursor = None
    while True:
        page = listing(limit=limit, cursor=cursor)
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


@pytest.mark.parametrize("seed", range(3))
def test_faces_that_stay_are_listed_once_whatever_comes_and_goes_between_pages(gallery, seed):
    rng = random.Random(seed)
    there = [
        item.face.face_id for item in gallery.add([make_new_face("Ada", n) for n in range(40)])
    ]
    erased, seen = set(), []
    for number, items in enumerate(pages(gallery.faces, limit=5)):
        seen += [face.face_id for face in items]
        for face_id in rng.sample(sorted(set(there) - erased), 3):
            gallery.erase_face(face_id)
            erased.add(face_id)
        gallery.add([make_new_face("Bo", 1000 + number)])
    assert len(seen) == len(set(seen))
    stayed = [face_id for face_id in there if face_id not in erased]
    assert [face_id for face_id in seen if face_id in set(stayed)] == stayed


@pytest.mark.parametrize("seed", range(3))
def test_people_that_stay_are_listed_once_whatever_comes_and_goes_between_pages(gallery, seed):
    rng = random.Random(seed)
    names = [f"Person {n:03}" for n in range(0, 400, 10)]
    rows = gallery.add([make_new_face(name, n) for n, name in enumerate(names)])
    ids = {item.face.person: item.face.person_id for item in rows}
    erased, seen = set(), []
    for number, items in enumerate(pages(gallery.people, limit=5)):
        seen += [person.person for person in items]
        for name in rng.sample(sorted(set(names) - erased), 3):
            gallery.erase_person(ids[name])
            erased.add(name)
        gallery.add([make_new_face(f"Person {rng.randrange(400):03} new", 1000 + number)])
    assert len(seen) == len(set(seen))
    stayed = [name for name in names if name not in erased]
    assert [name for name in seen if name in set(stayed)] == stayed
