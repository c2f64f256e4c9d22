"""A gallery moves over to another encoder: nothing is lost, and it can go back."""

import hashlib
import shutil

import numpy as np
import pytest
from sqlalchemy import text

from faces.errors import BadImage
from index.dropping import drop_others
from index.errors import Conflict, EncoderChanged, EncoderMismatch
from index.ground import open_store, store_place
from index.own_encoder import own_encoder
from index.reembedding import LAST_STEP_FACES, Reembedding
from tests.index.conftest import make_card, make_new_face, unit


def new_embed(contexts):
    """A stand-in for the new encoder: 8 numbers that follow from the crop's bytes."""
    if any(context.startswith(b"unreadable") for context in contexts):
        raise BadImage("the bytes are no image")
    return np.stack([new_vector(context) for context in contexts])


def new_vector(context):
    return unit(int.from_bytes(hashlib.sha256(context).digest()[:4], "big"), 8)


NEW = make_card("new", 8)


@pytest.fixture
def database(tmp_path, gallery, store_url):
    opened = open_store(tmp_path / "data", store_url)
    yield opened
    opened.close()


@pytest.fixture
def move(database, tmp_path):
    """A move to the new encoder that never waits: `move().run(new_embed)`."""
    return lambda card=NEW: Reembedding(database, card, tmp_path / "new", pause=lambda _: None)


def fill(gallery, count, first=0):
    faces = [make_new_face(f"P{number}", number) for number in range(first, first + count)]
    return gallery.add(faces)


def finds_all(gallery, seeds):
    """Whether each face is found by the embedding of its crop by the new encoder."""
    probes = new_embed([make_new_face("x", seed).context for seed in seeds])
    answers = gallery.search(probes, k=1, group_by="face")
    return all(match.similarity > 0.999 for [match] in answers)


def test_all_faces_are_embedded_anew_and_the_gallery_is_switched(
    gallery, move, open_gallery, new_face
):
    fill(gallery, 100)
    plan = move().plan()
    assert (plan.bound, plan.faces, plan.missing) == ("first", 100, 100)
    seen = []
    done = move().run(new_embed, progress=seen.append)
    assert (done.embedded, done.lost) == (100, [])
    assert seen == sorted(seen)
    assert seen[-1] == 100
    [[match]] = gallery.search(unit(7)[None], k=1)  # what is open goes on with the old encoder
    assert (match.face.person, match.similarity) == ("P7", 1)
    assert gallery.switched_to().name == "new"
    assert finds_all(open_gallery(encoder=NEW), range(100))


def test_a_gallery_that_was_switched_takes_no_embeddings_of_the_old_encoder(gallery, move):
    fill(gallery, 1)
    move().run(new_embed)
    with pytest.raises(EncoderChanged, match="switched to encoder 'new' meanwhile"):
        fill(gallery, 1, first=1)
    assert gallery.stats().faces == 1


def test_an_old_gallery_takes_its_successor_and_both_close_together(
    open_gallery, tmp_path, store_url
):
    old = open_gallery(serve=True)
    fill(old, 3)
    store = open_store(tmp_path / "data", store_url)
    Reembedding(store, NEW, tmp_path).run(new_embed)
    store.close()
    assert old.switched_to().name == "new"
    new = old.successor(NEW)
    assert new.switched_to() is None
    assert finds_all(new, range(3))
    assert old.search(unit(1)[None], k=1)[0][0].similarity == 1  # what had begun is answered
    new.add([make_new_face("Later", 50, embedding=unit(50, 8))])
    assert new.search(unit(50, 8)[None], k=1)[0][0].face.person == "Later"
    new.maintain()
    old.maintain()
    old.close()
    names = {path.name[:16] for path in (tmp_path / "data" / "index").glob("*.snapshot")}
    assert names == {NEW.contract_hash[:16]}  # the old encoder's vectors are in no snapshot
    with open_gallery(encoder=NEW, serve=True) as again:
        assert again.stats().index_size == 4


def test_a_gallery_that_moved_on_before_its_successor_was_made_answers_as_before(
    open_gallery, tmp_path, store_url
):
    old, newest = open_gallery(serve=True), make_card("newest", 8)
    fill(old, 3)
    store = open_store(tmp_path / "data", store_url)
    Reembedding(store, NEW, tmp_path).run(new_embed)
    assert old.switched_to().name == "new"
    Reembedding(store, newest, tmp_path).run(new_embed)
    store.close()
    with pytest.raises(EncoderMismatch, match="belongs to encoder 'newest'"):
        old.successor(NEW)
    assert old.search(unit(1)[None], k=1)[0][0].similarity == 1
    assert finds_all(old.successor(newest), range(3))


def test_what_is_enrolled_and_erased_meanwhile_is_followed(gallery, move, open_gallery):
    enrolled = fill(gallery, 200)
    left = [2 * LAST_STEP_FACES]

    def embed_while_others_write(contexts):
        if left[0]:
            fill(gallery, 2, first=1000 + left[0])
            left[0] -= 2
        if gallery.stats().faces > 200 + 2 * LAST_STEP_FACES - 2 and enrolled:
            gallery.erase_face(enrolled.pop().face.face_id)
        return new_embed(contexts)

    move().run(embed_while_others_write, faces_per_s=10)
    new = open_gallery(encoder=NEW)
    stats = new.stats()
    assert stats.faces == stats.index_size
    assert stats.faces >= 200 + LAST_STEP_FACES


