"""The recipes of the shipped encoders are sound, and lead to one another."""

from pathlib import Path

import pytest

from training.recipe import configure, shipped


@pytest.mark.parametrize("name", shipped())
def test_a_recipe_that_ships_needs_no_option(name):
    config = configure(name, {})
    assert all(source.startswith("../shared/faces/train/") for source in config.sources)
    assert not any("dev" in source for source in config.sources)


def test_a_recipe_starts_from_the_run_of_another():
    names = shipped()
    starts = {name: configure(name, {}).start for name in names}
    assert {"simclr", "simclr-resnet18", "simclr-resnet18-tuned"} <= starts.keys()
    assert {Path(start).name for start in starts.values()} - {"random"} <= set(names)


def test_the_label_free_recipes_use_neither_names_nor_a_teacher_that_saw_some():
    for name in ("simclr", "simclr-resnet18"):
        config = configure(name, {})
        assert config.objective in {"ntxent", "distill"}
        assert config.teacher in {"", "hog"}
