import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from faces.decode import decode_image
from index.errors import InvalidCursor, InvalidEmbedding, InvalidName, NotFound
from index.gallery import Gallery
from tests.index.conftest import make_card, make_new_face, unit


def rows(gallery: Gallery, query: str) -> list[tuple]:
    with gallery._database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_an_enrolled_face_keeps_all_that_it_was_given(gallery, new_face):
    before = datetime.now(UTC)
    [enrolled] = gallery.add([new_face("Ana", 5, metadata={"film": "Zoë", "year": 1999})])
    face = gallery.face(enrolled.face.face_id)
    assert face == enrolled.face
    assert not enrolled.duplicate
    assert (face.person, face.source_name, face.confidence) == ("Ana", "5.jpg", 0.75)
    assert (face.box.left, face.box.top, face.box.width, face.box.height) == (5, 2, 30, 32)
    assert face.metadata == {"film": "Zoë", "year": 1999}
    assert before <= face.created_at <= datetime.now(UTC)


def test_an_enrolled_face_is_found_at_once(gallery, new_face):
    gallery.add([new_face("Ana", 1), new_face("Bea", 2)])
    [matches] = gallery.search(unit(2)[None], k=9)
    assert [match.face.person for match in matches] == ["Bea", "Ana"]
    assert matches[0].similarity == pytest.approx(1)
    assert matches[0].faces_of_person == 1


def test_the_same_photo_of_the_same_person_enrols_nothing_new(gallery, new_face):
    first = gallery.add([new_face("Ana", 1)])[0].face
    again = gallery.add([new_face(" Ana ", 1, embedding=unit(7)), new_face("Ana", 2)])
    assert [(item.duplicate, item.face.face_id == first.face_id) for item in again] == [
        (True, True),
        (False, False),
    ]
    assert gallery.stats().faces == 2


def test_the_same_photo_twice_in_one_request_is_enrolled_once(gallery, new_face):
    one, two = gallery.add([new_face("Ana", 1), new_face("Ana", 1)])
    assert (one.duplicate, two.duplicate) == (False, True)
    assert one.face == two.face
    assert [item.duplicate for item in gallery.add([new_face("Ana", 1)])] == [True]
    assert gallery.stats().faces == 1


def test_the_same_photo_may_show_two_people(gallery, new_face):
    enrolled = gallery.add([new_face("Ana", 1), new_face("Bea", 1)])
    assert not any(item.duplicate for item in enrolled)
    assert gallery.stats().people == 2


def test_names_differ_by_case_but_not_by_their_unicode_form(gallery, new_face):
    gallery.add([new_face("Zoë", 1), new_face("Zoe\u0308", 2), new_face("zoë", 3)])
    people = gallery.people().items
    assert [(person.person, person.faces) for person in people] == [("Zoë", 2), ("zoë", 1)]


def test_a_photo_is_known_for_its_person_only(gallery, new_face):
    face = new_face("Ana", 1)
    gallery.add([face])
    assert gallery.has_photo("Ana", face.photo_sha256)
    assert not gallery.has_photo("Bea", face.photo_sha256)
    assert not gallery.has_photo("Ana", "0" * 64)


def test_one_bad_face_keeps_all_others_out(gallery, new_face):
    with pytest.raises(InvalidName):
        gallery.add([new_face("Ana", 1), new_face("\n", 2)])
    with pytest.raises(InvalidEmbedding):
        gallery.add([new_face("Ana", 1), new_face("Bea", 2, embedding=2 * unit(2))])
    with pytest.raises(InvalidEmbedding):
        gallery.add([new_face("Ana", 1, embedding=unit(1, dimension=5))])
    stats = gallery.stats()
    assert (stats.people, stats.faces, stats.index_size, stats.last_seq) == (0, 0, 0, 0)


def test_adding_nothing_does_nothing(gallery):
    assert gallery.add([]) == []
    assert gallery.stats().last_seq == 0


