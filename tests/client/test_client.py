"""Each method of both clients, against the real app."""

import io
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

import client as package
from client import (
    KEEP,
    AsyncLookalike,
    BadImage,
    Conflict,
    EnrolledFace,
    InvalidRequest,
    Lookalike,
    NoFace,
    NotFound,
    NothingEnrolled,
    Page,
)
from client.problems import Problem
from service.document import document
from service.errors import PROBLEMS


def test_a_person_is_enrolled_found_and_erased(lookalike, person_jpeg, tmp_path):
    path = tmp_path / "ada-1.jpg"
    path.write_bytes(person_jpeg(1))
    enrolment = lookalike.enrol(
        "Ada Lark",
        [path, person_jpeg(2), b"no image"],
        metadata={"source": "holiday"},
        consent_reference="form 7",
        expires_at=datetime(2099, 1, 1, tzinfo=UTC),
    )
    first, second = enrolment.enrolled
    assert isinstance(first, EnrolledFace)
    assert (first.person, first.source_name, first.duplicate) == ("Ada Lark", "ada-1.jpg", False)
    assert first.expires_at == datetime(2099, 1, 1, tzinfo=UTC)
    assert first.created_at.tzinfo is not None
    assert [rejected.type for rejected in enrolment.rejected] == ["/problems/bad-image"]

    with path.open("rb") as file:
        found = lookalike.search(file, k=5, group_by="face", min_similarity=-1)
    best = found.faces[0].matches[0]
    assert (best.face_id, best.similarity) == (first.face_id, pytest.approx(1))
    assert best.metadata == {"source": "holiday"}
    assert found.timing_ms["total"] > 0

    assert lookalike.show_face(first.face_id).box == first.box
    assert lookalike.show_crop(first.face_id).startswith(b"\xff\xd8")
    lookalike.erase_face(second.face_id)
    assert lookalike.erase_person(first.person_id) == 1
    with pytest.raises(NotFound, match="no face has the id"):
        lookalike.show_face(first.face_id)


def test_faces_and_people_are_changed(lookalike, person_jpeg):
    [ada] = lookalike.enrol("Ada", [person_jpeg(1)], consent_reference="form 7").enrolled
    [bo] = lookalike.enrol("Bo", [person_jpeg(2)]).enrolled
    changed = lookalike.change_face(ada.face_id, metadata={"a": 1}, person=KEEP)
    assert (changed.metadata, changed.consent_reference, changed.person) == (
        {"a": 1},
        "form 7",
        "Ada",
    )
    assert lookalike.change_face(ada.face_id, consent_reference=None).consent_reference is None
    later = datetime(2099, 1, 1, tzinfo=UTC)
    assert lookalike.change_face(ada.face_id, expires_at=later).expires_at == later
    assert lookalike.rename_person(bo.person_id, "Bo Wren").person == "Bo Wren"
    [match] = lookalike.similar(ada.face_id, k=3)
    assert match.person == "Bo Wren"


def test_listings_come_page_by_page_or_whole(lookalike, person_jpeg, monkeypatch):
    monkeypatch.setattr("client.sync.PAGE", 2)
    monkeypatch.setattr("client.asynchronous.PAGE", 2)
    for number, name in enumerate(["Cy", "Ada", "Bo"], start=1):
        lookalike.enrol(name, [person_jpeg(number)])
    page = lookalike.list_people(limit=2)
    assert isinstance(page, Page)
    assert ([person.person for person in page.items], page.total) == (["Ada", "Bo"], 3)
    assert [p.person for p in lookalike.list_people(cursor=page.next_cursor).items] == ["Cy"]
    assert [face.person for face in lookalike.list_faces(person="Bo").items] == ["Bo"]
    assert [face.person for face in lookalike.all_faces()] == ["Cy", "Ada", "Bo"]
    assert [person.person for person in lookalike.all_people()] == ["Ada", "Bo", "Cy"]
    assert [person.person for person in lookalike.all_people(q="b")] == ["Bo"]


