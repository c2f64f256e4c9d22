"""People who are renamed, merged and split; what looks like a face; collections apart."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from faces.types import Box
from index.clusters import grouped
from index.errors import Conflict, InvalidName, NotFound
from index.records import FaceChange
from tests.index.conftest import unit
from tests.index.test_gallery import nudged, rows


def names(gallery, **where):
    return [(person.person, person.faces) for person in gallery.people(**where).items]


def enrol(gallery, new_face, *people, **options):
    """Enrols a face a name, with the seeds 0, 1, ...; gives the faces."""
    made = [new_face(name, seed) for seed, name in enumerate(people)]
    return [item.face for item in gallery.add(made, **options)]


def test_a_renamed_person_keeps_id_and_faces(gallery, new_face):
    ana, *_ = enrol(gallery, new_face, "Ana", "Ana", "Bo")
    renamed = gallery.rename_person(ana.person_id, " Zoe\u0308 ")
    assert (renamed.person, renamed.person_id, renamed.faces) == ("Zoë", ana.person_id, 2)
    assert names(gallery) == [("Bo", 1), ("Zoë", 2)]
    assert gallery.search(unit(0)[None], k=1)[0][0].face.person == "Zoë"
    assert gallery.rename_person(ana.person_id, "Zoë").faces == 2  # the same name again


def test_a_name_that_is_taken_makes_the_two_one(gallery, new_face):
    ana, bo, _ = enrol(gallery, new_face, "Ana", "Bo", "Bo")
    merged = gallery.rename_person(ana.person_id, "Bo")
    assert (merged.person_id, merged.faces) == (bo.person_id, 3)
    assert names(gallery) == [("Bo", 3)]
    assert gallery.face(ana.face_id).person_id == bo.person_id
    with pytest.raises(NotFound):
        gallery.person(ana.person_id)


def test_the_same_face_enrolled_for_both_is_kept_once(gallery, new_face):
    [one, _] = gallery.add([new_face("Ana", 1), new_face("Ana", 2)])
    [same] = gallery.add([new_face("Bo", 1)])
    merged = gallery.rename_person(one.face.person_id, "Bo")
    assert merged.faces == 2
    assert gallery.face(same.face.face_id).person == "Bo"
    with pytest.raises(NotFound):
        gallery.face(one.face.face_id)
    assert gallery.stats().index_size == 2


def test_two_people_of_one_photo_are_never_one_and_nothing_is_lost(gallery, new_face):
    [left] = gallery.add([new_face("Ana", 1, box=Box(0, 0, 30, 30))])
    gallery.add([new_face("Bo", 1, box=Box(90, 0, 30, 30)), new_face("Bo", 2)])
    with pytest.raises(Conflict, match="one photo shows both people"):
        gallery.rename_person(left.face.person_id, "Bo")
    assert names(gallery) == [("Ana", 1), ("Bo", 2)]


def test_merging_many_keeps_the_one_that_was_asked_for(gallery, new_face):
    ana, bo, cy = enrol(gallery, new_face, "Ana", "Bo", "Cy")
    kept = gallery.merge_people([ana.person_id, bo.person_id, cy.person_id], cy.person_id)
    assert (kept.person, kept.faces) == ("Cy", 3)
    with pytest.raises(NotFound):
        gallery.merge_people([ana.person_id], cy.person_id)


def test_people_of_two_collections_stay_apart(gallery, new_face):
    gallery.make_collection("other")
    [ana] = enrol(gallery, new_face, "Ana")
    [bo] = enrol(gallery, new_face, "Bo", collection="other")
    with pytest.raises(Conflict, match="different collections"):
        gallery.merge_people([ana.person_id], bo.person_id)


def test_a_moved_face_splits_a_person(gallery, new_face):
    first, second = enrol(gallery, new_face, "Ana", "Ana")
    moved = gallery.change_face(second.face_id, FaceChange(person="Bo"))
    assert moved.person == "Bo"
    assert names(gallery) == [("Ana", 1), ("Bo", 1)]
    gallery.change_face(first.face_id, FaceChange(person="Bo"))
    assert names(gallery) == [("Bo", 2)]  # who has no face left is gone
    assert gallery.change_face(first.face_id, FaceChange(person="Bo")).person == "Bo"


def test_a_face_is_not_moved_to_somebody_on_the_same_photo(gallery, new_face):
    ana, _ = (item.face for item in gallery.add([new_face("Ana", 1), new_face("Bo", 1)]))
    with pytest.raises(Conflict, match="'Bo' has a face from the same photo"):
        gallery.change_face(ana.face_id, FaceChange(person="Bo", metadata={"lost": True}))
    assert gallery.face(ana.face_id) == ana


def test_what_is_kept_with_a_face_is_changed_and_taken_away(gallery, new_face):
    soon = datetime.now(UTC) + timedelta(hours=1)
    [ana] = [i.face for i in gallery.add([new_face("Ana", 1, metadata={"old": 1})])]
    changed = gallery.change_face(
        ana.face_id, FaceChange(metadata={"new": 2}, expires_at=soon, consent_reference="form 7")
    )
    assert (changed.metadata, changed.expires_at) == ({"new": 2}, soon)
    assert gallery.change_face(ana.face_id, FaceChange()).consent_reference == "form 7"
    cleared = gallery.change_face(ana.face_id, FaceChange(expires_at=None, consent_reference=None))
    assert (cleared.expires_at, cleared.consent_reference) == (None, None)
    assert cleared.metadata == {"new": 2}


def test_who_is_not_there_cannot_be_changed(gallery):
    for change in (
        lambda: gallery.rename_person("nobody", "Ana"),
        lambda: gallery.change_face("no face", FaceChange(person="Ana")),
        lambda: gallery.similar("no face", k=1),
    ):
        with pytest.raises(NotFound):
            change()


def test_the_audit_log_holds_ids_and_no_names(gallery, new_face):
    ana, bo = enrol(gallery, new_face, "Ana Secret", "Bo")
    gallery.rename_person(ana.person_id, "Zed Secret")
    gallery.rename_person(ana.person_id, "Bo")
    gallery.change_face(bo.face_id, FaceChange(person="Cy", metadata={"a": 1}))
    gallery.make_collection("more")
    gallery.erase_collection("more")
    gallery.erase_face(bo.face_id)
    log = rows(gallery, "SELECT actor, action, person_id, face_id, collection_key FROM audit_log")
    assert [action for _, action, *_ in log] == [
        "enrol", "enrol", "rename", "merge", "merge", "update", "move",
        "make-collection", "erase-collection", "erase",
    ]  # fmt: skip
    assert {actor for actor, *_ in log} == {"local"}
    assert "Secret" not in repr(log)


def test_faces_are_erased_when_their_time_has_come(gallery, new_face):
    now = datetime.now(UTC)
    gallery.add(
        [
            new_face("Ana", 1, expires_at=now - timedelta(seconds=1)),
            new_face("Bo", 2, expires_at=now + timedelta(hours=1), consent_reference="form 9"),
            new_face("Cy", 3),
        ]
    )
    assert gallery.erase_expired() == 1
    assert names(gallery) == [("Bo", 1), ("Cy", 1)]
    assert gallery.erase_expired() == 0
    [[bo]] = gallery.search(unit(2)[None], k=1)
    assert (bo.face.consent_reference, bo.face.expires_at) == ("form 9", now + timedelta(hours=1))
    assert rows(gallery, "SELECT count(*) FROM audit_log WHERE action = 'expire'") == [(1,)]


def test_a_gallery_that_is_served_erases_what_has_expired_by_itself(open_gallery, new_face):
    gallery = open_gallery(serve=True)
    gallery.add([new_face("Ana", 1, expires_at=datetime.now(UTC) - timedelta(seconds=1))])
    gallery.maintain()
    assert gallery.stats().faces == gallery.stats().index_size == 0


def test_collections_are_galleries_of_their_own(gallery, new_face):
    gallery.make_collection("staff")
    [ana] = enrol(gallery, new_face, "Ana")
    [namesake, bo] = enrol(gallery, new_face, "Ana", "Bo", collection="staff")
    assert namesake.person_id != ana.person_id
    assert [(c.name, c.people, c.faces) for c in gallery.collections()] == [
        ("default", 1, 1),
        ("staff", 2, 2),
    ]
    assert names(gallery) == [("Ana", 1)]
    assert [f.face_id for f in gallery.faces(collection="staff").items] == [
        namesake.face_id,
        bo.face_id,
    ]
    assert [m.face.face_id for m in gallery.search(unit(1)[None], k=9)[0]] == [ana.face_id]
    [in_staff] = gallery.search(unit(1)[None], k=9, collection="staff")
    assert [m.face.person for m in in_staff] == ["Bo", "Ana"]
    assert gallery.has_photo("Bo", new_face("Bo", 1).photo_sha256, collection="staff")
    assert not gallery.has_photo("Bo", new_face("Bo", 1).photo_sha256)
    assert gallery.erase_collection("staff") == 2
    assert gallery.stats().faces == gallery.stats().index_size == 1


def test_a_small_collection_within_a_large_one_gives_all_that_it_has(gallery, new_face):
    gallery.make_collection("few")
    gallery.add(
        [new_face(f"P{seed}", seed, embedding=nudged(unit(0), seed)) for seed in range(300)]
    )
    gallery.add([new_face(f"F{seed}", seed) for seed in range(1000, 1005)], collection="few")
    assert len(gallery.search(unit(0)[None], k=9, collection="few")[0]) == 5


def test_wrong_collections_are_refused(gallery, new_face):
    gallery.make_collection("staff")
    with pytest.raises(Conflict, match="'staff' already"):
        gallery.make_collection("staff")
    with pytest.raises(Conflict, match="'default' stays"):
        gallery.erase_collection("default")
    for name in ("", "Staff", "a/b", "..", "x" * 65):
        with pytest.raises(InvalidName):
            gallery.make_collection(name)
    for call in (
        lambda: gallery.add([new_face("Ana", 1)], collection="none"),
        lambda: gallery.search(unit(1)[None], k=1, collection="none"),
        lambda: gallery.people(collection="none"),
        lambda: gallery.faces(collection="none"),
        lambda: gallery.erase_collection("none"),
    ):
        with pytest.raises(NotFound, match="no collection has the name 'none'"):
            call()


def test_the_key_of_an_erased_collection_is_not_used_again(gallery):
    gallery.make_collection("one")
    gallery.erase_collection("one")
    gallery.make_collection("two")
    assert rows(gallery, "SELECT key FROM collection WHERE name = 'two'") == [(3,)]


def test_by_centroid_one_odd_photo_counts_for_less(gallery, new_face):
    probe = unit(0)
    near = [new_face("Steady", s, embedding=nudged(nudged(probe, s), s + 50)) for s in range(1, 5)]
    odd = [new_face("Odd", 10, embedding=probe)]
    odd += [new_face("Odd", 11 + s, embedding=unit(500 + s)) for s in range(5)]
    gallery.add(near + odd)
    [best] = gallery.search(probe[None], k=2)
    [centroid] = gallery.search(probe[None], k=2, person_similarity="centroid")
    assert [match.face.person for match in best] == ["Odd", "Steady"]
    assert [match.face.person for match in centroid] == ["Steady", "Odd"]
    mean = np.mean([face.embedding for face in near], axis=0)
    assert centroid[0].similarity == pytest.approx(probe @ mean / np.linalg.norm(mean), abs=1e-5)


def test_more_like_this_leaves_out_the_face_itself(gallery, new_face):
    ana, also_ana, bo, cy = enrol(gallery, new_face, "Ana", "Ana", "Bo", "Cy")
    people = gallery.similar(ana.face_id, k=9)
    assert {match.face.person for match in people} == {"Bo", "Cy"}
    faces = gallery.similar(ana.face_id, k=9, group_by="face")
    assert {m.face.face_id for m in faces} == {also_ana.face_id, bo.face_id, cy.face_id}
    assert len(gallery.similar(ana.face_id, k=1)) == 1


def test_clusters_of_unnamed_faces_are_proposed_as_people(gallery, new_face):
    centres = [unit(1), unit(2)]
    made = [new_face(None, s, embedding=nudged(centres[s % 2], s)) for s in range(10, 18)]
    made += [new_face(None, 30), new_face("Named", 31, embedding=centres[0])]
    enrolled = [item.face for item in gallery.add(made)]
    assert all(face.person.startswith("Unnamed ") for face in enrolled[:9])
    proposals = gallery.clusters(min_similarity=0.9)
    assert [set(proposal.face_ids) for proposal in proposals] == [
        {face.face_id for face in enrolled[0:8:2]},
        {face.face_id for face in enrolled[1:8:2]},
    ]
    first, *others = proposals[0].person_ids
    merged = gallery.merge_people(others, first)
    assert (merged.faces, merged.named) == (4, False)
    assert gallery.rename_person(first, "Ana").named
    assert len(gallery.clusters(min_similarity=0.9)) == 1


def test_a_chain_of_faces_does_not_become_one_person():
    angles = np.linspace(0, np.pi * 0.9, 60)
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert len(set(grouped(chain, 0.98).tolist())) > 3
    assert grouped(np.empty((0, 2), np.float32), 0.5).tolist() == []
