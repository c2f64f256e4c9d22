"""Recipes: the settings of a study in a TOML file.

    studies/recipes/NAME.toml, or a file of one's own -> settings by name
        + table [smoke], with --smoke
        + options of the command
        -> the study's own frozen dataclass

A recipe holds the names of that dataclass and their values, and the table `smoke`: what differs
where only the way is tried out, on generated data.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_origin

from training.errors import BadConfig

SUFFIX = ".toml"
SMOKE = "smoke"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecipe:
    """What every study can be told.

    Attributes:
        data: folder of the data.
        epochs: passes over the data in each run.
        seeds: each run is done once with each.
        threads: CPU threads; 0 leaves it to torch.
    """

    free: ClassVar[tuple[str, ...]] = ("threads", "seeds")
    """Settings that decide nothing of a step, so that they may change when a study goes on."""

    data: str
    epochs: int
    seeds: tuple[int, ...] = (0, 1, 2)
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range, naming key and value."""
        for key, sound in {
            "data": bool(self.data),
            "epochs": self.epochs >= 1,
            "seeds": bool(self.seeds) and len(set(self.seeds)) == len(self.seeds),
            "threads": self.threads >= 0,
        }.items():
            if not sound:
                raise BadConfig(f"{key} = {getattr(self, key)!r} is out of range")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


AnyRecipe = TypeVar("AnyRecipe", bound=StudyRecipe)


def read_recipe(
    kind: type[AnyRecipe],
    study: str,
    *,
    file: Path | None = None,
    smoke: bool = False,
    options: Mapping[str, Any] | None = None,
) -> AnyRecipe:
    """The recipe of a study.

    Args:
        kind: the dataclass that it fills.
        study: its name.
        file: a recipe of one's own; the shipped one if None.
        smoke: take the values of the table `smoke` before the others.
        options: values that go before both; None where none was given.

    Raises:
        BadConfig: the file is missing or malformed, or a setting is unknown, missing, of the wrong
            kind or out of range.
    """
    name = str(file) if file else study
    try:
        raw = tomllib.loads(_text_of(study, file))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"the recipe {name} is malformed: {error}") from error
    little = raw.pop(SMOKE, {})
    if not isinstance(little, dict):
        raise BadConfig(f"the recipe {name} sets {SMOKE}, which is a table: [{SMOKE}]")
    values = raw | (little if smoke else {})
    values |= {key: value for key, value in (options or {}).items() if value is not None}
    kinds = {item.name: item.type for item in fields(kind)}
    checked: dict[str, Any] = {
        key: _checked(kinds, name, key, value) for key, value in values.items()
    }
    try:
        return kind(**checked)
    except TypeError as error:
        missing = ", ".join(sorted({"data", "epochs"} - checked.keys()))
        raise BadConfig(f"the recipe {name} does not set {missing}") from error


def _text_of(study: str, file: Path | None) -> str:
    if file is None:
        item = resources.files("studies") / "recipes" / f"{study}{SUFFIX}"
        return item.read_text(encoding="utf-8")
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadConfig(f"the recipe {file} cannot be read: {error.strerror}") from error


def _checked(kinds: Mapping[str, Any], recipe: str, name: str, value: object) -> object:
    """The value as the dataclass wants it: lists as tuples, 1 as 1.0 where it may."""
    if name not in kinds:
        near = difflib.get_close_matches(name, kinds, n=1)
        hint = f"; {near[0]} is meant, perhaps" if near else f"; there are {', '.join(kinds)}"
        raise BadConfig(f"the recipe {recipe} sets {name}, which is no setting{hint}")
    kind = kinds[name]
    if get_origin(kind) is tuple and isinstance(value, list | tuple):
        item = get_args(kind)[0]
        cast = tuple(_cast(item, each) for each in value)
        if all(type(each) is item for each in cast):
            return cast
    elif type(cast_value := _cast(kind, value)) is kind:
        return cast_value
    raise BadConfig(f"the recipe {recipe} sets {name} = {value!r}, which is of the wrong kind")


def _cast(kind: Any, value: object) -> object:  # noqa: ANN401  # a type
    return float(value) if kind is float and type(value) is int else value
