"""A running service while its gallery moves to another encoder: only the answers tell."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from faces.card import load_card
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline
from index.ground import open_store
from index.reembedding import Reembedding
from tests.service.conftest import wait_until
from tests.service.serving import REPOSITORY

PROBE_EVERY_S = 0.02


@pytest.fixture
def other_encoder(make_encoder):
    return make_encoder(7)


def move(settings, folder):
    """Re-embed a gallery in this process, as the command does."""
    store = open_store(settings.data, None)
    try:
        pipeline = Pipeline(None, OnnxEncoder(folder, threads=1))
        Reembedding(store, pipeline.encoder.card, folder).run(pipeline.embed_contexts)
    finally:
        store.close()


def named(client):
    return client.get("/info").json()["encoder"]["name"]


def test_a_service_takes_up_the_encoder_that_its_gallery_was_switched_to(
    client, enrol, person_jpeg, make_settings, other_encoder, monkeypatch
):
    monkeypatch.setattr("service.keeper.MAINTAIN_EVERY_S", 0.02)
    enrol("Ada", 1)
    enrol("Bo", 2)
    before = client.app.state.resources
    move(make_settings(), other_encoder)
    wait_until(lambda: named(client) == "tiny-7-v1")
    answer = client.post("/search", files={"image": person_jpeg(2)}).json()
    assert answer["encoder"]["name"] == "tiny-7-v1"
    assert answer["faces"][0]["matches"][0]["person"] == "Bo"
    assert answer["faces"][0]["matches"][0]["similarity"] > 0.95
    enrol("Cy", 3)
    photo = before.pipeline.embed(person_jpeg(1))  # a request that began before the switch
    [[match, *_]] = before.gallery.search(np.stack([photo.faces[0].embedding]), k=1)
    assert (match.face.person, match.similarity) == ("Ada", 1)


def test_an_enrolment_between_two_encoders_waits_for_the_new_one(
    client, enrol, person_jpeg, make_settings, other_encoder
):
    """The keeper looks each second only: the enrolment comes before it."""
    enrol("Ada", 1)
    move(make_settings(), other_encoder)
    enrol("Bo", 2)
    assert named(client) == "tiny-7-v1"
    answer = client.post("/search", files={"image": person_jpeg(2)}).json()
    assert answer["faces"][0]["matches"][0]["similarity"] == 1


def test_while_the_new_encoder_is_not_to_be_found_the_old_one_answers(
    start, person_jpeg, make_settings, make_encoder, monkeypatch, caplog, assert_problem
):
    monkeypatch.setattr("service.keeper.MAINTAIN_EVERY_S", 0.02)
    monkeypatch.setattr("service.succession.RETRY_S", 0.02)
    monkeypatch.setattr("service.succession.WAIT_S", 0.1)
    client = start()

    def enrol(person, seed):
        files = {"images": ("a.jpg", person_jpeg(seed))}
        return client.post("/gallery", data={"person": person}, files=files)

    assert enrol("Ada", 1).status_code == 201
    folder = make_encoder(8)
    hidden = folder.with_name("hidden")
    settings = make_settings()
    store = open_store(settings.data, None)
    encoder = OnnxEncoder(folder, threads=1)
    Reembedding(store, load_card(folder), hidden).run(Pipeline(None, encoder).embed_contexts)
    store.close()
    wait_until(lambda: "the gallery's new encoder cannot be used" in caplog.text)
    answer = client.post("/search", files={"image": person_jpeg(1)}).json()
    assert answer["encoder"]["name"] == "tiny-0-v1"
    assert answer["faces"][0]["matches"][0]["similarity"] == 1
    problem = assert_problem(enrol("Bo", 2), "not-ready", 503)
    assert "changing to another encoder" in problem["detail"]
    folder.rename(hidden)
    wait_until(lambda: named(client) == "tiny-8-v1")
    assert enrol("Bo", 2).status_code == 201


class Searcher(threading.Thread):
    """Searches every 20 ms, and notes what each answer said."""

    def __init__(self, client, photo):
        super().__init__()
        self.answers = []
        self._client, self._photo = client, photo
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(PROBE_EVERY_S):
            answer = self._client.post("/search", files={"image": self._photo})
            best = answer.json()["faces"][0]["matches"][0] if answer.is_success else {}
            encoder = answer.json().get("encoder", {}).get("name")
            self.answers.append(
                (answer.status_code, encoder, best.get("person"), best.get("similarity"))
            )

    def stop(self):
        self._ended.set()
        self.join()
        return self.answers


def reembed(data, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "gallery", "reembed", "--data", data, *options],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_searches_and_enrolments_go_on_through_reembedding_kill_switch_and_rollback(
    serve, tmp_path, person_jpeg, other_encoder
):
    served = serve()
    data = tmp_path / "data"

    def enrol(seed):
        answer = served.client.post(
            "/gallery",
            data={"person": f"Person {seed}"},
            files={"images": (f"{seed}.jpg", person_jpeg(seed))},
        )
        assert answer.status_code == 201, answer.text

    for seed in range(1, 13):
        enrol(seed)
    searcher = Searcher(served.client, person_jpeg(5))
    searcher.start()

    killed = reembed(data, "--encoder", other_encoder, "--rate", "2")
    store = open_store(data, None)
    wait_until(lambda: counted(store) > 0, seconds=120)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    done_before = counted(store)
    assert 0 < done_before < 12
    enrol(13)  # meanwhile, to the old encoder
    second = reembed(data, "--encoder", other_encoder, "--rate", "4")
    enrol(14)
    told, _ = second.communicate()
    assert second.returncode == 0, told
    assert "from tiny-0 to tiny-7" in told
    assert int(re.search(r"embedded (\d+) faces", told).group(1)) <= 14 - done_before
    enrol(15)  # right after the switch
    wait_until(lambda: named(served.client) == "tiny-7-v1", seconds=60)
    assert served.client.get("/info").json()["gallery"]["index"]["size"] == 15
    time.sleep(0.5)

    back = reembed(data, "--rollback")
    told, _ = back.communicate()
    assert back.returncode == 0, told
    wait_until(lambda: named(served.client) == "tiny-0-v1", seconds=60)
    assert served.client.get("/info").json()["gallery"]["index"]["size"] == 15
    time.sleep(0.5)
    answers = searcher.stop()
    store.close()

    assert_all_answered(answers, ["tiny-0-v1", "tiny-7-v1", "tiny-0-v1"])
    assert served.stop() == 0


def assert_all_answered(answers, encoders):
    """Every search found the person, with each of the encoders in turn."""
    assert {status for status, *_ in answers} == {200}
    assert {person for _, _, person, _ in answers} == {"Person 5"}
    assert min(similarity for *_, similarity in answers) > 0.95
    used = [encoder for _, encoder, *_ in answers]
    changes = [new for old, new in zip([None, *used], used, strict=False) if new != old]
    assert changes == encoders
    print(f"{len(answers)} searches, all answered")


def counted(store):
    """Embeddings of the encoder that is not the first."""
    with store.read() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM embedding WHERE encoder_key <> 1"
        ).scalar()


@pytest.mark.slow
def test_a_service_that_is_started_again_with_the_old_setting_follows_its_gallery(
    serve, tmp_path, person_jpeg, other_encoder
):
    served = serve()
    served.client.post(
        "/gallery", data={"person": "Ada"}, files={"images": ("a.jpg", person_jpeg(1))}
    )
    told, _ = reembed(tmp_path / "data", "--encoder", other_encoder).communicate()
    assert "belongs to encoder tiny-7 now" in told
    assert served.stop() == 0
    again = serve()  # with --encoder of the old one
    assert named(again.client) == "tiny-7-v1"
