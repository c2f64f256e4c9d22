import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.errors import SeveralFaces
from faces.pipeline import Pipeline
from faces.sources import open_source
from index.build import build
from index.enrolment import photo_digest, prepare_face
from index.errors import StorageFull
from index.gallery import Gallery
from tests.index.building import FakePipeline, many_photos, photo
from tests.index.conftest import unit

PROGRAM = Path(__file__).with_name("building.py")


def run(gallery, photos, pipeline=None, progress=None, workers=3):
    return build(gallery, pipeline or FakePipeline(), photos, progress=progress, workers=workers)


def test_a_build_enrols_every_photo_under_its_person(gallery):
    report = run(gallery, many_photos(100))
    assert (report.enrolled, report.duplicate, report.skipped, report.rejected) == (100, 0, 0, [])
    assert report.photos == 100
    assert report.seconds > 0
    assert [person.faces for person in gallery.people().items] == [10] * 10
    face = gallery.faces(limit=1).items[0]
    assert (face.person, face.source_name) == ("P0", "P0/0.jpg")


def test_a_second_build_skips_what_is_enrolled_without_looking_at_it(gallery):
    run(gallery, many_photos(40))
    pipeline = FakePipeline()
    report = run(gallery, many_photos(50), pipeline)
    assert (report.enrolled, report.skipped) == (10, 40)
    assert len(pipeline.embedded) == 10


def test_the_same_photo_twice_in_a_source_is_a_duplicate(gallery):
    twins = [photo(f"Ana/{n}.jpg", "Ana", b"same") for n in range(3)]
    report = run(gallery, [*twins, *many_photos(200), photo("Ana/late.jpg", "Ana", b"same")])
    assert (report.enrolled, report.duplicate, report.skipped) == (201, 3, 0)
    again = run(gallery, twins)
    assert (again.enrolled, again.duplicate, again.skipped) == (0, 0, 3)


def test_photos_that_cannot_be_enrolled_are_rejected_with_the_reason(gallery):
    report = run(
        gallery,
        [
            photo("Ana/sky.jpg", "Ana", b"no face here"),
            photo("Ana/good.jpg", "Ana"),
            photo("Ana/bad.jpg", "Ana", b"broken"),
            photo("Ana/gone.jpg", "Ana", b""),
            photo("long.jpg", "x" * 201),
        ],
    )
    assert report.enrolled == 1
    assert [(item.source_name, type(item.error).__name__) for item in report.rejected] == [
        ("Ana/sky.jpg", "NoFace"),
        ("Ana/bad.jpg", "BadImage"),
        ("Ana/gone.jpg", "BadSource"),
        ("long.jpg", "InvalidName"),
    ]
    assert report.photos == 5


def test_a_photo_without_a_name_is_a_person_of_its_own(gallery):
    run(gallery, [photo("flat/Al Pacino.jpg", None), photo("De Niro.old.png", None)])
    assert [person.person for person in gallery.people().items] == ["Al Pacino", "De Niro.old"]


def test_an_empty_source_makes_an_empty_report(gallery):
    report = run(gallery, [])
    assert (report.photos, report.enrolled) == (0, 0)


def test_progress_counts_only_what_is_committed(gallery):
    seen = []

    def progress(done):
        stats = gallery.stats()
        seen.append(done)
        assert stats.faces == done

    run(gallery, many_photos(100), progress=progress)
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_slow_photos_are_committed_before_the_batch_is_full(gallery, monkeypatch):
    monkeypatch.setattr("index.build.BATCH_S", 0.0)
    seen = []
    run(gallery, many_photos(5), progress=seen.append)
    assert seen == [1, 2, 3, 4, 5, 5]


def test_only_a_few_photos_are_in_work_at_a_time(gallery):
    started, gate = [], threading.Event()

    class Held(FakePipeline):
        def embed(self, data, which="largest"):
            gate.wait(10)
            return super().embed(data, which)

    def source():
        for item in many_photos(500):
            started.append(item)
            if len(started) == 12:
                threading.Timer(0.05, lambda: (sizes.append(len(started)), gate.set())).start()
            yield item

    sizes: list[int] = []
    run(gallery, source(), Held())
    assert sizes == [12]  # four for each of three threads


