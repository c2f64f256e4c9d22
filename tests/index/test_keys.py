import hashlib
import sqlite3

import pytest

from index.errors import InvalidName, NotFound
from index.keys import any_key
from tests.index.test_gallery import rows


def test_a_key_is_known_until_it_is_revoked(gallery):
    made, secret = gallery.keys.create("enroll", name="front desk")
    assert gallery.keys.known().match(secret) == made
    assert (made.role, made.name, made.last_used) == ("enroll", "front desk", None)
    revoked = gallery.keys.revoke(made.key_id)
    assert revoked.revoked_at is not None
    assert gallery.keys.known().match(secret) is None
    assert gallery.keys.revoke(made.key_id) == revoked


def test_of_a_key_only_its_digest_is_kept(gallery, tmp_path):
    _, secret = gallery.keys.create("search")
    assert len(secret) > 43
    [(digest,)] = rows(gallery, "SELECT sha256 FROM api_key")
    assert digest == hashlib.sha256(secret.encode()).digest()
    files = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(secret.encode() in content for content in files)


def test_two_keys_are_never_the_same(gallery):
    secrets = {gallery.keys.create("search")[1] for _ in range(20)}
    assert len(secrets) == 20


def test_other_text_is_no_key(gallery):
    _, secret = gallery.keys.create("search")
    for other in ("", secret[:-1], secret + "x", secret.upper(), "\udc80", "é"):
        assert gallery.keys.known().match(other) is None


def test_keys_stay_in_force_when_the_last_is_revoked(gallery):
    assert not gallery.keys.known().in_force
    made, _ = gallery.keys.create("admin")
    gallery.keys.revoke(made.key_id)
    assert gallery.keys.known().in_force
    assert gallery.keys.remove_all() == 1
    assert not gallery.keys.known().in_force


def test_what_is_done_to_keys_is_in_the_audit_log(gallery):
    made, _ = gallery.keys.create("admin", name="Zebulon")
    gallery.keys.revoke(made.key_id)
    gallery.keys.remove_all()
    told = [(e.action, e.key_id) for e in gallery.audit_log.entries()]
    assert told == [("make-key", made.key_id), ("revoke-key", made.key_id), ("remove-keys", "")]


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "bell\a", "\u202egnp"])
def test_a_name_that_cannot_be_shown_is_refused(gallery, name):
    with pytest.raises(InvalidName):
        gallery.keys.create("search", name=name)


def test_an_unknown_key_cannot_be_revoked(gallery):
    with pytest.raises(NotFound, match="no key has the id"):
        gallery.keys.revoke("x")


def test_whether_there_are_keys_is_seen_without_opening_the_gallery(gallery, tmp_path):
    store = tmp_path / "data" / "gallery.sqlite"
    assert not any_key(tmp_path / "nowhere")
    assert not any_key(store)
    gallery.keys.create("search")
    assert any_key(store)
    old = tmp_path / "old.sqlite"
    sqlite3.connect(old).close()
    assert not any_key(old)
