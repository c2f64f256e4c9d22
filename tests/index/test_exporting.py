"""What is exported an import restores, with any encoder: faces, people, collections, crops."""

import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import pytest

from index.errors import BadImport, Conflict, ExtraMissing, NotFound
from index.exporting import count_faces, export
from index.ground import open_store
from index.importing import import_rows
from index.incoming import NpzRows, open_rows
from index.parquet import RowWriter, describe, read_rows
from index.person_copy import copy_person
from tests.index.conftest import make_card, make_new_face, unit

OTHER = make_card("other", 8)


def embed(contexts):
    """A stand-in for the other encoder, by the first grey of the crop's file size."""
    return np.stack([unit(len(context), 8) for context in contexts])


@pytest.fixture
def filled(gallery):
    gallery.add([make_new_face(f"P{number % 3}", number) for number in range(7)])
    gallery.make_collection("staff")
    gallery.add(
        [
            make_new_face(
                "P0",
                50,
                metadata={"ward": "ä"},
                consent_reference="form 7",
                expires_at=datetime(2999, 1, 1, tzinfo=UTC),
            ),
            make_new_face(None, 51),
        ],
        collection="staff",
    )
    return gallery


@pytest.fixture
def store(filled, tmp_path):
    opened = open_store(tmp_path / "data", None)
    yield opened
    opened.close()


def bring(gallery, source, card, **options):
    rows = open_rows(source)
    return import_rows(gallery, rows, contract_hash=card.contract_hash, embed=embed, **options)


def told(report):
    return report.enrolled, report.skipped, [str(item.error) for item in report.rejected]


def everything(gallery):
    faces = [face for name in ("default", "staff") for face in gallery.faces(collection=name).items]
    return [(face.face_id, face.person, face.created_at, face.metadata, face.box,
             face.consent_reference, face.expires_at, gallery.crop(face.face_id))
            for face in faces if not face.person.startswith("Unnamed")]  # fmt: skip


def test_an_export_is_restored_with_ids_times_consent_and_collections(
    store, filled, tmp_path, open_gallery, card
):
    seen = []
    done = export(store, tmp_path / "out", progress=seen.append)
    assert (done.faces, done.before, seen) == (9, 0, [9])
    assert count_faces(store) == 9
    with open_gallery(data=tmp_path / "second") as second:
        assert told(bring(second, tmp_path / "out", card)) == (9, 0, [])
        assert everything(second) == everything(filled)
        [unnamed] = [p for p in second.people(collection="staff").items if not p.named]
        assert unnamed.faces == 1
        assert second.search(unit(3)[None], k=1)[0][0].similarity == 1
        assert told(bring(second, tmp_path / "out", card)) == (0, 9, [])
        assert second.stats().faces == 9


def test_an_export_of_one_collection_goes_into_another(store, tmp_path, open_gallery, card):
    assert export(store, tmp_path / "out", collection="staff").faces == 2
    assert count_faces(store, "staff") == 2
    with open_gallery(data=tmp_path / "second") as second:
        seen = []
        bring(second, tmp_path / "out", card, collection="default", progress=seen.append)
        assert seen == [2]
        assert second.faces().total == 2


def test_an_export_that_was_broken_off_goes_on_after_the_last_whole_shard(
    store, filled, tmp_path, monkeypatch, open_gallery, card
):
    monkeypatch.setattr("index.face_rows.FACES_PER_READ", 2)
    target = tmp_path / "out"

    def stop(done):
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(store, target, faces_per_shard=4, progress=stop)
    assert len(list(target.glob("faces-*.parquet"))) == 1
    filled.add([make_new_face("Later", 80)])
    done = export(store, target, faces_per_shard=4)
    assert (done.faces, done.before) == (10, 4)
    assert not list(target.glob("*.partial"))
    with open_gallery(data=tmp_path / "second") as second:
        assert told(bring(second, target, card)) == (10, 0, [])


def test_a_folder_with_another_export_is_not_gone_on_with(store, tmp_path):
    export(store, tmp_path / "out")
    with pytest.raises(Conflict, match="is of another export"):
        export(store, tmp_path / "out", collection="staff")


def test_with_another_encoder_faces_are_embedded_from_their_crops(store, tmp_path, open_gallery):
    export(store, tmp_path / "out")
    (tmp_path / "out" / "crops-00001.tar").rename(tmp_path / "crops.tar")
    with open_gallery(data=tmp_path / "second", encoder=OTHER) as second:
        enrolled, _, reasons = told(bring(second, tmp_path / "out", OTHER))
        assert enrolled == 0
        assert set(reasons) == {"its crop is missing or not the one that was exported"}
        (tmp_path / "crops.tar").rename(tmp_path / "out" / "crops-00001.tar")
        assert told(bring(second, tmp_path / "out", OTHER)) == (9, 0, [])
        assert told(bring(second, tmp_path / "out", OTHER)) == (0, 9, [])


def test_a_person_is_copied_with_crops_embeddings_consent_and_audit_log(store, filled, tmp_path):
    person = filled.person_called("P0", collection="staff")
    target = tmp_path / "p0.zip"
    assert copy_person(store, person.person_id, target) == 1
    with zipfile.ZipFile(target) as archive:
        told = json.loads(archive.read("person.json"))
        [face] = told["faces"]
        assert archive.read(f"crops/{face['face_id']}.jpg").startswith(b"\xff\xd8")
    assert told["person"] == "P0"
    assert face["metadata"] == {"ward": "ä"}
    assert face["consent_reference"] == "form 7"
    assert face["embeddings"][0]["embedding"] == unit(50).tolist()
    assert [entry["action"] for entry in told["audit_log"]] == ["enrol"]
    with pytest.raises(Conflict, match="is there already"):
        copy_person(store, person.person_id, target)
    with pytest.raises(NotFound):
        copy_person(store, "nobody", tmp_path / "other.zip")


