"""The encoder contract: a sound folder loads, and whatever is wrong with one is named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.card import CARD_FILE, ENCODER_FILE, InputSpec, load_card
from faces.encoder import OnnxEncoder
from faces.errors import BadCard, DeviceUnavailable


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny encoder, to be spoilt."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def edit(folder: Path, **changes: object) -> None:
    raw = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**raw, **changes}))


def test_a_card_survives_being_saved_and_loaded(folder):
    card = load_card(folder)
    card.save(folder)
    assert load_card(folder) == card


def test_the_contract_hash_follows_files_and_input_but_not_figures(folder):
    card = load_card(folder)
    assert replace(card, metrics={"hit@1": 1.0}, name="x").contract_hash == card.contract_hash
    wider = replace(card, input=replace(card.input, crop_margin=0.25))
    assert wider.contract_hash != card.contract_hash
    assert replace(card, sha256={ENCODER_FILE: "0" * 64}).contract_hash != card.contract_hash


def test_a_missing_card_says_that_this_is_no_encoder_folder(tmp_path):
    with pytest.raises(BadCard, match="is not an encoder folder"):
        load_card(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"input": 3}', '{"input": {"mean": 1}}'])
def test_a_malformed_card_is_named(folder, text):
    (folder / CARD_FILE).write_text(text)
    with pytest.raises(BadCard, match="malformed"):
        load_card(folder)


def test_a_card_that_does_not_name_its_graph_is_refused(folder):
    edit(folder, sha256={})
    with pytest.raises(BadCard, match=r"does not name encoder\.onnx"):
        load_card(folder)


def test_a_changed_or_missing_graph_is_refused(folder):
    (folder / ENCODER_FILE).write_bytes(b"something else")
    with pytest.raises(BadCard, match="not the file that its card describes"):
        load_card(folder)
    (folder / ENCODER_FILE).unlink()
    with pytest.raises(BadCard, match="missing"):
        load_card(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size_px", 8),
        ("mean", (0.5, 0.5)),
        ("std", (0.2, 0.2, 0.0)),
        ("crop_margin", 0.7),
        ("channel_order", "BGR"),
        ("alignment", "eyes"),
    ],
)
def test_an_input_that_no_code_here_can_honour_is_refused_by_name(key, value):
    sound = {"size_px": 64, "mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2), "crop_margin": 0.0}
    with pytest.raises(BadCard, match=key):
        InputSpec(**{**sound, key: value})


def test_a_graph_that_cannot_be_loaded_is_named(folder):
    from faces.card import file_sha256

    (folder / ENCODER_FILE).write_bytes(b"no graph")
    edit(folder, sha256={ENCODER_FILE: file_sha256(folder / ENCODER_FILE)})
    with pytest.raises(BadCard, match="cannot be loaded"):
        OnnxEncoder(folder, device="cpu")


def test_a_device_that_is_unknown_or_absent_is_an_error_and_auto_takes_what_is_there(tiny_encoder):
    with pytest.raises(DeviceUnavailable, match="'tpu' is unknown"):
        OnnxEncoder(tiny_encoder, device="tpu")
    with pytest.raises(DeviceUnavailable, match="'cuda' is asked for"):
        OnnxEncoder(tiny_encoder, device="cuda")
    assert OnnxEncoder(tiny_encoder, device="auto").device == "cpu"


def test_crops_of_another_shape_or_type_are_refused(tiny_encoder):
    encoder = OnnxEncoder(tiny_encoder, device="cpu")
    size = encoder.card.input.size_px
    for crops in (
        np.zeros((1, size, size + 1, 3), np.uint8),
        np.zeros((size, size, 3), np.uint8),
        np.zeros((1, size, size, 3), np.float32),
    ):
        with pytest.raises(ValueError, match="crops must be uint8"):
            encoder.embed(crops)


def test_a_long_array_is_worked_off_in_pieces_with_the_same_result(tiny_encoder):
    size = OnnxEncoder(tiny_encoder, device="cpu").card.input.size_px
    crops = np.random.default_rng(0).integers(0, 255, (7, size, size, 3), dtype=np.uint8)
    whole = OnnxEncoder(tiny_encoder, device="cpu", batch=64).embed(crops)
    pieces = OnnxEncoder(tiny_encoder, device="cpu", batch=3).embed(crops)
    assert np.allclose(whole, pieces, atol=1e-6)
    assert OnnxEncoder(tiny_encoder, device="cpu").embed(crops[:0]).shape == (0, whole.shape[1])
