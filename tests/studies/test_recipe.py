"""Recipes: what ships is sound, and what is wrong is named."""

from dataclasses import dataclass

import pytest

from studies.catalogue import STUDIES, find_study
from studies.recipe import StudyRecipe, read_recipe
from training.errors import BadConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(StudyRecipe):
    margin: float = 0.5
    names: tuple[str, ...] = ()


def read(tmp_path, text, **more):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return read_recipe(Recipe, "mine", file=file, **more)


@pytest.mark.parametrize("name", STUDIES)
def test_recipes_that_ship_can_be_read(name):
    study = STUDIES[name]
    whole = read_recipe(study.recipe, name)
    little = read_recipe(study.recipe, name, smoke=True, options={"data": "generated"})
    assert len(whole.seeds) >= 1
    assert little.epochs <= whole.epochs
    assert little.data == "generated"


def test_options_go_before_the_recipe_and_smoke_before_the_rest(tmp_path):
    text = 'data = "d"\nepochs = 9\nmargin = 1\nnames = ["a"]\n[smoke]\nepochs = 1\n'
    assert read(tmp_path, text) == Recipe(data="d", epochs=9, margin=1.0, names=("a",))
    assert read(tmp_path, text, smoke=True).epochs == 1
    told = read(tmp_path, text, smoke=True, options={"epochs": 3, "data": None})
    assert (told.epochs, told.data) == (3, "d")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('data = "d"\nepochs = 1\nmargn = 1', "sets margn, which is no setting; margin is meant"),
        ('data = "d"\nepochs = 1\nzzz = 1', "zzz, which is no setting; there are data, epochs"),
        ('data = "d"\nepochs = "two"', "epochs = 'two', which is of the wrong kind"),
        ('data = "d"\nepochs = true', "epochs = True, which is of the wrong kind"),
        ('data = "d"\nepochs = 1\nnames = [1]', r"names = \[1\], which is of the wrong kind"),
        ('data = "d"\nepochs = 0', "epochs = 0 is out of range"),
        ('data = "d"\nepochs = 1\nseeds = [1, 1]', r"seeds = \(1, 1\) is out of range"),
        ("epochs = 1", "does not set data"),
        ("smoke = 1", "sets smoke, which is a table"),
        ("data =", "is malformed"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(tmp_path, text, words):
    with pytest.raises(BadConfig, match=words):
        read(tmp_path, text)


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none\.toml cannot be read: No such file"):
        read_recipe(Recipe, "mine", file=tmp_path / "none.toml")


def test_a_study_that_there_is_not_is_refused_with_those_that_are():
    with pytest.raises(
        BadConfig, match=r"there is no study triplets; there are .*pairs-vs-triplets"
    ):
        find_study("triplets")