def test_file_names_that_are_no_unicode_are_made_fit_to_print(gallery, new_face):
    [enrolled] = gallery.add([new_face("Ana", 1, source_name="a\udcff\x1b[2J.jpg")])
    assert gallery.face(enrolled.face.face_id).source_name == "a??[2J.jpg"


def test_more_faces_than_one_statement_takes_are_enrolled_in_order(gallery, new_face):
    enrolled = gallery.add([new_face(f"P{seed % 7}", seed) for seed in range(1203)])
    assert [item.face.source_name for item in enrolled] == [f"{seed}.jpg" for seed in range(1203)]
    assert gallery.stats().faces == gallery.stats().index_size == 1203


@pytest.mark.parametrize("k", [1, 3, 9])
@pytest.mark.parametrize("group_by", ["person", "face"])
def test_search_agrees_with_comparing_everything(gallery, new_face, k, group_by):
    faces = [new_face(f"P{seed % 13}", seed) for seed in range(150)]
    gallery.add(faces)
    queries = np.stack([unit(1000 + seed) for seed in range(5)])
    answers = gallery.search(queries, k=k, group_by=group_by)
    for query, matches in zip(queries, answers, strict=True):
        scores = sorted(((float(query @ f.embedding), f) for f in faces), key=lambda item: -item[0])
        expected, seen = [], set()
        for _score, face in scores:
            group = face.person if group_by == "person" else face.source_name
            if group not in seen and len(expected) < k:
                seen.add(group)
                expected.append((face.source_name, face.person))
        assert [(m.face.source_name, m.face.person) for m in matches] == expected
        assert [m.faces_of_person for m in matches] == [
            sum(f.person == m.face.person for f in faces) for m in matches
        ]


def test_one_person_with_many_near_faces_does_not_crowd_out_the_others(gallery, new_face):
    probe = unit(0)
    near = [new_face("Crowd", seed, embedding=nudged(probe, seed)) for seed in range(1, 400)]
    far = [new_face(f"Far {seed}", 1000 + seed) for seed in range(8)]
    gallery.add(near + far)
    [matches] = gallery.search(probe[None], k=9)
    assert len(matches) == 9
    assert matches[0].face.person == "Crowd"
    assert len({match.face.person for match in matches}) == 9


def nudged(vector: np.ndarray, seed: int) -> np.ndarray:
    moved = vector + 0.05 * unit(seed)
    return moved / np.linalg.norm(moved)


def test_equal_faces_come_in_the_order_of_their_ids_however_many_tie(gallery, new_face):
    same = unit(3)
    gallery.add([new_face(f"P{seed}", seed, embedding=same) for seed in range(60)])
    [all_of_them] = gallery.search(same[None], k=60)
    ids = [match.face.face_id for match in all_of_them]
    assert ids == sorted(ids)
    [best] = gallery.search(same[None], k=2)
    assert [match.face.face_id for match in best] == ids[:2]


def test_an_empty_gallery_has_no_matches(gallery):
    assert gallery.search(np.stack([unit(1), unit(2)]), k=3) == [[], []]


def test_no_probe_is_no_answer(gallery, new_face):
    gallery.add([new_face("Ana", 1)])
    assert gallery.search(np.empty((0, 16), np.float32), k=3) == []


def test_a_search_is_refused_that_makes_no_sense(gallery):
    with pytest.raises(ValueError, match="k = 0"):
        gallery.search(unit(1)[None], k=0)
    with pytest.raises(InvalidEmbedding, match=r"\(N, 16\)"):
        gallery.search(unit(1, dimension=5)[None], k=1)
    with pytest.raises(InvalidEmbedding, match="not 1"):
        gallery.search(3 * unit(1)[None], k=1)