def write_parquet(path, rows, card, **notes):
    schema = {"person": "text", "embedding": "vector", "metadata": "text", "expires_at": "text"}
    with RowWriter(path, schema, {"contract_hash": card.contract_hash, **notes}) as writer:
        writer.write(rows)


def test_embeddings_of_the_galleries_encoder_are_taken_as_they_are(gallery, tmp_path, card):
    path = tmp_path / "faces.parquet"
    rows = [
        {"person": "Ana", "embedding": unit(1), "metadata": '{"a": 1}', "expires_at": "2999-01-01"},
        {"person": "Bo", "embedding": unit(2) * 3},
        {"person": "", "embedding": unit(3)},
        {"person": "Cy", "embedding": unit(4), "metadata": "[]"},
        {"person": "Di", "embedding": unit(5), "expires_at": "tomorrow"},
        {"person": "Ed", "embedding": unit(6), "metadata": "{"},
        {"person": "Fay", "embedding": unit(7), "metadata": json.dumps({"a": "x" * 20_000})},
        {"person": "Gil", "embedding": None},
    ]
    write_parquet(path, rows, card)
    enrolled, skipped, reasons = told(bring(gallery, path, card))
    assert (enrolled, skipped) == (1, 0)
    assert len(reasons) == 7
    [[match]] = gallery.search(unit(1)[None], k=1)
    assert (match.face.person, match.similarity) == ("Ana", 1)
    assert match.face.metadata == {"a": 1}
    assert match.face.expires_at == datetime(2999, 1, 1, tzinfo=UTC)
    assert told(bring(gallery, path, card))[:2] == (0, 1)
    with pytest.raises(NotFound):
        gallery.crop(match.face.face_id)


def test_a_face_without_a_crop_is_sound(gallery, tmp_path, card):
    from index.gallery import Gallery

    write_parquet(tmp_path / "faces.parquet", [{"person": "Ana", "embedding": unit(1)}], card)
    bring(gallery, tmp_path / "faces.parquet", card)
    gallery.close()
    assert Gallery.check(tmp_path / "data", encoder=card).clean


def test_embeddings_of_another_encoder_without_crops_are_rejected(gallery, tmp_path, card):
    write_parquet(tmp_path / "faces.parquet", [{"person": "Ana", "embedding": unit(1, 8)}], OTHER)
    _, _, [reason] = told(bring(gallery, tmp_path / "faces.parquet", card))
    assert reason == "made by another encoder, and there is no crop to embed it from"


def test_a_file_must_say_by_which_encoder_its_embeddings_were_made(tmp_path, card):
    path = tmp_path / "faces.parquet"
    write_parquet(path, [{"person": "Ana", "embedding": unit(1)}], card, contract_hash="")
    with pytest.raises(BadImport, match="contract_hash"):
        open_rows(path)
    with RowWriter(path, {"embedding": "vector"}, {"contract_hash": "x"}) as writer:
        writer.write([{"embedding": unit(1)}])
    with pytest.raises(BadImport, match="has no column person"):
        open_rows(path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_npz_is_read_in_pieces(gallery, tmp_path, card, monkeypatch, dtype):
    monkeypatch.setattr("index.incoming.NPZ_ROWS_AT_ONCE", 2)
    path = tmp_path / "faces.npz"
    np.savez(
        path,
        people=np.array([f"P{number}" for number in range(5)]),
        embeddings=np.stack([unit(number) for number in range(5)]).astype(dtype),
        contract_hash=np.array(card.contract_hash),
    )
    assert len(open_rows(path)) == 5
    assert told(bring(gallery, path, card)) == (5, 0, [])
    assert gallery.search(unit(4)[None], k=1)[0][0].face.person == "P4"


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"people": np.array(["a"])}, "contract_hash"),
        ({"people": np.array(["a", "b"]), "embeddings": np.eye(1)}, "fewer embeddings"),
        ({"people": np.array(["a"]), "embeddings": np.eye(2)}, "more embeddings"),
        ({"people": np.array(["a"]), "embeddings": np.eye(2, dtype=int)}, "not \\(N, D\\)"),
        ({"people": np.array(["a"]), "source_name": np.array(["b", "c"])}, "not all of one length"),
        ({"people": np.array([None])}, "no npz with"),
    ],
)
def test_a_malformed_npz_is_refused(tmp_path, arrays, reason):
    path = tmp_path / "faces.npz"
    contract = {} if reason == "contract_hash" else {"contract_hash": np.array("x")}
    np.savez(path, **arrays, **contract)
    with pytest.raises(BadImport, match=reason):
        list(NpzRows(path))


def test_what_is_no_parquet_is_told(tmp_path):
    path = tmp_path / "faces.parquet"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadImport, match="cannot be read as Parquet"):
        describe(path)
    with pytest.raises(BadImport, match="cannot be read as Parquet"):
        list(read_rows(path))


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ExtraMissing, match="install the extra `parquet`"):
        open_rows(tmp_path / "faces.parquet")


def test_an_id_that_is_taken_is_not_given_twice(gallery, new_face):
    [first] = gallery.add([new_face("Ana", 1)])
    [second] = gallery.add([new_face("Bo", 2, face_id=first.face.face_id)])
    assert second.face.face_id != first.face.face_id


def test_the_database_is_not_changed_by_an_export(store, tmp_path):
    def state():
        with closing(sqlite3.connect(store.path)) as connection:
            return connection.execute("SELECT count(*), max(key) FROM audit_log").fetchone()

    before = state()
    export(store, tmp_path / "out")
    assert state() == before
