"""The contrastive task's ranks, and the division of people's photos."""

import numpy as np
import pytest
import torch

from studies.celebrity_transfer import partner_ranks
from studies.celebrity_transfer_report import learnt
from studies.people import draw_people, load_people
from training.config import TrainConfig
from training.errors import BadTrainingData


def test_a_partners_rank_is_how_many_others_are_nearer():
    random = np.random.default_rng(0)
    similarity = random.random((8, 8)).astype(np.float32)
    expected = []
    for row in range(8):
        partner = row + 4 if row < 4 else row - 4
        nearer = [
            other
            for other in range(8)
            if other not in (row, partner) and similarity[row, other] > similarity[row, partner]
        ]
        expected.append(len(nearer))
    assert partner_ranks(torch.from_numpy(similarity)).tolist() == expected


def test_people_with_too_few_photos_are_left_out_and_the_rest_divided(tmp_path):
    photos = draw_people(tmp_path / "people", {"Ada": 10, "Ben": 3, "Cleo": 10})
    config = TrainConfig((str(photos),), size_px=32)
    people = load_people(config, tmp_path / "crops", min_images=5)
    assert people.photos == (10, 10)
    assert [len(part) for part in (people.train, people.val, people.test)] == [16, 2, 2]
    assert np.bincount(people.train.people).tolist() == [8, 8]
    assert people.told.startswith("20 photos of 2 people")
    with pytest.raises(
        BadTrainingData, match="0 people have 11 photos or more, of 3; 2 are needed"
    ):
        load_people(config, tmp_path / "crops", min_images=11)


def test_models_that_know_no_more_than_an_untrained_one_are_not_compared():
    def found(probe: float, tuned: float, transfer: float) -> dict[str, list[dict[str, float]]]:
        scores = {"probe": probe, "fine-tuned": tuned, "transfer": transfer}
        return {name: [{"accuracy": value}] for name, value in scores.items()}

    assert learnt(found(0.5, 0.7, 0.8), floor=0.6)
    assert not learnt(found(0.5, 0.7, 0.4), floor=0.6)
    assert not learnt(found(0.5, 0.4, 0.8), floor=0.6)