def test_a_crop_is_what_the_encoder_saw_and_no_larger_than_256_px(open_gallery, tmp_path, new_face):
    [enrolled] = (gallery := open_gallery()).add([new_face("Ana", 200)])
    crop = decode_image(gallery.crop(enrolled.face.face_id))
    assert crop.shape == (38, 38, 3)  # 64 px hold twice the box; 1.2 times the box is 0.6 of it
    assert abs(int(crop.mean()) - 200) <= 2


def test_a_search_never_shows_a_face_that_the_store_has_not(gallery, new_face):
    enrolled = gallery.add([new_face("Ana", seed) for seed in range(5)] + [new_face("Bea", 9)])
    assert gallery.stats().index_size == 6
    gallery.catch_up = lambda: None  # the index lags behind
    gallery._projection.catch_up = lambda: None
    for item in enrolled[:5]:
        gallery.erase_face(item.face.face_id)
    assert gallery.stats().index_size == 6
    [matches] = gallery.search(unit(0)[None], k=1)
    assert [match.face.person for match in matches] == ["Bea"]


def test_an_erased_face_is_gone_from_everywhere(gallery, new_face):
    first, second = (item.face for item in gallery.add([new_face("Ana", 1), new_face("Ana", 2)]))
    gallery.erase_face(first.face_id)
    for look in (gallery.face, gallery.crop, gallery.erase_face):
        with pytest.raises(NotFound, match="no face has the id"):
            look(first.face_id)
    [matches] = gallery.search(unit(1)[None], k=9, group_by="face")
    assert [(match.face.face_id, match.faces_of_person) for match in matches] == [
        (second.face_id, 1)
    ]
    assert gallery.stats().index_size == 1
    assert rows(gallery, "SELECT count(*) FROM embedding") == [(1,)]
    assert rows(gallery, "SELECT count(*) FROM context_crop") == [(1,)]


def test_a_person_goes_with_the_last_face(gallery, new_face):
    [enrolled] = gallery.add([new_face("Ana", 1)])
    gallery.erase_face(enrolled.face.face_id)
    assert gallery.people().items == []
    assert rows(gallery, "SELECT count(*) FROM person") == [(0,)]


def test_erasing_a_person_erases_all_faces_and_counts_them(gallery, new_face):
    enrolled = gallery.add([new_face("Ana", 1), new_face("Ana", 2), new_face("Bea", 3)])
    assert gallery.erase_person(enrolled[0].face.person_id) == 2
    assert [person.person for person in gallery.people().items] == ["Bea"]
    assert gallery.stats().index_size == 1
    with pytest.raises(NotFound, match="no person has the id"):
        gallery.erase_person(enrolled[0].face.person_id)


def test_an_erased_photo_can_be_enrolled_again(gallery, new_face):
    first = gallery.add([new_face("Ana", 1)])[0].face
    gallery.erase_face(first.face_id)
    [again] = gallery.add([new_face("Ana", 1)])
    assert not again.duplicate
    assert again.face.face_id != first.face_id
    assert gallery.search(unit(1)[None], k=1)[0][0].face.face_id == again.face.face_id


def test_keys_of_erased_faces_are_never_used_again(gallery, new_face):
    [first] = gallery.add([new_face("Ana", 1)])
    gallery.erase_face(first.face.face_id)
    gallery.add([new_face("Ana", 2)])
    assert rows(gallery, "SELECT operation, face_key FROM change_log ORDER BY seq") == [
        ("add", 1),
        ("remove", 1),
        ("add", 2),
    ]


def test_the_logs_hold_ids_only(open_gallery, new_face):
    gallery = open_gallery(actor="tester")
    [enrolled] = gallery.add([new_face("Ana", 1)])
    gallery.erase_person(enrolled.face.person_id)
    face = enrolled.face
    entries = rows(gallery, "SELECT actor, action, person_id, face_id FROM audit_log ORDER BY key")
    assert entries == [
        ("tester", "enrol", face.person_id, face.face_id),
        ("tester", "erase", face.person_id, face.face_id),
    ]


