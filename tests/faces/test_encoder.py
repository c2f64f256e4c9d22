"""The encoder runs what its card describes, and refuses everything else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from faces.card import load_card
from faces.encoder import OnnxEncoder


def test_embeddings_have_unit_length_and_the_dimension_of_the_card(tiny_encoder: Path) -> None:
    encoder = OnnxEncoder(tiny_encoder, device="cpu")
    crops = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    embeddings = encoder.embed(crops)
    assert embeddings.shape == (5, encoder.dimension) == (5, 64)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)


def test_encoders_of_different_seeds_have_different_contracts(
    tiny_encoder: Path, make_encoder: Callable[[int], Path]
) -> None:
    assert load_card(tiny_encoder).contract_hash != load_card(make_encoder(7)).contract_hash
