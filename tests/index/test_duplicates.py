"""The report of what looks enrolled twice or under the wrong name."""

import numpy as np
import pytest

from index.duplicates import suspects
from index.ground import open_store
from tests.index.conftest import make_new_face, unit


def near(seed, other, share):
    """A unit vector between those of two seeds."""
    vector = (1 - share) * unit(seed) + share * unit(other)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def report(gallery, tmp_path, store_url):
    def make(**options):
        store = open_store(tmp_path / "data", store_url)
        try:
            return list(suspects(store, gallery, **{"collection": "default", **options}))
        finally:
            store.close()

    return make


def lines(found):
    return [(item.kind, item.person, item.other_person) for item in found]


def test_a_gallery_in_order_has_no_suspects(gallery, report):
    gallery.add([make_new_face("Ana", 1), make_new_face("Ana", 2, embedding=near(1, 2, 0.2))])
    gallery.add([make_new_face("Bo", 5)])
    assert report() == []


def test_one_photo_under_two_people_is_told(gallery, report):
    photo = {"photo_sha256": "0" * 64}
    [ana] = gallery.add([make_new_face("Ana", 1, **photo)])
    [bo] = gallery.add([make_new_face("Bo", 2, **photo)])
    [found] = report()
    assert (found.kind, found.face_id, found.other_face_id) == (
        "same-photo",
        ana.face.face_id,
        bo.face.face_id,
    )


def test_a_photo_saved_again_is_told(gallery, report):
    gallery.add([make_new_face("Ana", 1), make_new_face("Bo", 2, embedding=near(1, 2, 0.05))])
    assert lines(report()) == [("nearly-the-same", "Ana", "Bo"), ("nearly-the-same", "Bo", "Ana")]
    assert report(nearly_the_same=1.0) == []


def test_a_face_nearer_to_somebody_else_is_told_with_both_similarities(gallery, report):
    gallery.add([make_new_face("Ana", 1), make_new_face("Ana", 2, embedding=near(1, 2, 0.3))])
    [wrong] = gallery.add([make_new_face("Bo", 3, embedding=near(1, 3, 0.4))])
    gallery.add([make_new_face("Bo", 4), make_new_face("Bo", 5, embedding=near(4, 5, 0.3))])
    found = [item for item in report() if item.person == "Bo"]
    assert lines(found) == [("mislabelled", "Bo", "Ana")]
    assert found[0].face_id == wrong.face.face_id
    own = max(float(near(1, 3, 0.4) @ vector) for vector in (unit(4), near(4, 5, 0.3)))
    assert found[0].own_similarity == pytest.approx(own, abs=1e-5)
    assert found[0].similarity > own


def test_large_people_are_compared_in_pieces(gallery, report, monkeypatch):
    monkeypatch.setattr("index.duplicates.FACES_AT_ONCE", 3)
    monkeypatch.setattr("index.duplicates.MOST_FACES", 5)
    rows = [make_new_face("Ana", number, embedding=near(1, number, 0.3)) for number in range(2, 10)]
    gallery.add([*rows, make_new_face("Bo", 40)])
    assert report() == []


def test_collections_are_looked_at_apart(gallery, report):
    gallery.make_collection("staff")
    photo = {"photo_sha256": "0" * 64}
    gallery.add([make_new_face("Ana", 1, **photo)])
    gallery.add([make_new_face("Bo", 1, **photo)], collection="staff")
    assert report() == report(collection="staff") == []
