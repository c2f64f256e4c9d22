from datetime import UTC, datetime, timedelta

from index.lookups import Lookup
from tests.index.conftest import make_new_face


def lookup(days_ago, kind="search"):
    return Lookup(datetime.now(UTC) - timedelta(days=days_ago), "key:a", kind, 2)


def test_lookups_are_told_with_who_when_and_how_many(gallery):
    one = lookup(0)
    gallery.audit_log.append([one])
    [entry] = gallery.audit_log.entries()
    assert (entry.at, entry.actor, entry.action, entry.faces) == (one.at, "key:a", "search", 2)
    assert entry.person_id == entry.face_id == entry.key_id == ""


def test_a_used_key_is_remembered_by_its_day(gallery):
    made, _ = gallery.keys.create("search")
    gallery.audit_log.append([], used_keys={made.key_id})
    [key] = gallery.keys.all()
    assert key.last_used == datetime.now(UTC).date()


def test_old_lookups_are_forgotten_and_changes_stay(gallery):
    gallery.add([make_new_face("Ada", 1)])
    gallery.audit_log.append([lookup(30), lookup(9, "verify"), lookup(1)])
    assert gallery.audit_log.forget_lookups(days=7) == 2
    assert gallery.audit_log.forget_lookups(days=7) == 0
    assert [entry.action for entry in gallery.audit_log.entries()] == ["enrol", "search"]


def test_entries_can_be_chosen_by_time_kind_and_number(gallery):
    gallery.audit_log.append([lookup(30), lookup(9, "verify"), lookup(1), lookup(0, "embed")])
    log = gallery.audit_log
    since = datetime.now(UTC) - timedelta(days=10)
    assert [entry.action for entry in log.entries(since=since)] == ["verify", "search", "embed"]
    assert [entry.action for entry in log.entries(actions=["embed", "verify"])] == [
        "verify", "embed",
    ]  # fmt: skip
    assert [entry.action for entry in log.entries(limit=1)] == ["embed"]


def test_a_change_is_logged_as_that_of_whoever_acts(gallery):
    theirs = gallery.acting_as("key:b")
    [enrolled] = theirs.add([make_new_face("Ada", 1)])
    gallery.erase_face(enrolled.face.face_id)
    assert [(entry.action, entry.actor) for entry in gallery.audit_log.entries()] == [
        ("enrol", "key:b"),
        ("erase", "local"),
    ]
