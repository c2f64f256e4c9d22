import json
from pathlib import Path

import pytest

from faces.errors import BadCard

CALIBRATION = {
    "version": 1,
    "protocol": "made up",
    "photos": ["others"],
    "people": 40,
    "same_person_pairs": 300,
    "cross_person_pairs": 20_000,
    "false_match_rate": {"similarity": [-1.0, 0.5, 0.99], "rate": [1.0, 0.1, 0.001]},
    "log_likelihood_ratio": {"similarity": [-1.0, 0.0, 1.0], "value": [-4.0, 0.0, 4.0]},
    "method": "logistic",
}


@pytest.fixture
def calibrated(tiny_encoder: Path, tmp_path: Path):
    """Makes a copy of the tiny encoder with a calibration in its card."""

    def make(block=CALIBRATION) -> Path:
        folder = tmp_path / "encoder"
        folder.mkdir()
        for file in tiny_encoder.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        card = json.loads((folder / "card.json").read_text("utf-8"))
        (folder / "card.json").write_text(json.dumps({**card, "calibration": block}), "utf-8")
        return folder

    return make


def enrol(client, name, photo):
    files = {"images": (f"{name}.jpg", photo)}
    assert client.post("/gallery", data={"person": name}, files=files).status_code == 201


def search(client, photo, **query):
    answer = client.post("/search", params=query, files={"image": ("probe", photo)}).json()
    return answer["faces"][0]


def test_the_photo_itself_is_known_and_probably_the_same_person(start, calibrated, person_jpeg):
    client = start(encoder=calibrated())
    enrol(client, "Ada", person_jpeg(1))
    face = search(client, person_jpeg(1))
    assert face["unknown"] is False
    # 1 / (1 + exp(-4)), as the table says of a similarity of 1
    assert face["matches"][0]["same_person_probability"] == pytest.approx(0.982, abs=1e-3)


def test_the_prior_decides_the_probability(start, calibrated, person_jpeg):
    client = start(encoder=calibrated(), prior=0.01)
    enrol(client, "Ada", person_jpeg(1))
    [match] = search(client, person_jpeg(1))["matches"]
    # odds of 1 to 99, times exp(4)
    assert match["same_person_probability"] == pytest.approx(0.355, abs=1e-3)


def test_nobody_in_the_gallery_makes_a_probe_unknown(start, calibrated, face_jpeg):
    assert search(start(encoder=calibrated()), face_jpeg)["unknown"] is True


def test_a_best_match_that_is_left_out_still_makes_a_probe_known(start, calibrated, person_jpeg):
    client = start(encoder=calibrated(), unknown_rate=0.5)
    enrol(client, "Ada", person_jpeg(1))
    face = search(client, person_jpeg(2), min_similarity=1)
    assert face["matches"] == []
    assert face["unknown"] is False


def test_a_rate_that_was_not_measured_claims_nothing(start, calibrated, face_jpeg):
    client = start(encoder=calibrated(), unknown_rate=0.0001)
    assert search(client, face_jpeg)["unknown"] is None
    assert client.get("/info").json()["calibration"]["unknown_below"] is None


def test_info_tells_the_false_matches_to_expect(start, calibrated, person_jpeg):
    client = start(encoder=calibrated())
    for seed, name in enumerate(("Ada", "Bo", "Cy")):
        enrol(client, name, person_jpeg(seed))
    found = client.get("/info").json()["calibration"]
    assert (found["prior"], found["people"]) == (0.5, 40)
    assert found["unknown_below"] == pytest.approx(0.99)
    rates = [(row["rate"], row["similarity"]) for row in found["false_match_rates"]]
    assert rates[0] == (0.1, 0.5)
    assert rates[-1] == (0.001, 0.99)
    assert found["false_match_rates"][0]["expected_in_gallery"] == pytest.approx(0.3)


def test_a_calibration_of_another_version_ends_the_start(start, calibrated):
    with pytest.raises(BadCard, match=r"calibration\.version = 9"):
        start(encoder=calibrated({**CALIBRATION, "version": 9}))
