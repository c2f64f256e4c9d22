"""Manifests of photos in CSV and Parquet, and what comes with the photos."""

import io
import tarfile
from datetime import UTC, datetime

import pytest

from faces.errors import BadSource
from index.build import build
from index.parquet import RowWriter
from index.photo_manifest import PhotoManifest
from tests.index.building import FakePipeline


@pytest.fixture
def photos(tmp_path):
    """Two files and one member of a tar."""
    (tmp_path / "set" / "a").mkdir(parents=True)
    for name in ("a/1.jpg", "2.jpg"):
        (tmp_path / "set" / name).write_bytes(name.encode())
    with tarfile.open(tmp_path / "set" / "more.tar", "w") as tar:
        member = tarfile.TarInfo("3.jpg")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"three"))
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return tmp_path / "set"


CSV = """path,identity,shard,metadata,consent_reference,expires_at,other
a/1.jpg,Ana,,"{""ward"": 3}",form 1,2999-05-01T00:00:00+02:00,x
2.jpg,Bo,,,,,
3.jpg,Bo,more.tar,,,
../secret.jpg,Eve,,,,,
4.jpg,Bo,,,,,
2.jpg,Cy,,[],,,
,Di,,,,,
"""


def test_a_csv_names_photos_people_and_what_to_keep(gallery, photos):
    (photos / "people.csv").write_text(CSV)
    manifest = PhotoManifest(photos / "people.csv")
    assert len(manifest) == 7
    report = build(gallery, FakePipeline(), manifest, progress=None, workers=1)
    assert report.enrolled == 3
    reasons = {item.source_name: str(item.error) for item in report.rejected}
    assert "lies outside" in reasons["../secret.jpg"]
    assert "cannot be read" in reasons["4.jpg"]
    assert reasons["2.jpg"] == "metadata must be a JSON object"
    assert "row 7" in reasons
    [ana] = gallery.faces(person="Ana").items
    assert (ana.metadata, ana.consent_reference) == ({"ward": 3}, "form 1")
    assert ana.expires_at == datetime(2999, 4, 30, 22, tzinfo=UTC)
    assert {face.source_name for face in gallery.faces(person="Bo").items} == {"2.jpg", "3.jpg"}


def test_a_parquet_manifest_is_the_same(gallery, photos):
    schema = {"path": "text", "person": "text", "expires_at": "time"}
    expiry = datetime(2999, 5, 1, tzinfo=UTC)
    with RowWriter(photos / "people.parquet", schema, {}) as writer:
        writer.write([{"path": "a/1.jpg", "person": "Ana", "expires_at": expiry}])
        writer.write([{"path": "2.jpg", "person": None}])
    manifest = PhotoManifest(photos / "people.parquet")
    assert len(manifest) == 2
    build(gallery, FakePipeline(), manifest, progress=None, workers=1)
    assert [(face.person, face.expires_at) for face in gallery.faces().items] == [
        ("Ana", expiry),
        ("2", None),
    ]


def test_a_manifest_without_paths_is_refused(photos):
    (photos / "people.csv").write_text("name,person\n")
    with pytest.raises(BadSource, match="no column `path`"):
        PhotoManifest(photos / "people.csv")
    with pytest.raises(BadSource, match="cannot be read"):
        PhotoManifest(photos / "missing.csv")
    (photos / "people.csv").write_bytes(b"path,person\n\xff\xfe,x\n")
    with pytest.raises(BadSource, match="cannot be read"):
        PhotoManifest(photos / "people.csv")
