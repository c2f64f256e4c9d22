"""The shipped encoders keep the contract that their cards state."""

import numpy as np
import pytest

import encoders
from faces.calibration import read_calibration
from faces.card import ENCODER_FILE, LANDMARKS_FILE, load_card
from faces.encoder import OnnxEncoder

SHIPPED = ("simclr-resnet18", "simclr-resnet18-tuned", "simclr-resnet18-tuned-int8")
WHOLE = SHIPPED[:2]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_encoder_fits_its_card_and_gives_unit_length(name):
    encoder = OnnxEncoder(encoders.shipped(name), device="cpu", threads=1)
    size_px = encoder.card.input.size_px
    crops = np.random.default_rng(0).integers(0, 255, (3, size_px, size_px, 3), dtype=np.uint8)
    embeddings = encoder.embed(crops)
    assert embeddings.shape == (3, encoder.card.dimension)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert encoder.card.name == name
    # a batch gives what each crop alone gives
    assert np.allclose(embeddings[1:2], encoder.embed(crops[1:2]), atol=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_encoder_is_small_and_says_what_it_was_trained_on(name):
    folder = encoders.shipped(name)
    assert (folder / ENCODER_FILE).stat().st_size < 24e6
    card = load_card(folder)
    assert card.training["config"]["sources"]
    assert not any("dev" in source["name"] for source in card.training["sources"])
    assert 0 < card.metrics["photos_dev"]["retrieval"]["hit@1"]["value"] <= 1
    text = (folder / "MODEL_CARD.md").read_text("utf-8")
    for heading in ("## What it is for", "## Data", "## Figures", "## Limits", "## Terms"):
        assert heading in text


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_encoder_brings_the_shipped_landmark_network(name):
    folder = encoders.shipped(name)
    assert load_card(folder).input.alignment == "landmarks"
    assert (folder / LANDMARKS_FILE).read_bytes() == encoders.landmark_network().read_bytes()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_encoder_is_calibrated_on_many_people(name):
    block = load_card(encoders.shipped(name)).calibration
    assert block is not None
    calibration = read_calibration(block)
    assert calibration.people > 1000
    assert calibration.same_person_probability(1.0, 0.5) > 0.9
    assert calibration.same_person_probability(-1.0, 0.5) < 0.5


def test_the_better_encoder_is_the_default():
    accuracy = {
        name: load_card(encoders.shipped(name)).metrics["lfw_dev"]["given pairs"]["accuracy"]
        for name in WHOLE
    }
    assert max(accuracy, key=lambda name: accuracy[name]["value"]) == encoders.DEFAULT


def test_the_8_bit_encoder_is_half_as_large_and_loses_no_accuracy_to_speak_of():
    whole, small = (encoders.shipped(name) for name in SHIPPED[1:])
    assert (small / ENCODER_FILE).stat().st_size < 0.6 * (whole / ENCODER_FILE).stat().st_size
    accuracy = [
        load_card(folder).metrics["lfw_dev"]["given pairs"]["accuracy"]["value"]
        for folder in (whole, small)
    ]
    assert accuracy[1] > accuracy[0] - 0.003


def test_an_encoder_that_is_not_shipped_is_an_error_that_names_it():
    with pytest.raises(FileNotFoundError, match="'other'"):
        encoders.shipped("other")
