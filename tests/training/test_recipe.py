"""Recipes: settings from a file, options before them, mistakes named."""

from dataclasses import MISSING, fields

import pytest

from faces.alignment import CONTEXT_MARGIN
from training.config import LARGEST_MARGIN, TrainConfig
from training.errors import BadConfig
from training.recipe import configure, read_recipe, shipped


def write(tmp_path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_options_go_before_the_recipe_and_the_recipe_before_the_defaults(tmp_path):
    recipe = write(
        tmp_path,
        'sources = ["a", "b"]\nepochs = 7\nlearning_rate = 1\nobjective = "supcon"\ncompile = true',
    )
    config = configure(recipe, {"epochs": 3, "batch": None, "sources": None})
    assert config == TrainConfig(
        ("a", "b"), epochs=3, learning_rate=1.0, objective="supcon", compile=True
    )
    assert isinstance(config.learning_rate, float)
    assert configure(recipe, {"sources": ("c",)}).sources == ("c",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 7", "sets epoch, which is no setting; epochs is meant, perhaps"),
        ("epochs = '7'", "sets epochs = '7', which is of the wrong kind"),
        ("epochs = 7.5", "sets epochs = 7.5, which is of the wrong kind"),
        ("compile = 1", "sets compile = 1, which is of the wrong kind"),
        ("epochs = true", "sets epochs = True, which is of the wrong kind"),
        ("sources = 'photos'", "sets sources = 'photos', which is of the wrong kind"),
        ("sources = [1]", "which is of the wrong kind"),
        ("objective = 3", "which is of the wrong kind"),
        ("epochs = ", "is malformed"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(tmp_path, text, said):
    with pytest.raises(BadConfig) as caught:
        read_recipe(write(tmp_path, text))
    assert said in str(caught.value)


def test_a_value_that_is_not_allowed_is_named_as_an_option_would_be(tmp_path):
    with pytest.raises(BadConfig, match="stem = 'wide' is none of standard, small, tiny"):
        configure(write(tmp_path, 'stem = "wide"'), {"sources": ("a",)})


def test_a_recipe_that_is_not_there_and_sources_that_are_not_named_are_errors(tmp_path):
    with pytest.raises(BadConfig, match=r"there is no recipe .*absent\.toml; those that ship"):
        configure(str(tmp_path / "absent.toml"), {})
    with pytest.raises(BadConfig, match="nothing to train on"):
        configure("", {"sources": None})


@pytest.mark.parametrize("name", shipped())
def test_each_recipe_that_ships_can_be_used(name):
    assert configure(name, {"sources": ("photos",)}).sources == ("photos",)


def test_every_setting_says_what_it_is():
    for item in fields(TrainConfig):
        assert item.metadata["help"].endswith("."), item.name
        assert item.default is not MISSING or item.name == "sources"


def test_the_largest_margin_is_that_of_a_context_crop():
    assert LARGEST_MARGIN == CONTEXT_MARGIN
