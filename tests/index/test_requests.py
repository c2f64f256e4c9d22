"""Requests that are done once: across processes and restarts, for a day, naming nobody."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from index import requests
from index.errors import Conflict, NotFound
from index.requests import KeyedRequest
from tests.index.test_upkeep import marked_face, needles_of, traces


def keyed(key="key", asked="asked", note=()):
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in (key, asked)]
    return KeyedRequest(*digests, note)


@pytest.fixture
def days_later(monkeypatch):
    """Lets time pass: `days_later(1)`."""

    def pass_days(days):
        class Later(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + timedelta(days=days)

        monkeypatch.setattr("index.requests.datetime", Later)
        monkeypatch.setattr("index.store.datetime", Later)

    return pass_days


def test_a_request_is_done_once_and_answered_alike(gallery, new_face):
    faces = [new_face("Ada", 1), new_face("Ada", 2), new_face("Ada", 1)]
    first = gallery.add(faces, request=keyed(note=[(3, "/problems/no-face", "no face")]))
    assert [item.duplicate for item in first] == [False, False, True]
    assert gallery.add(faces, request=keyed()) == first
    before = gallery.done_before(keyed())
    assert before is not None
    assert (before.enrolled, before.note) == (first, [[3, "/problems/no-face", "no face"]])
    assert gallery.done_before(keyed("another")) is None
    assert gallery.stats().faces == 2


def test_a_key_stands_for_one_request_only(gallery, new_face):
    gallery.add([new_face("Ada", 1)], request=keyed())
    with pytest.raises(Conflict, match="another request"):
        gallery.add([new_face("Bo", 2)], request=keyed(asked="else"))
    with pytest.raises(Conflict, match="another request"):
        gallery.done_before(keyed(asked="else"))
    assert gallery.stats().faces == 1


def test_a_request_is_remembered_after_a_restart(open_gallery, new_face):
    with open_gallery() as gallery:
        first = gallery.add([new_face("Ada", 1)], request=keyed())
    with open_gallery() as gallery:
        assert gallery.add([new_face("Ada", 1)], request=keyed()) == first


def test_equal_requests_at_the_same_time_in_several_processes_are_done_once(open_gallery, new_face):
    galleries = [open_gallery() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda place: galleries[place].add([new_face("Ada", place)], request=keyed()),
                range(4),
            )
        )
    assert len({item.face.face_id for [item] in answers}) == 1
    assert galleries[0].stats().faces == 1


def test_what_was_erased_is_not_enrolled_again_by_a_request_that_is_repeated(gallery, new_face):
    _, erased = gallery.add([new_face("Ada", 1), new_face("Ada", 2)], request=keyed())
    gallery.erase_face(erased.face.face_id)
    with pytest.raises(Conflict, match="erased"):
        gallery.add([new_face("Ada", 1), new_face("Ada", 2)], request=keyed())
    assert gallery.stats().faces == 1


def test_a_face_that_was_renamed_is_answered_with_its_name_of_today(gallery, new_face):
    [first] = gallery.add([new_face("Ada", 1)], request=keyed())
    gallery.rename_person(first.face.person_id, "Ada King")
    [again] = gallery.add([new_face("Ada", 1)], request=keyed())
    assert (again.face.face_id, again.face.person) == (first.face.face_id, "Ada King")


def test_no_byte_of_an_erased_person_is_left_by_a_remembered_request(
    open_gallery, new_face, tmp_path
):
    face = marked_face(new_face, 1, 500)
    gallery = open_gallery(serve=True)
    [enrolled] = gallery.add([face], request=keyed("key of " + face.person))
    gallery.erase_person(enrolled.face.person_id)
    gallery.maintain()
    assert traces(tmp_path / "data", needles_of(face)) == []


def test_a_request_is_forgotten_after_a_day_by_the_upkeep_of_the_service(
    open_gallery, new_face, days_later
):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ada", 1)], request=keyed())
    days_later(0.99)
    gallery.maintain()
    with gallery._database.read() as connection:
        assert requests.done_before(connection, keyed()) is not None
    days_later(1)
    assert gallery.done_before(keyed()) is None
    gallery.maintain()
    with gallery._database.read() as connection:
        assert not requests.any_old(connection, datetime.now(UTC) + timedelta(days=99))


def test_a_key_can_be_used_again_after_a_day_without_upkeep(gallery, new_face, days_later):
    gallery.add([new_face("Ada", 1)], request=keyed())
    days_later(1)
    [item] = gallery.add([new_face("Bo", 2)], request=keyed(asked="else"))
    assert item.face.person == "Bo"


def test_nothing_is_remembered_of_an_enrolment_that_failed(gallery, new_face):
    with pytest.raises(NotFound):
        gallery.add([new_face("Ada", 1)], collection="none", request=keyed())
    assert gallery.done_before(keyed()) is None
