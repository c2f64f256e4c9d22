import dataclasses
import logging

import pytest

from faces.card import load_card
from index.errors import StorageFull, StoreUnavailable
from index.gallery import Gallery
from tests.service.conftest import wait_until


def test_info_tells_versions_encoder_gallery_limits_and_device(client, enrol, tiny_encoder):
    enrol("Ada", 1)
    info = client.get("/info").json()
    card = load_card(tiny_encoder)
    assert info["versions"].keys() >= {"lookalike", "python", "onnxruntime", "faiss", "opencv"}
    assert info["encoder"]["name"] == "tiny-0-v1"
    assert info["encoder"]["dimension"] == card.dimension
    assert info["encoder"]["contract_hash"] == card.contract_hash
    assert info["encoder"]["input"]["size_px"] == card.input.size_px
    assert info["gallery"] == {"people": 1, "faces": 1, "index": {"kind": "exact", "size": 1}}
    assert info["limits"] == {
        "max_bytes": 15 * 2**20,
        "max_request_bytes": 100 * 2**20,
        "max_pixels": 50_000_000,
        "max_images": 50,
    }
    assert info["device"] == "cpu"
    assert info["calibration"] is None


def test_a_started_service_is_live_and_ready(client):
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}


class FailingGallery:
    """Stands before a gallery; its upkeep raises `error` while there is one."""

    def __init__(self, gallery, error):
        self._gallery = gallery
        self.error = error

    def __getattr__(self, name):
        return getattr(self._gallery, name)

    def maintain(self):
        if self.error is not None:
            raise self.error
        self._gallery.maintain()


@pytest.fixture
def failing(start, monkeypatch):
    made = []
    opened = Gallery.open

    def open_failing(*args, **kwargs):
        made.append(FailingGallery(opened(*args, **kwargs), None))
        return made[-1]

    monkeypatch.setattr("service.keeper.MAINTAIN_EVERY_S", 0.02)
    monkeypatch.setattr(Gallery, "open", open_failing)
    return start(), made[0]


def test_while_the_store_is_away_the_service_is_not_ready(failing, assert_problem, caplog):
    client, gallery = failing

    def status():
        return client.get("/health/ready").status_code

    with caplog.at_level(logging.INFO):
        gallery.error = StoreUnavailable("gone")
        wait_until(lambda: status() == 503)
        assert_problem(client.get("/health/ready"), "not-ready", 503)
        assert_problem(client.get("/gallery"), "not-ready", 503)
        assert client.get("/health/live").status_code == 200
        gallery.error = None
        wait_until(lambda: status() == 200)
    told = [record.msg for record in caplog.records if "reached" in record.msg]
    assert told == ["the gallery cannot be reached", "the gallery can be reached again"]


def test_a_full_disk_does_not_stop_searches(failing, caplog):
    client, gallery = failing
    gallery.error = StorageFull("no room")
    wait_until(lambda: "the disk is full; searches go on" in caplog.text)
    assert client.get("/health/ready").status_code == 200


def test_what_another_process_enrols_is_found(client, person_jpeg, tiny_encoder):
    from index.enrolment import prepare_face

    resources = client.app.state.resources
    face = prepare_face(resources.pipeline, person="Ada", source_name="a", data=person_jpeg(1))
    with Gallery.open(resources.settings.data, encoder=load_card(tiny_encoder)) as other:
        other.add([face])
    answer = client.post("/search", files={"image": person_jpeg(1)}).json()
    assert answer["faces"][0]["matches"][0]["person"] == "Ada"


def test_an_empty_gallery_is_filled_with_samples_before_it_is_ready_and_only_then(
    start, monkeypatch, tmp_path, person_jpeg
):
    for name, seed in {"Ada Sample": 1, "Bo Sample": 2}.items():
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "1.jpg").write_bytes(person_jpeg(seed))
    monkeypatch.setattr("samples.people_folder", lambda: tmp_path / "people")
    client = start(sample_people=True)
    people = client.get("/people").json()["items"]
    assert [person["person"] for person in people] == ["Ada Sample", "Bo Sample"]
    client.__exit__(None, None, None)

    (tmp_path / "people" / "Cy Sample").mkdir()
    (tmp_path / "people" / "Cy Sample" / "1.jpg").write_bytes(person_jpeg(3))
    assert start(sample_people=True).get("/people").json()["total"] == 2


def test_a_gallery_that_cannot_be_filled_is_served_empty(start, monkeypatch, tmp_path, person_jpeg):
    def fail(*_args, **_kwargs):
        raise StorageFull("no room")

    (tmp_path / "people" / "Ada").mkdir(parents=True)
    (tmp_path / "people" / "Ada" / "1.jpg").write_bytes(person_jpeg(1))
    monkeypatch.setattr("samples.people_folder", lambda: tmp_path / "people")
    monkeypatch.setattr("service.keeper.build", fail)
    assert start(sample_people=True).get("/info").json()["gallery"]["faces"] == 0


def test_resources_are_frozen(client):
    with pytest.raises(dataclasses.FrozenInstanceError):
        client.app.state.resources.gallery = None