def test_a_move_that_is_broken_off_goes_on(gallery, move, open_gallery):
    fill(gallery, 150)
    batches = []

    def embed_once(contexts):
        if batches:
            raise KeyboardInterrupt
        batches.append(len(contexts))
        return new_embed(contexts)

    with pytest.raises(KeyboardInterrupt):
        move().run(embed_once)
    assert open_gallery().switched_to() is None
    assert move().plan().missing == 150 - batches[0]
    assert move().run(new_embed).embedded == 150 - batches[0]
    assert finds_all(open_gallery(encoder=NEW), range(150))


def test_a_rate_is_kept(gallery, database, tmp_path):
    fill(gallery, 60)
    waited = []
    move = Reembedding(database, NEW, tmp_path, pause=waited.append)
    move.run(new_embed, faces_per_s=10)
    assert len(waited) == 6
    assert sum(waited) == pytest.approx(6, abs=3)


def test_a_rollback_embeds_what_came_since_and_the_old_encoder_answers_again(
    gallery, move, open_gallery, card
):
    fill(gallery, 5)
    move().run(new_embed)
    new = open_gallery(encoder=NEW)
    new.add([make_new_face("Later", 70, embedding=unit(70, 8))])
    new.close()
    back = move(card)
    assert back.plan().missing == 1
    assert back.run(lambda contexts: np.stack([unit(70) for _ in contexts])).embedded == 1
    with pytest.raises(EncoderMismatch, match="lookalike gallery reembed --encoder"):
        open_gallery(encoder=NEW)
    old = open_gallery()
    assert old.search(unit(70)[None], k=1)[0][0].face.person == "Later"
    assert old.search(unit(3)[None], k=1)[0][0].similarity == 1


def test_moving_to_the_encoder_that_answers_is_refused(gallery, move, card):
    fill(gallery, 1)
    with pytest.raises(Conflict, match="belongs to encoder 'first' already"):
        move(card).plan()


@pytest.mark.parametrize("count", [3, 100])
def test_lost_crops_stop_the_switch_unless_that_is_accepted(gallery, move, database, count):
    enrolled = fill(gallery, count)
    gallery.add([make_new_face("Odd", 900, context=b"unreadable")])
    with database.write() as connection:
        connection.execute(text("DELETE FROM context_crop WHERE face_key = 1"))
        damage = text("UPDATE context_crop SET jpeg = :damaged WHERE face_key = 2")
        connection.execute(damage, {"damaged": b"\0"})
    with pytest.raises(Conflict, match="3 faces have no whole crop"):
        move().run(new_embed)
    assert gallery.switched_to() is None
    done = move().run(new_embed, without_lost=True)
    assert done.lost[:2] == [item.face.face_id for item in enrolled[:2]]
    assert len(done.lost) == 3
    assert gallery.switched_to().name == "new"


def test_old_embeddings_go_only_when_they_are_dropped(gallery, move, database):
    fill(gallery, 4)
    move().run(new_embed)

    def kept():
        counts = "SELECT (SELECT count(*) FROM embedding), (SELECT count(*) FROM encoder)"
        with database.read() as connection:
            return tuple(connection.execute(text(counts)).one())

    assert kept() == (8, 2)
    assert drop_others(database) == 4
    assert kept() == (4, 1)
    assert drop_others(database) == 0


def test_the_audit_log_tells_of_switch_and_drop(gallery, move, database):
    fill(gallery, 1)
    move().run(new_embed)
    drop_others(database, actor="cli")
    with database.read() as connection:
        rows = connection.execute(text("SELECT actor, action FROM audit_log ORDER BY key")).all()
    assert rows == [("local", "enrol"), ("local", "switch-encoder"), ("cli", "drop-embeddings")]


def test_a_gallery_without_faces_takes_an_encoder_that_it_knows_already(
    gallery, move, open_gallery
):
    move()
    gallery.close()
    new = open_gallery(encoder=NEW)
    new.add([make_new_face("Ana", 1, embedding=unit(1, 8))])
    assert new.stats().index_size == 1


@pytest.fixture
def switched(make_encoder, tmp_path, open_gallery, store_url):
    """A gallery that was moved from one real encoder folder to another."""
    from faces.card import load_card

    old, new = make_encoder(1), make_encoder(2)
    gallery = open_gallery(encoder=load_card(old), encoder_folder=old)
    gallery.add([make_new_face("Ana", 1, embedding=unit(1, 64))])
    store = open_store(tmp_path / "data", store_url)
    Reembedding(store, load_card(new), new).run(lambda contexts: np.stack([unit(2, 64)]))
    store.close()
    gallery.close()
    return old, new, store_place(tmp_path / "data", store_url)


def test_a_gallery_that_was_moved_is_opened_with_its_own_encoder(
    switched, make_encoder, tmp_path, caplog
):
    old, new, store = switched
    assert own_encoder(store, asked_for=None, default=old) == new
    assert own_encoder(store, asked_for=old, default=old) == new
    assert "encoder_follows_gallery" in caplog.text
    assert own_encoder(store, asked_for=new, default=old) == new
    stranger = make_encoder(3)
    assert own_encoder(store, asked_for=stranger, default=old) == stranger
    assert own_encoder(tmp_path / "nothing", asked_for=None, default=old) == old


def test_an_encoder_that_is_gone_is_not_used(make_encoder, switched, tmp_path, open_gallery):
    old, new, store = switched
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(new, elsewhere)
    shutil.move(new, tmp_path / "gone")
    try:
        assert own_encoder(store, asked_for=None, default=old) == old
        from faces.card import load_card

        open_gallery(encoder=load_card(elsewhere), encoder_folder=elsewhere).close()
        assert own_encoder(store, asked_for=None, default=old) == elsewhere
    finally:
        shutil.move(tmp_path / "gone", new)