def test_photos_are_detected_embedded_compared_and_explained(lookalike, person_jpeg):
    photo = io.BytesIO(person_jpeg(1))
    assert len(lookalike.detect(photo).faces) == 1
    [embedding] = lookalike.embed(person_jpeg(1), faces="all").embeddings
    assert sum(number**2 for number in embedding.embedding) == pytest.approx(1, abs=1e-4)
    same = lookalike.verify(person_jpeg(1), person_jpeg(1))
    assert same.similarity == pytest.approx(1, abs=1e-4)
    [ada] = lookalike.enrol("Ada", [person_jpeg(1)]).enrolled
    why = lookalike.explain(person_jpeg(2), face_id=ada.face_id)
    assert {"eyes", "mouth"} <= {region.name for region in why.regions}
    assert why.pictures[0].alike.startswith("data:image/png")
    assert lookalike.explain(person_jpeg(1), person_jpeg(2)).similarity < 1


def test_collections_and_the_service_itself(lookalike, person_jpeg):
    assert lookalike.make_collection("family").name == "family"
    lookalike.enrol("Ada", [person_jpeg(1)], collection="family")
    sizes = {one.name: one.faces for one in lookalike.list_collections()}
    assert sizes == {"default": 0, "family": 1}
    assert lookalike.erase_collection("family") == 1
    assert lookalike.info().gallery.index.size == 0
    assert "lookalike_ready 1" in lookalike.metrics()
    assert (lookalike.live().status, lookalike.ready().status) == ("live", "ready")


def test_problems_are_exceptions_of_their_own(lookalike, empty_jpeg, person_jpeg):
    with pytest.raises(NoFace):
        lookalike.search(empty_jpeg)
    with pytest.raises(BadImage):
        lookalike.detect(b"no image")
    with pytest.raises(InvalidRequest) as caught:
        lookalike.search(person_jpeg(1), k=101)
    [error] = caught.value.errors
    assert (error.field, error.value, caught.value.status) == ("k", "101", 422)
    with pytest.raises(NothingEnrolled) as nothing:
        lookalike.enrol("Ada", [b"no image"])
    assert nothing.value.rejected[0].type == "/problems/bad-image"
    with pytest.raises(NotFound):
        lookalike.show_face("../people")


def test_an_enrolment_under_a_key_is_done_once(lookalike, person_jpeg):
    first = lookalike.enrol("Ada", [person_jpeg(1)], idempotency_key="mine")
    assert lookalike.enrol("Ada", [person_jpeg(1)], idempotency_key="mine") == first
    with pytest.raises(Conflict):
        lookalike.enrol("Bo", [person_jpeg(1)], idempotency_key="mine")
    assert lookalike.enrol("Ada", [person_jpeg(1)]).enrolled[0].duplicate


def test_every_operation_of_the_service_has_a_method_in_both_clients():
    operations = {
        operation["operationId"]
        for item in document()["paths"].values()
        for operation in item.values()
    }
    for client in (Lookalike, AsyncLookalike):
        assert operations <= set(dir(client)), "add the operation to client/calls.py and to both"


def test_every_problem_of_the_service_is_an_exception():
    known = {kind.slug for kind in Problem.__subclasses__()}
    assert {problem.slug for problem in PROBLEMS.values()} <= known
    assert set(package.__all__) >= {kind.__name__ for kind in Problem.__subclasses__()}


def test_every_field_of_an_answer_is_in_its_record():
    schemas = document()["components"]["schemas"]
    twins = {
        "SearchResult": "SearchResponse",
        "Match": "MatchBody",
        "SearchedFace": "SearchedFace",
        "EnrolledFace": "EnrolledFace",
        "Face": "FaceBody",
        "Enrolment": "EnrollResponse",
        "Person": "PersonBody",
        "Collection": "CollectionBody",
        "Explanation": "ExplainResponse",
        "FaceMap": "MapResponse",
        "MapPoints": "MapPoints",
        "Info": "Info",
        "Encoder": "EncoderInfo",
        "Quality": "QualityBody",
    }
    for record, schema in twins.items():
        ours = {field.name for field in fields(getattr(package, record))}
        assert ours == schemas[schema]["properties"].keys(), record


def test_answers_cannot_be_changed(lookalike):
    with pytest.raises(FrozenInstanceError):
        lookalike.info().device = "abacus"


def test_the_client_loads_nothing_else_of_the_project():
    program = "import sys, client; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(package.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ran.stdout.split())
    assert "httpx" in loaded
    assert not loaded & {"faces", "index", "service", "cli", "numpy", "pydantic", "fastapi"}
