"""Recipes: a run's settings in a TOML file, with the options of the command before them.

    recipe.toml -> settings by name \
                                     -> TrainConfig
    options of the command ---------/

A recipe holds the names of TrainConfig and their values, nothing else. Those that ship lie in
training/recipes/ and are asked for by name.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

from training.config import TrainConfig
from training.errors import BadConfig

SUFFIX = ".toml"


def configure(recipe: str, options: Mapping[str, Any]) -> TrainConfig:
    """The settings of a run.

    Args:
        recipe: a TOML file, the name of a recipe that ships, or nothing.
        options: settings by name; None where none was given.

    Raises:
        BadConfig: the recipe is missing, malformed, or a setting is unknown, of the wrong kind or
            out of range; or no sources are named.
    """
    values = read_recipe(recipe) if recipe else {}
    values |= {name: value for name, value in options.items() if value is not None}
    if not values.get("sources"):
        raise BadConfig("there is nothing to train on: name folders of photos")
    return TrainConfig(**values)


def read_recipe(recipe: str) -> dict[str, Any]:
    """The settings of a recipe by name.

    Raises:
        BadConfig: it is missing, malformed, or a setting is unknown or of the wrong kind.
    """
    try:
        raw = tomllib.loads(_text_of(recipe))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"the recipe {recipe} is malformed: {error}") from error
    return {name: _checked(recipe, name, value) for name, value in raw.items()}


def shipped() -> list[str]:
    """The names of the recipes that ship."""
    folder = resources.files("training") / "recipes"
    if not folder.is_dir():
        return []
    names = (item.name for item in folder.iterdir())
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def _text_of(recipe: str) -> str:
    if recipe in shipped():
        item = resources.files("training") / "recipes" / f"{recipe}{SUFFIX}"
        return item.read_text(encoding="utf-8")
    try:
        return Path(recipe).read_text(encoding="utf-8")
    except OSError:
        known = ", ".join(shipped()) or "none"
        raise BadConfig(f"there is no recipe {recipe}; those that ship: {known}") from None


def _checked(recipe: str, name: str, value: object) -> object:
    """The value as TrainConfig wants it: the right kind, lists as tuples, 1 as 1.0 where it may."""
    kinds = {item.name: item.type for item in fields(TrainConfig)}
    if name not in kinds:
        near = difflib.get_close_matches(name, kinds, n=1)
        hint = f"; {near[0]} is meant, perhaps" if near else ""
        raise BadConfig(f"the recipe {recipe} sets {name}, which is no setting{hint}")
    kind, found = kinds[name], type(value)
    if name == "sources" and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if kind is float and found is int:
        return float(value)  # type: ignore[arg-type]  # it is an int
    wanted = kind if kind in (int, float, bool) else str
    if found is not wanted or name == "sources":
        raise BadConfig(f"the recipe {recipe} sets {name} = {value!r}, which is of the wrong kind")
    return value
