"""Metrics: every count that operators are promised, and no name or id among the labels."""

import re
import warnings

from prometheus_client.parser import text_string_to_metric_families

from tests.service.keyed import bearer


def samples(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_search_is_counted_and_each_of_its_stages_timed(client, enrol, person_jpeg):
    warmed = samples(client)["lookalike_batch_crops_sum",]
    enrol("Ada", 1)
    client.post("/search", files={"image": person_jpeg(1)})
    found = samples(client)
    assert found["lookalike_requests_total", "/search", "200", "POST"] == 1
    assert found["lookalike_request_seconds_count", "/search"] == 1
    for stage, count in {"decode": 2, "detect": 2, "embed": 2, "search": 1}.items():
        assert found["lookalike_stage_seconds_count", stage] == count
    assert found["lookalike_batch_crops_sum",] == warmed + 2
    assert found["lookalike_wait_seconds_count",] == 2
    assert found["lookalike_photos_total",] == 2
    assert found["lookalike_photos_without_face_total",] == 0
    gauges = ("gallery_people", "gallery_faces", "index_faces", "ready")
    assert [found[f"lookalike_{name}",] for name in gauges] == [1] * 4
    assert found["lookalike_index_lag",] == found["lookalike_queue_depth",] == 0
    assert found["lookalike_in_flight",] == 0
    assert found["lookalike_index_last_seq",] >= 1
    assert found["process_resident_memory_bytes",] > 1e6
    assert found["process_cpu_seconds_total",] > 0


def test_misses_and_what_an_enrolment_rejects_are_counted_by_reason(client, empty_jpeg, face_jpeg):
    client.post("/search", files={"image": empty_jpeg})
    files = [("images", face_jpeg), ("images", empty_jpeg), ("images", b"no image")]
    assert client.post("/gallery", data={"person": "Ada"}, files=files).status_code == 201
    found = samples(client)
    assert found["lookalike_photos_without_face_total",] == 2
    assert found["lookalike_problems_total", "no-face"] == 1
    assert found["lookalike_rejected_photos_total", "no-face"] == 1
    assert found["lookalike_rejected_photos_total", "bad-image"] == 1


def test_labels_hold_templates_and_no_names_ids_or_paths(client, enrol):
    face = enrol("Zebulon Quux", 1)
    for path in (f"/gallery/{face['face_id']}", "/nowhere/Zebulon", "/gallery?person=Zebulon"):
        client.get(path)
    client.head(f"/gallery/{face['face_id']}")
    client.request("ZEBULON", "/search")
    text = client.get("/metrics").text
    assert not re.search(r"Zebulon|ZEBULON|nowhere|[0-9A-HJKMNP-TV-Z]{26}", text)
    found = samples(client)
    assert found["lookalike_requests_total", "/gallery/{face_id}", "200", "GET"] == 1
    assert found["lookalike_requests_total", "/gallery/{face_id}", "200", "HEAD"] == 1
    assert found["lookalike_requests_total", "404", "GET", "other"] == 1
    assert found["lookalike_problems_total", "not-found"] == 1


def test_metrics_are_given_while_the_service_is_not_ready(client):
    client.app.state.resources.readiness.store_reachable = False
    assert samples(client)["lookalike_ready",] == 0


def test_once_there_are_keys_metrics_are_for_this_machine_and_for_admins(client, assert_problem):
    admin, search = bearer(client, "admin"), bearer(client, "search")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient

    here = TestClient(client.app, base_url="http://localhost", client=("127.0.0.1", 5))
    assert here.get("/metrics").status_code == 200
    assert_problem(client.get("/metrics"), "unauthorized", 401)
    assert_problem(client.get("/metrics", headers=search), "forbidden", 403)
    assert client.get("/metrics", headers=admin).status_code == 200


def test_two_services_in_one_process_count_for_themselves(start, tmp_path):
    one = start()
    other = start(data=tmp_path / "other")
    one.get("/info")
    assert ("lookalike_requests_total", "/info", "200", "GET") in samples(one)
    assert ("lookalike_requests_total", "/info", "200", "GET") not in samples(other)
