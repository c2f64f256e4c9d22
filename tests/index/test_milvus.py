"""The index on Milvus: the suite of every index, FAISS beside it, and galleries that share one.

A real server. Its sessions wait for what they wrote, up to half a second a search.
"""

import secrets
from itertools import count as counter

import numpy as np
import pytest

from index.errors import ExtraMissing, IndexUnavailable, UnknownIndexKind
from index.layered_index import LayeredIndex
from index.milvus import MilvusFaces, MilvusIndex
from index.milvus_options import MilvusOptions
from tests.index.conftest import make_card, make_new_face, unit
from tests.index.test_vector_index import (
    DIMENSION,
    keys,
    test_a_removed_face_is_not_found_again_and_removing_twice_does_no_harm,  # noqa: F401
    test_a_vector_finds_itself_first,  # noqa: F401
    test_adding_a_face_again_replaces_its_vector,  # noqa: F401
    test_an_empty_index_answers_with_nothing,  # noqa: F401
    test_no_more_is_found_than_there_is,  # noqa: F401
    test_vectors_that_are_no_embeddings_are_refused_and_change_nothing,  # noqa: F401
    units,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", params=["FLAT", "HNSW"])
def faces(request, milvus):
    """The faces of a gallery, indexed exactly and as a graph."""
    options = MilvusOptions(milvus.uri, index_type=request.param)
    opened = MilvusFaces(options, f"lookalike_{secrets.token_hex(8)}", DIMENSION)
    yield opened
    opened.drop()
    opened.close()


numbers = counter(1)


@pytest.fixture
def make(faces):
    """Makes empty indexes: collections of ours within one of Milvus."""
    faces.empty()
    return lambda _dimension=DIMENSION: MilvusIndex(faces, next(numbers))


@pytest.fixture
def options(milvus):
    return {"index_kind": MilvusOptions(milvus.uri)}


def test_milvus_and_faiss_agree_after_any_steps(make):
    ours, theirs = make(), LayeredIndex(DIMENSION)
    rng = np.random.default_rng(5)
    for _ in range(12):
        some = rng.choice(40, size=6, replace=False)
        if rng.random() < 0.65:
            vectors = units(6, seed=int(rng.integers(1000)))
            ours.add(some, vectors)
            theirs.add(some, vectors)
        else:
            ours.remove(some)
            theirs.remove(some)
        queries = units(3, seed=int(rng.integers(1000)))
        for count in (1, 7, 50):
            mine, expected = ours.search(queries, count), theirs.search(queries, count)
            assert mine[0] == pytest.approx(expected[0], abs=1e-5)
            assert mine[1].tolist() == expected[1].tolist()
        assert ours.size == theirs.size


def test_collections_are_apart(make):
    one, two = make(), make()
    one.add(keys(1), units(1))
    two.add(keys(2, 3), units(2, seed=1))
    assert (one.size, two.size) == (1, 2)
    assert one.search(units(1), 9)[1].tolist() == [[1]]


def test_a_collection_of_another_dimension_is_refused(faces, milvus):
    with pytest.raises(IndexUnavailable, match="vectors of 8 numbers, not of 9: drop it there"):
        MilvusFaces(MilvusOptions(milvus.uri), faces.name, 9)


def test_a_server_that_is_away_is_told_with_what_to_do():
    with pytest.raises(IndexUnavailable, match=r"cannot be used .* is Milvus running there"):
        MilvusFaces(MilvusOptions("http://127.0.0.1:1", token="root:secret"), "faces", 8)


def test_a_gallery_finds_changes_and_erases_through_milvus(open_gallery, options):
    gallery = open_gallery(**options, serve=True)
    [ana, bea] = gallery.add([make_new_face("Ana", 1), make_new_face("Bea", 2)])
    [matches] = gallery.search(unit(2)[None], k=9)
    assert [match.face.person for match in matches] == ["Bea", "Ana"]
    assert matches[0].similarity == pytest.approx(1)
    gallery.rename_person(bea.face.person_id, "Cleo")
    assert gallery.search(unit(2)[None], k=1)[0][0].face.person == "Cleo"
    gallery.erase_face(ana.face.face_id)
    assert [match.face.person for match in gallery.search(unit(1)[None], k=9)[0]] == ["Cleo"]
    gallery.maintain()
    stats = gallery.stats()
    assert (stats.index_kind, stats.faces, stats.index_size) == ("milvus", 1, 1)


def test_a_gallery_on_milvus_is_opened_again_with_what_came_meanwhile(open_gallery, options):
    with open_gallery(**options, serve=True) as gallery:
        gallery.add([make_new_face("Ana", 1)])
    with open_gallery() as beside:  # another process, which has an index of its own
        beside.add([make_new_face("Bea", 2)])
    gallery = open_gallery(**options, serve=True)
    assert gallery.search(unit(2)[None], k=1)[0][0].face.person == "Bea"
    assert gallery.stats().index_size == 2


def test_what_milvus_has_lost_is_fed_again_at_the_next_start(open_gallery, options):
    with open_gallery(**options, serve=True) as gallery:
        gallery.add([make_new_face("Ana", 1), make_new_face("Bea", 2)])
        gallery._projection._faces.delete(keys(1))
    gallery = open_gallery(**options, serve=True)
    assert gallery.search(unit(1)[None], k=1)[0][0].face.person == "Ana"


def test_galleries_share_one_postgresql_and_one_milvus(
    open_gallery, options, empty_postgres, tmp_path
):
    url = empty_postgres()
    one = open_gallery(**options, store_url=url, serve=True)
    two = open_gallery(**options, store_url=url, serve=True)
    for turn in range(3):
        first, second = (one, two) if turn % 2 else (two, one)
        [made] = first.add([make_new_face(f"P{turn}", turn)])
        assert second.search(unit(turn)[None], k=1)[0][0].face.person == f"P{turn}"
        second.erase_face(made.face.face_id)
        assert first.search(unit(turn)[None], k=1)[0] == []
    assert not (tmp_path / "data").exists()  # nothing is kept on this machine


def test_what_is_enrolled_while_milvus_is_away_is_found_once_it_is_back(
    open_gallery, options, monkeypatch
):
    gallery = open_gallery(**options, serve=True)

    def away(_faces):
        raise IndexUnavailable("Milvus is away")

    with monkeypatch.context() as patched:  # the service's tests stop a real one
        patched.setattr(gallery._projection, "_catch_up", away)
        gallery.add([make_new_face("Ana", 1)])  # it is stored, so it is acknowledged
        with pytest.raises(IndexUnavailable):
            gallery.search(unit(1)[None], k=1)
    assert gallery.search(unit(1)[None], k=1)[0][0].face.person == "Ana"


def test_milvus_without_a_place_or_without_its_package_is_refused(
    open_gallery, options, monkeypatch
):
    with pytest.raises(UnknownIndexKind, match="needs LOOKALIKE_MILVUS_URI"):
        open_gallery(index_kind="milvus")
    monkeypatch.setitem(__import__("sys").modules, "index.shared_projection", None)
    with pytest.raises(ExtraMissing, match="extra `milvus`"):
        open_gallery(**options)


def test_another_dimension_has_a_collection_of_its_own(open_gallery, options):
    gallery = open_gallery(**options, encoder=make_card("other", 8))
    gallery.add([make_new_face("Ana", 1, embedding=unit(1, 8))])
    index, vectors = gallery._projection.index(1), unit(1, 8)[None]
    assert index.search(vectors, 1)[1].shape == (1, 1)
