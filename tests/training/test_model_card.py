from dataclasses import replace
from pathlib import Path

import pytest

from faces.card import load_card
from training.model_card import render, write_model_card

ESTIMATE = {"value": 0.51, "interval": [0.4, 0.6]}
CALIBRATION = {
    "version": 1,
    "protocol": "made up",
    "photos": ["others"],
    "people": 40,
    "same_person_pairs": 300,
    "cross_person_pairs": 20_000,
    "false_match_rate": {"similarity": [0.0, 0.5, 0.9], "rate": [0.9, 0.01, 0.0001]},
    "log_likelihood_ratio": {"similarity": [0.0, 0.9], "value": [-3.0, 5.0]},
    "method": "logistic",
}


@pytest.fixture
def card(tiny_encoder: Path):
    return replace(load_card(tiny_encoder), training={}, metrics={}, calibration=None)


def test_what_was_not_measured_is_said_to_be_so(card):
    text = render(card)
    assert "Nothing was measured yet" in text
    assert "Not calibrated" in text
    assert "was not measured" in text
    assert "The card does not say" in text


def test_figures_stand_with_their_intervals(card):
    measured = {"protocol": "as told", "retrieval": {"probes": 9, "hit@1": ESTIMATE}}
    measured["given pairs"] = {"accuracy": {"value": 0.9, "interval": [None, None]}, "EER": None}
    text = render(replace(card, metrics={"others": measured}))
    assert "| retrieval: hit@1 | 0.510 (0.400 to 0.600) |" in text
    assert "| given pairs: accuracy | 0.900 |" in text
    assert "Protocol: as told." in text
    assert "EER" not in text


def test_figures_of_the_first_cards_do_not_break_it(card):
    old = {"protocol": "each photo against all others", "photos": "photos_dev", "hit@1": 0.5}
    assert "### retrieval" in render(replace(card, metrics={"retrieval": old}))


def test_a_group_without_enough_evidence_supports_no_claim(card):
    told = {"photos": 30, "people": 3, "hit@1": {**ESTIMATE, "claim": False}}
    metrics = {"others": {"breakdown": {"gender": {"f": told}}}}
    text = render(replace(card, metrics=metrics))
    assert "3 people; 30 photos; hit@1 0.510 (0.400 to 0.600) (too wide for a claim)" in text


def test_a_calibration_is_told_as_far_as_it_was_measured(card):
    text = render(replace(card, calibration=CALIBRATION))
    assert "300 pairs of one person and 20000 pairs of two, of 40 people" in text
    assert "| 0.01 | 0.500 |" in text
    assert "| 0.0001 | 0.900 |" in text


def test_every_run_that_led_to_the_weights_is_told_in_order(card):
    first = {"objective": "ntxent", "epochs": 2, "sources": ["a"], "batch": 256, "size_px": 64}
    last = {**first, "objective": "distill", "teacher": "t/dlib", "start": "runs/first"}
    training = {"history": [{**first, "seed": 0}], "config": {**last, "seed": 1}}
    text = render(replace(card, training=training))
    assert "1. `ntxent`, from random weights: 2 epochs over a" in text
    assert "2. `distill`, teacher dlib, from the weights of first" in text


def test_it_lies_beside_the_card(tiny_encoder, tmp_path):
    for file in tiny_encoder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert write_model_card(tmp_path).read_text("utf-8") == render(load_card(tmp_path))
