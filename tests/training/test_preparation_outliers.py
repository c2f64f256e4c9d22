"""Outliers: flaws of crops, and pictures that are there twice."""

import numpy as np
import pytest

from samples.generator import make_person, render
from training.preparation import outliers
from training.preparation.outliers import fingerprint, flaw_of, near_duplicates, under_two_names


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return render(make_person(1), size_px=160)


def smeared(face: np.ndarray, share: float) -> np.ndarray:
    """The picture as its last row before the lower border goes on and on."""
    crop = face.copy()
    last = round(len(crop) * (1 - share))
    rows = np.random.default_rng(0).integers(0, 255, (1, crop.shape[1], 3))
    crop[last:] = rows
    return crop


def test_faces_have_no_flaw(face):
    for seed in range(2, 6):
        assert flaw_of(render(make_person(seed), size_px=160)) == ""


@pytest.mark.parametrize("turns", range(4))
def test_streaks_are_seen_from_every_edge(face, turns):
    assert flaw_of(np.rot90(smeared(face, 0.2), turns)) == "streaks"
    assert flaw_of(np.rot90(smeared(face, 0.04), turns)) == ""


def test_one_colour_is_blank_and_a_face_in_a_corner_mostly_padding(face):
    assert flaw_of(np.full_like(face, 77)) == "blank"
    crop = np.zeros_like(face)
    crop[:60, :60] = face[50:110, 50:110]
    assert flaw_of(crop) == "padding"


def test_a_fingerprint_stays_when_a_picture_is_scaled_or_gets_brighter(face):
    def bits(a: np.ndarray, b: np.ndarray) -> int:
        return int(np.bitwise_count(fingerprint(a) ^ fingerprint(b)).sum())

    larger = face.repeat(2, axis=0).repeat(2, axis=1)
    assert bits(face, larger) <= outliers.SAME_PERSON_BITS
    assert bits(face, (face * 0.8 + 20).astype(np.uint8)) <= outliers.SAME_PERSON_BITS
    turned = render(make_person(1), yaw_deg=25, size_px=160)
    assert bits(face, turned) > outliers.SAME_PERSON_BITS
    assert bits(face, render(make_person(2), size_px=160)) > outliers.SAME_PERSON_BITS


def oracle(prints: list[int], people: list[int]) -> list[int]:
    """The slow way: every pair."""
    found = []
    for row, (bits, person) in enumerate(zip(prints, people, strict=True)):
        limit = outliers.SAME_PERSON_BITS if person >= 0 else 0
        near = [
            earlier
            for earlier in range(row)
            if people[earlier] == person and (prints[earlier] ^ bits).bit_count() <= limit
        ]
        found.append(near[0] if near else -1)
    return found


def test_near_duplicates_are_those_of_a_slow_loop(monkeypatch):
    monkeypatch.setattr(outliers, "ROWS_TOGETHER", 7)
    random = np.random.default_rng(0)
    people = random.integers(-1, 4, 120)
    prints = random.integers(0, 2**63, (120, 2), dtype=np.uint64)
    for row in range(0, 120, 3):  # some are earlier ones with some bits changed
        other = random.integers(0, row + 1)
        prints[row] = prints[other] ^ np.uint64(2 ** random.integers(0, 12) - 1)
        people[row] = people[other]
    whole = [(int(a) << 64) | int(b) for a, b in prints]
    found = near_duplicates(prints, people)
    assert found.tolist() == oracle(whole, people.tolist())
    assert (found >= 0).any()


def test_one_picture_under_two_names_is_flagged_under_both():
    prints = np.array([[1, 1], [1, 1], [2, 2], [2, 2], [3, 3], [3, 3]], np.uint64)
    people = np.array([0, 1, 5, 5, -1, 4])
    assert under_two_names(prints, people).tolist() == [True, True, False, False, False, False]


def test_no_crops_have_no_duplicates():
    nothing, nobody = np.empty((0, 2), np.uint64), np.empty(0, np.int64)
    assert len(near_duplicates(nothing, nobody)) == 0
    assert len(under_two_names(nothing, nobody)) == 0