def walk(page_of, **options):
    """All items of a listing, page by page; each page has the same total."""
    items, cursor, totals = [], None, set()
    while True:
        page = page_of(cursor=cursor, **options)
        items += page.items
        totals.add(page.total)
        cursor = page.next_cursor
        if cursor is None:
            return items, totals


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_pages_of_faces_hold_each_face_once_in_the_order_of_enrolment(gallery, new_face, limit):
    gallery.add([new_face(f"P{seed % 2}", seed) for seed in range(7)])
    items, totals = walk(gallery.faces, limit=limit)
    assert [face.source_name for face in items] == [f"{seed}.jpg" for seed in range(7)]
    assert totals == {7}
    mine, totals = walk(gallery.faces, limit=limit, person=" P1 ")
    assert [face.source_name for face in mine] == ["1.jpg", "3.jpg", "5.jpg"]
    assert totals == {3}


def test_an_unknown_person_has_no_faces(gallery):
    assert gallery.faces(person="Nobody").items == []


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_people_come_by_name_whatever_the_case(gallery, new_face, limit):
    names = ["bea", "Ana", "ana", "Al Pacino", "Álvaro", "al green", "al%"]
    gallery.add([new_face(name, seed) for seed, name in enumerate(names)])
    items, totals = walk(gallery.people, limit=limit)
    assert [person.person for person in items] == [
        "al green",
        "Al Pacino",
        "al%",
        "Ana",
        "ana",
        "bea",
        "Álvaro",
    ]
    assert totals == {7}
    some, totals = walk(gallery.people, limit=limit, prefix="AL")
    assert [person.person for person in some] == ["al green", "Al Pacino", "al%"]
    assert totals == {3}


def test_a_cursor_stays_good_while_others_come_and_go(gallery, new_face):
    gallery.add([new_face(name, seed) for seed, name in enumerate("bdfh")])
    first = gallery.people(limit=2)
    assert [person.person for person in first.items] == ["b", "d"]
    gallery.add([new_face("a", 10), new_face("e", 11)])
    gallery.erase_person(first.items[1].person_id)
    rest = gallery.people(limit=9, cursor=first.next_cursor)
    assert [person.person for person in rest.items] == ["e", "f", "h"]


def test_cursors_of_another_listing_are_refused(gallery, new_face):
    gallery.add([new_face("Ana", 1), new_face("Bea", 2)])
    with pytest.raises(InvalidCursor):
        gallery.people(cursor=gallery.faces(limit=1).next_cursor)
    with pytest.raises(InvalidCursor):
        gallery.faces(cursor="nonsense")


@given(
    names=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=12),
    limit=st.integers(1, 5),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_walking_the_pages_of_any_people_finds_each_once(tmp_path_factory, names, limit):
    data = tmp_path_factory.mktemp("any")
    with Gallery.open(data, encoder=make_card()) as gallery:
        enrolled = []
        for seed, name in enumerate(names):
            try:
                enrolled += gallery.add([make_new_face(name, seed)])
            except InvalidName:
                continue
        items, _ = walk(gallery.people, limit=limit)
        assert sorted(person.person for person in items) == sorted(
            {item.face.person for item in enrolled}
        )


def test_many_threads_may_add_search_and_erase(gallery, new_face):
    gallery.add([new_face("Fixed", 9999)])
    errors: list[BaseException] = []

    def busy(worker: int) -> None:
        try:
            for turn in range(10):
                seed = worker * 100 + turn
                [enrolled] = gallery.add([new_face(f"P{worker}", seed)])
                [matches] = gallery.search(unit(seed)[None], k=1)
                assert matches[0].face.face_id == enrolled.face.face_id
                if turn % 3 == 0:
                    gallery.erase_face(enrolled.face.face_id)
                assert gallery.search(unit(9999)[None], k=1)[0][0].face.person == "Fixed"
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            errors.append(error)

    threads = [threading.Thread(target=busy, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert gallery.stats().faces == gallery.stats().index_size == 1 + 4 * 6
