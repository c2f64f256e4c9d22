"""The map: near on it is who looks alike, and of an erased face nothing stays."""

import numpy as np
import pytest
from sqlalchemy import func, select

from index.errors import InvalidCursor, NotFound
from index.face_map import draw, fitted, pca
from index.tables import MapPlaceRow
from tests.index.conftest import make_new_face


def places_in(gallery):
    with gallery._database.read() as connection:
        return connection.scalar(select(func.count()).select_from(MapPlaceRow))


def drawn(gallery, collection="default", layout=pca):
    return draw(
        gallery._database, collection=collection, dimension=gallery.dimension, layout=layout
    )


def test_pca_is_what_the_singular_value_decomposition_gives():
    vectors = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:2].T
    np.testing.assert_allclose(np.abs(pca(vectors)), np.abs(expected), atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_faces_have_a_map_too(count):
    vectors = np.eye(4, dtype=np.float32)[:count]
    places = fitted(pca(vectors))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_places_fill_the_square_and_keep_their_shape():
    places = fitted(np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 5.0]]))
    assert places.tolist() == [[-1.0, -0.5], [1.0, -0.5], [0.0, 0.5]]


def test_the_map_comes_in_pages_and_tells_what_is_missing(open_gallery):
    gallery = open_gallery()
    gallery.add([make_new_face(f"P{seed}", seed) for seed in range(5)])
    assert gallery.places(limit=10).missing == 5
    assert drawn(gallery) == 5
    gallery.add([make_new_face("Late", 9)])
    first = gallery.places(limit=3)
    rest = gallery.places(limit=3, cursor=first.next_cursor)
    assert [place.person for place in first.items + rest.items] == [f"P{n}" for n in range(5)]
    assert (first.total, first.missing, rest.next_cursor) == (5, 1, None)
    assert all(abs(place.x) <= 1 and abs(place.y) <= 1 for place in first.items)
    assert drawn(gallery) == 6
    assert gallery.places(limit=10).missing == 0
    with pytest.raises(InvalidCursor):
        gallery.places(limit=3, cursor="x")


def test_collections_have_maps_of_their_own(open_gallery):
    gallery = open_gallery()
    gallery.make_collection("family")
    gallery.add([make_new_face("Ada", 1)])
    gallery.add([make_new_face("Bo", 2)], collection="family")
    drawn(gallery)
    assert drawn(gallery, "family") == 1
    assert [place.person for place in gallery.places(limit=9, collection="family").items] == ["Bo"]
    assert gallery.places(limit=9).total == 1
    with pytest.raises(NotFound):
        drawn(gallery, "nobody")


def test_erasing_takes_the_place_along(open_gallery):
    gallery = open_gallery()
    first, *_ = gallery.add([make_new_face(f"P{seed}", seed) for seed in range(3)])
    drawn(gallery)
    gallery.erase_person(first.face.person_id)
    assert places_in(gallery) == 2
    assert [place.person for place in gallery.places(limit=9).items] == ["P1", "P2"]


def test_a_face_erased_while_the_map_is_drawn_gets_no_place(open_gallery):
    gallery = open_gallery()
    first, *_ = gallery.add([make_new_face(f"P{seed}", seed) for seed in range(3)])

    def slow(vectors):
        gallery.erase_face(first.face.face_id)
        return pca(vectors)

    assert drawn(gallery, layout=slow) == 2
    assert places_in(gallery) == 2
