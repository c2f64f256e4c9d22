"""From JSON to records: a dataclass is read by the types of its fields.

Fields that a record does not know are left out, so that an older client reads a newer service.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from client.problems import UnexpectedAnswer

T = TypeVar("T")


def read(kind: type[T], value: object) -> T:
    """A record of `kind` from its JSON.

    Raises:
        UnexpectedAnswer: the JSON is none of such a record.
    """
    try:
        found: T = _read(kind, value)
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(f"the answer is no {kind}: {error!r}") from error
    return found


def _read(kind: Any, value: Any) -> Any:  # noqa: ANN401 - a type's form decides
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        [kind] = [part for part in parts if part is not types.NoneType]
        return None if value is None else _read(kind, value)
    if origin is tuple:
        return tuple(_read(parts[0], item) for item in value)
    if is_dataclass(origin or kind):
        return _read_record(origin or kind, parts, value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float:
        return float(value)
    return _checked(origin or kind, value)


def _read_record(kind: Any, parts: tuple[Any, ...], value: Any) -> Any:  # noqa: ANN401
    variables = dict(zip(getattr(kind, "__parameters__", ()), parts, strict=False))
    hints = get_type_hints(kind)
    return kind(
        **{
            field.name: _read(_filled(hints[field.name], variables), value[field.name])
            for field in fields(kind)
        }
    )


def _filled(kind: Any, variables: Mapping[Any, Any]) -> Any:  # noqa: ANN401
    """A generic type with its variables replaced: tuple[T, ...] becomes tuple[Face, ...]."""
    mine = getattr(kind, "__parameters__", ())
    return kind[tuple(variables[variable] for variable in mine)] if mine else kind


def _checked(kind: Any, value: Any) -> Any:  # noqa: ANN401
    if kind is not Any and not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
