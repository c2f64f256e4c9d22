"""Pairs of photos, drawn and read."""

import numpy as np
import pytest

from training.errors import BadTrainingData
from training.evaluation.pairs import PAIRS_OF_PERSON, Pairs, draw_pairs, read_pairs


def test_drawn_pairs_are_balanced_different_and_stay_within_their_fold():
    people = np.repeat(np.arange(30), [1, 2, 3, 20, 5] * 6)
    pairs = draw_pairs(people)
    first, second = people[pairs.first], people[pairs.second]
    assert (pairs.same == (first == second)).all()
    assert (pairs.first != pairs.second).all()
    assert pairs.same.sum() == (~pairs.same).sum() == 6 * (0 + 1 + 3 + PAIRS_OF_PERSON + 10)
    assert len({frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)}) == len(
        pairs
    )
    folds_of = {}
    for person, fold in [
        *zip(first, pairs.fold, strict=True),
        *zip(second, pairs.fold, strict=True),
    ]:
        folds_of.setdefault(person, set()).add(fold)
    assert all(len(folds) == 1 for folds in folds_of.values())
    assert len(np.unique(pairs.fold)) == 10
    again = draw_pairs(people)
    assert (again.first == pairs.first).all()
    assert (draw_pairs(people, seed=1).first != pairs.first).any()


def test_pairs_of_two_people_are_all_there_are_where_few_are_left():
    pairs = draw_pairs(np.repeat(np.arange(4), [6, 1, 6, 1]))
    assert len(np.unique(pairs.fold)) == 2
    assert (~pairs.same).sum() <= 2 * 6 * 6
    with pytest.raises(BadTrainingData, match="4 people or more; there are 3"):
        draw_pairs(np.array([0, 0, 1, 1, 2]))


def test_a_list_of_pairs_is_read_with_its_folds_and_without_absent_photos(tmp_path):
    photos, people = ("a1", "a2", "b1", "b2"), np.array([0, 0, 1, 1])
    file = tmp_path / "pairs.csv"
    file.write_text("path_a,path_b,same,fold\na1,a2,1,3\na1,b1,0,4\nb1,gone,0,4\nb1,b2,1,4\n")
    pairs = read_pairs(file, photos, people)
    assert isinstance(pairs, Pairs)
    assert pairs.first.tolist() == [0, 0, 2]
    assert pairs.second.tolist() == [1, 2, 3]
    assert pairs.same.tolist() == [True, False, True]
    assert pairs.fold.tolist() == [3, 4, 4]
    assert pairs.left_out == 1
    file.write_text("path_a,path_b,same\na1,a2,1\na1,b1,0\na2,b2,0\n")
    own = read_pairs(file, photos, people).fold
    assert own[0] == own[1] == own[2]  # all are in the fold of the person of the first photo


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("path_a,path_b\na1,a2\n", "no list of pairs"),
        ("path_a,path_b,same\na1,a2,maybe\n", "no list of pairs"),
        ("path_a,path_b,same\na1,a2,1\n", "no pairs of one person and of two"),
        ("path_a,path_b,same\nx,y,1\n", "1 name a photo that is not there"),
    ],
)
def test_a_list_that_cannot_be_used_is_a_clear_error(tmp_path, text, told):
    file = tmp_path / "pairs.csv"
    file.write_text(text)
    with pytest.raises(BadTrainingData, match=told):
        read_pairs(file, ("a1", "a2"), np.array([0, 0]))
    with pytest.raises(BadTrainingData, match=r"absent\.csv"):
        read_pairs(tmp_path / "absent.csv", ("a1",), np.array([0]))
