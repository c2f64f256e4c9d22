"""Which photos an epoch shows, and what stands beside each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.objectives import OBJECTIVES
from training.pairs import epoch_pairs


@given(
    people=st.lists(st.integers(-1, 6), min_size=1, max_size=60),
    cap=st.integers(2, 5),
    seed=st.integers(0, 5),
)
def test_anchors_are_capped_by_person_and_partners_show_the_same_person(people, cap, seed):
    who = np.array(people)
    anchors, partners = epoch_pairs(who, OBJECTIVES["same-person"], cap, (seed, 1))
    assert len(set(anchors.tolist())) == len(anchors)
    for person in set(people):
        expected = people.count(person)
        shown = int((who[anchors] == person).sum())
        assert shown == (expected if person == -1 else min(cap, expected))
    for anchor, partner in zip(anchors, partners, strict=True):
        alone = who[anchor] == -1 or people.count(int(who[anchor])) == 1
        assert (partner == anchor) == alone
        assert who[partner] == who[anchor]


def test_simclr_pairs_every_photo_with_itself():
    anchors, partners = epoch_pairs(np.repeat([-1, 4], 10), OBJECTIVES["ntxent"], 2, (0, 1))
    assert sorted(anchors.tolist()) == list(range(20))
    assert np.array_equal(anchors, partners)


def test_cosface_leaves_unnamed_photos_out():
    who = np.array([-1, 4, -1, 4, 4, 2])
    anchors, _ = epoch_pairs(who, OBJECTIVES["cosface"], 2, (0, 1))
    assert sorted(who[anchors].tolist()) == [2, 4, 4]


def test_an_epoch_is_decided_by_its_seed():
    who = np.repeat(np.arange(10), 5)
    first = epoch_pairs(who, OBJECTIVES["same-person"], 3, (0, 1))
    again = epoch_pairs(who, OBJECTIVES["same-person"], 3, (0, 1))
    other = epoch_pairs(who, OBJECTIVES["same-person"], 3, (0, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