def test_an_error_of_the_store_stops_the_build_and_keeps_what_was_reported(gallery):
    done = []

    def progress(count):
        done.append(count)
        if count >= 32:
            with gallery._database.read() as connection:
                connection.exec_driver_sql("PRAGMA max_page_count = 1")

    with pytest.raises(StorageFull):
        run(gallery, many_photos(2000), progress=progress)
    assert gallery.stats().faces == done[-1]


def test_a_service_that_has_the_gallery_open_finds_the_new_faces(open_gallery):
    service, command = open_gallery(serve=True), open_gallery()
    run(command, many_photos(20))
    seed = int(photo_digest(b"P3/3.jpg")[:8], 16)
    assert service.search(unit(seed)[None], k=1)[0][0].face.source_name == "P3/3.jpg"


def test_one_path_prepares_photos_for_builder_and_service(face_jpeg, faces_picture, tiny_encoder):
    pipeline = Pipeline(HaarDetector(), OnnxEncoder(tiny_encoder))
    face = prepare_face(pipeline, person="Ana", source_name="a.jpg", data=face_jpeg)
    expected = pipeline.embed(face_jpeg).faces[0]
    assert (face.box, face.confidence) == (expected.face.box, expected.face.confidence)
    assert (face.embedding == expected.embedding).all()
    assert face.context == expected.context
    assert (face.photo_sha256, face.metadata) == (photo_digest(face_jpeg), {})
    with pytest.raises(SeveralFaces):
        prepare_face(
            pipeline, person="Ana", source_name="b.jpg", data=faces_picture(4), which="single"
        )


def test_a_folder_of_photos_becomes_a_gallery_that_finds_them(
    tmp_path, face_jpeg, empty_jpeg, tiny_encoder
):
    people = tmp_path / "people"
    for person, content in {"Ana": face_jpeg, "Sky": empty_jpeg, "Text": b"not a photo"}.items():
        (people / person).mkdir(parents=True)
        (people / person / "1.jpg").write_bytes(content)
    pipeline = Pipeline(HaarDetector(), OnnxEncoder(tiny_encoder, threads=1))
    with Gallery.open(tmp_path / "data", encoder=pipeline.encoder.card) as gallery:
        report = run(gallery, open_source(people), pipeline)
        assert report.enrolled == 1
        assert [item.source_name for item in report.rejected] == ["Sky/1.jpg", "Text/1.jpg"]
        [probe] = pipeline.embed(face_jpeg).faces
        [[match]] = gallery.search(probe.embedding[None], k=9)
        assert (match.face.person, match.similarity) == ("Ana", pytest.approx(1, abs=1e-5))


def kill_builds(tmp_path, card, kills, seed):
    """Kill a build again and again; after each kill all that it reported must be there, once."""
    rng = random.Random(seed)
    count = 150 * kills
    reported = 0
    for _ in range(kills):
        child = subprocess.Popen(
            [sys.executable, PROGRAM, str(tmp_path / "data"), str(count), "0.002"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        goal = reported + rng.randint(1, 100)
        for line in child.stdout:
            reported = max(reported, int(line))
            if reported >= goal:
                break
        child.kill()
        rest, _ = child.communicate()
        reported = max([reported, *(int(line) for line in rest.split("\n")[:-1])])
        check_prefix(tmp_path, card, reported)
    return count


def check_prefix(tmp_path, card, reported):
    with Gallery.open(tmp_path / "data", encoder=card) as gallery:
        names = names_of(gallery)
        assert len(names) == len(set(names)) == gallery.stats().index_size
        assert set(names) >= {item.name for item in many_photos(reported)}


def names_of(gallery):
    names, cursor = [], None
    while True:
        page = gallery.faces(limit=500, cursor=cursor)
        names += [face.source_name for face in page.items]
        if page.next_cursor is None:
            return names
        cursor = page.next_cursor


def finish_and_check(tmp_path, card, count):
    with Gallery.open(tmp_path / "data", encoder=card, serve=True) as gallery:
        run(gallery, many_photos(count))
        assert sorted(names_of(gallery)) == sorted(item.name for item in many_photos(count))
        assert gallery.stats().index_size == count


def test_a_killed_build_loses_nothing_that_it_reported_and_doubles_nothing(tmp_path, card):
    finish_and_check(tmp_path, card, kill_builds(tmp_path, card, kills=3, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(900)  # on a busy machine each start of the thirty takes seconds
def test_a_build_may_be_killed_thirty_times(tmp_path, card):
    finish_and_check(tmp_path, card, kill_builds(tmp_path, card, kills=30, seed=2))
