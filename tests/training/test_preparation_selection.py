"""Selection: who is taken, and into which split."""

from collections import Counter

import numpy as np
import pytest

from training.errors import BadConfig
from training.preparation.selection import (
    LEFT_OUT,
    NOT_GIVEN,
    OUTCOMES,
    UNNAMED,
    Selection,
    choose,
)
from training.splits import held_out

FEW, SURPLUS = OUTCOMES[3:]


def outcomes(people: list[int], selection: Selection, given: list[int] | None = None) -> list[str]:
    names = tuple(f"person {number}" for number in range(max(people, default=-1) + 1))
    splits = np.array(given or [NOT_GIVEN] * len(people), np.int8)
    chosen = choose(np.array(people, np.int64), names, splits, selection)
    return [OUTCOMES[outcome] for outcome in chosen]


def test_so_many_photos_of_each_person_are_sampled():
    people = [0] * 70 + [1] * 55 + [2] * 49
    found = outcomes(people, Selection("sample", min_images=50))
    assert Counter(found[:70]) == {"train": 50, "test": 10, SURPLUS: 10}
    assert Counter(found[70:125]) == {"train": 50, "test": 5}
    assert set(found[125:]) == {FEW}


def test_the_photos_of_each_person_are_divided():
    people = [0, 1] * 20
    found = outcomes(people, Selection("photos"))
    for person in (0, 1):
        assert Counter(found[person::2]) == {"train": 16, "val": 2, "test": 2}


def test_whole_people_are_divided():
    people = [person for person in range(20) for _ in range(3)]
    found = outcomes(people, Selection("people"))
    by_person = [set(found[start : start + 3]) for start in range(0, 60, 3)]
    assert all(len(splits) == 1 for splits in by_person)
    assert Counter(next(iter(splits)) for splits in by_person) == {
        "train": 16,
        "val": 2,
        "test": 2,
    }


@pytest.mark.parametrize(
    ("people", "splits"), [(1, {"train"}), (2, {"train"}), (3, {"train", "val", "test"})]
)
def test_three_people_are_enough_for_three_splits(people, splits):
    assert set(outcomes(list(range(people)), Selection("people"))) == splits


def test_people_who_join_move_few_others_to_another_split():
    names = [f"person {number}" for number in range(200)]
    before, after = held_out(names, 0.1), held_out([*names, "new 1", "new 2"], 0.1)
    assert len(before) == len(after) == 20
    assert len(before & after) >= 18


def test_the_split_of_the_set_itself_is_kept():
    given = [0, 1, 2, NOT_GIVEN]
    assert outcomes([0, 0, 0, 0], Selection("given"), given) == ["train", "val", "test", "train"]


def test_photos_of_nobody_are_for_training_and_those_left_out_count_for_nobody():
    people = [UNNAMED, 0, LEFT_OUT, 0]
    found = outcomes(people, Selection("photos", min_images=3))
    assert (found[0], found[1], found[3]) == ("train", FEW, FEW)
    assert outcomes([UNNAMED] * 3, Selection("people")) == ["train"] * 3


def test_the_seed_decides_and_nothing_else():
    people = [person for person in range(9) for _ in range(9)]
    for policy in ("people", "photos"):
        first, same, other = (outcomes(people, Selection(policy, seed=s)) for s in (1, 1, 2))
        assert first == same
        assert first != other


@pytest.mark.parametrize(
    ("key", "value"),
    [("shares", (0.5, 0.1, 0.1)), ("shares", (1.2, -0.1, -0.1)), ("shares", (0.0, 0.5, 0.5)),
     ("min_images", 0), ("train_images", 0), ("test_images", -1), ("min_px", -1)],
)  # fmt: skip
def test_values_out_of_range_are_refused_by_name(key, value):
    with pytest.raises(BadConfig, match=key):
        Selection("people", **{key: value})


def test_never_everybody_is_held_out():
    assert held_out(["ann"], 0.5) == frozenset()
    assert len(held_out(["ann", "bo"], 0.99)) == 1
    assert held_out(["ann", "bo"], 0.0) == frozenset()
