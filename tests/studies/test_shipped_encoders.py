"""The study of the shipped encoders: what it asks for before it trains for hours."""

import itertools

import pytest

import encoders
from faces.errors import BadSource
from studies.shipped_encoders import CHAINS, Recipe, steps
from training.errors import BadConfig, BadTeacher
from training.recipe import read_recipe, shipped


def test_every_recipe_of_a_chain_ships_and_so_does_the_encoder():
    for name, chain in CHAINS.items():
        assert set(chain) <= set(shipped())
        assert encoders.shipped(name).is_dir()
        for before, after in itertools.pairwise(chain):
            assert read_recipe(after)["start"] == f"runs/{before}"


def test_what_is_missing_is_told_before_anything_is_trained(tmp_path):
    with pytest.raises(BadSource):
        steps(Recipe(data=str(tmp_path / "none"), epochs=1), tmp_path)
    photos = tmp_path / "photos" / "Ada"
    photos.mkdir(parents=True)
    (photos / "1.jpg").write_bytes(b"")
    recipe = Recipe(data=str(photos.parent), epochs=1, teacher=str(tmp_path / "dlib"))
    with pytest.raises(BadTeacher, match="lookalike data teacher --to"):
        steps(recipe, tmp_path)
    with pytest.raises(BadConfig, match="encoders = 'mine' is none of simclr-resnet18"):
        Recipe(data="d", epochs=1, encoders=("mine",))


def test_each_recipe_is_run_once_and_each_encoder_judged_beside_the_shipped_one(tmp_path):
    (tmp_path / "Ada").mkdir()
    (tmp_path / "Ada" / "1.jpg").write_bytes(b"")
    teacher = tmp_path / "teacher"
    teacher.mkdir()
    found = steps(Recipe(data=str(tmp_path), epochs=1, teacher=str(teacher)), tmp_path)
    names = [step.name for step in found]
    assert names[:3] == ["train/simclr", "train/simclr-resnet18", "train/simclr-resnet18-tuned"]
    assert names[3:6] == [
        "export/simclr-resnet18",
        "judge/simclr-resnet18",
        "judge/simclr-resnet18 as shipped",
    ]
    assert len(names) == 9
