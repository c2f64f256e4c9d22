"""The shipped encoder keeps the contract that its card states."""

import numpy as np
import pytest

import encoders
from faces.card import ENCODER_FILE, load_card
from faces.encoder import OnnxEncoder


def test_the_shipped_encoder_fits_its_card_and_gives_unit_length():
    encoder = OnnxEncoder(encoders.shipped(), device="cpu", threads=1)
    size_px = encoder.card.input.size_px
    crops = np.random.default_rng(0).integers(0, 255, (3, size_px, size_px, 3), dtype=np.uint8)
    embeddings = encoder.embed(crops)
    assert embeddings.shape == (3, encoder.card.dimension)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert encoder.card.name == encoders.DEFAULT
    # a batch gives what each crop alone gives
    assert np.allclose(embeddings[1:2], encoder.embed(crops[1:2]), atol=1e-5)


def test_the_shipped_encoder_is_small_and_says_what_it_was_trained_on():
    folder = encoders.shipped()
    assert (folder / ENCODER_FILE).stat().st_size < 24e6
    card = load_card(folder)
    assert card.training["config"]["sources"]
    assert 0 < card.metrics["retrieval"]["hit@1"] <= 1
    text = (folder / "MODEL_CARD.md").read_text()
    for heading in ("## What it is for", "## Data", "## Figures", "## Limits", "## Terms"):
        assert heading in text


def test_an_encoder_that_is_not_shipped_is_an_error_that_names_it():
    with pytest.raises(FileNotFoundError, match="'other'"):
        encoders.shipped("other")
