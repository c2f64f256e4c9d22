"""Cards: what is written is read again, and whatever does not fit is refused by name."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faces.card import CARD_FILE, ENCODER_FILE, LANDMARKS_FILE, Card, InputSpec, load_card
from faces.errors import BadCard

SPEC: dict[str, Any] = {"size_px": 64, "mean": (0.5,) * 3, "std": (0.2,) * 3, "crop_margin": 0.1}


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny encoder that a test may spoil."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def spoil(folder: Path, **changes: Any) -> None:
    """Change keys of the card; None takes the key away."""
    path = folder / CARD_FILE
    raw = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in raw.items() if value is not None}))


def test_a_saved_card_is_read_as_it_was(folder: Path) -> None:
    card = load_card(folder)
    changed = replace(card, metrics={"hit@1": 0.5}, calibration={"0.3": 0.01}, training={"é": [1]})
    changed.save(folder)
    assert load_card(folder) == changed


def test_the_contract_hash_covers_files_and_input_and_nothing_else(folder: Path) -> None:
    card = load_card(folder)
    assert len(card.contract_hash) == 64
    for same in (replace(card, metrics={"a": 1}), replace(card, name="other", version="9")):
        assert same.contract_hash == card.contract_hash
    for other in (
        replace(card, sha256={ENCODER_FILE: "0" * 64}),
        replace(card, input=replace(card.input, crop_margin=0.2)),
    ):
        assert other.contract_hash != card.contract_hash


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size_px", 8),
        ("size_px", 2048),
        ("mean", (0.5, 0.5)),
        ("std", (0.2, 0.0, 0.2)),
        ("std", (0.2, 0.2)),
        ("crop_margin", -0.1),
        ("crop_margin", 0.6),
        ("channel_order", "BGR"),
        ("alignment", "eyes"),
    ],
)
def test_an_input_that_no_code_here_can_honour_is_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(BadCard, match=f"input.{key}"):
        InputSpec(**SPEC | {key: value})


def test_a_folder_without_a_card_is_no_encoder_folder(tmp_path: Path) -> None:
    with pytest.raises(BadCard, match=r"has no card\.json"):
        load_card(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"input": 3}', '{"input": {"size": 3}}'])
def test_a_malformed_card_is_refused(folder: Path, text: str) -> None:
    (folder / CARD_FILE).write_text(text)
    with pytest.raises(BadCard, match="malformed"):
        load_card(folder)


def test_a_card_that_is_not_utf8_is_malformed(folder: Path) -> None:
    (folder / CARD_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadCard, match="malformed"):
        load_card(folder)


@pytest.mark.parametrize("key", ["name", "dimension", "sha256"])
def test_a_card_that_lacks_a_key_is_malformed(folder: Path, key: str) -> None:
    spoil(folder, **{key: None})
    with pytest.raises(BadCard, match=f"malformed.*{key}"):
        load_card(folder)


def test_keys_that_later_versions_add_are_ignored(folder: Path) -> None:
    spoil(folder, later="a key of the future")
    assert isinstance(load_card(folder), Card)


def test_a_card_must_name_the_encoder_file(folder: Path) -> None:
    spoil(folder, sha256={})
    with pytest.raises(BadCard, match=ENCODER_FILE):
        load_card(folder)


def test_a_card_that_aligns_by_landmarks_must_name_their_network(
    folder: Path, aligned_encoder: Path
) -> None:
    raw = json.loads((folder / CARD_FILE).read_text())
    spoil(folder, input=raw["input"] | {"alignment": "landmarks"})
    with pytest.raises(BadCard, match=f"alignment.*{LANDMARKS_FILE}"):
        load_card(folder)
    assert load_card(aligned_encoder).has_landmarks


def test_another_landmark_network_is_another_contract(aligned_encoder: Path) -> None:
    card = load_card(aligned_encoder)
    other = replace(card, sha256={**card.sha256, LANDMARKS_FILE: "0" * 64})
    assert other.contract_hash != card.contract_hash


def test_an_altered_file_is_not_what_the_card_describes(folder: Path) -> None:
    with (folder / ENCODER_FILE).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(BadCard, match="not the file that its card describes"):
        load_card(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / ENCODER_FILE).unlink()
    with pytest.raises(BadCard, match=f"{ENCODER_FILE} is missing"):
        load_card(folder)
