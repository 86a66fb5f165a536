"""Filters as messages, and the short form that Python callers write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from bertine.errors import InvalidInput
from bertine.index.filters import (
    MAX_DEPTH,
    AllOf,
    AnyOf,
    Comparison,
    Exists,
    Filter,
    Not,
    OneOf,
    Range,
    check,
)
from bertine.types import Scalar
from bertine.v1 import common_pb2 as pb
from bertine.wire.values import scalar_from_wire, value_to_wire

COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)


def filter_from_wire(message: pb.Filter, field: str = "filter") -> Filter | None:
    """Read and check a filter; None if nothing is set.

    Raises:
        InvalidInput: malformed, too large or too deep.
    """
    if message.WhichOneof("node") is None:
        return None
    root = _node(message, field, 1)
    check(root, field)
    return root


def _node(message: pb.Filter, field: str, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        root = field.partition(".")[0]
        raise InvalidInput(root, f"is nested more than {MAX_DEPTH} levels deep; flatten it")
    kind = message.WhichOneof("node")
    if kind is None:
        raise InvalidInput(field, f"is empty; set one of {', '.join(_READERS)}")
    return _READERS[kind](message, f"{field}.{kind}", depth)


def _parts(messages: pb.FilterList, field: str, depth: int) -> tuple[Filter, ...]:
    return tuple(
        _node(part, f"{field}.filters[{position}]", depth + 1)
        for position, part in enumerate(messages.filters)
    )


def _equals(message: pb.Filter, field: str, _: int) -> Filter:
    leaf = message.equals
    return OneOf(leaf.attribute, (scalar_from_wire(leaf.value, f"{field}.value"),))


def _one_of(message: pb.Filter, field: str, _: int) -> Filter:
    leaf = message.one_of
    values = (
        scalar_from_wire(value, f"{field}.values[{position}]")
        for position, value in enumerate(leaf.values)
    )
    return OneOf(leaf.attribute, tuple(values))


def _range(message: pb.Filter, field: str, _: int) -> Filter:
    leaf = message.range
    bounds = (
        (comparison, scalar_from_wire(getattr(leaf, comparison), f"{field}.{comparison}"))
        for comparison in COMPARISONS
        if leaf.HasField(comparison)
    )
    return Range(leaf.attribute, tuple(bounds))


_READERS: dict[str, Callable[[pb.Filter, str, int], Filter]] = {
    "all": lambda message, field, depth: AllOf(_parts(message.all, field, depth)),
    "any": lambda message, field, depth: AnyOf(_parts(message.any, field, depth)),
    "negated": lambda message, field, depth: Not(_node(message.negated, field, depth + 1)),
    "equals": _equals,
    "range": _range,
    "one_of": _one_of,
    "exists": lambda message, *_: Exists(message.exists.attribute),
}


def filter_to_wire(node: Filter) -> pb.Filter:
    """A filter as a message."""
    match node:
        case AllOf(parts):
            return pb.Filter(all=pb.FilterList(filters=map(filter_to_wire, parts)))
        case AnyOf(parts):
            return pb.Filter(any=pb.FilterList(filters=map(filter_to_wire, parts)))
        case Not(part):
            return pb.Filter(negated=filter_to_wire(part))
        case OneOf(attribute, values):
            wire = map(value_to_wire, values)
            return pb.Filter(one_of=pb.OneOf(attribute=attribute, values=wire))
        case Range(attribute, bounds):
            limits = {comparison: value_to_wire(value) for comparison, value in bounds}
            return pb.Filter(range=pb.Range(attribute=attribute, **limits))
        case Exists(attribute):
            return pb.Filter(exists=pb.Exists(attribute=attribute))


def filter_from_mapping(conditions: Mapping[str, Any]) -> Filter:
    """The short form: every condition of a mapping holds.

    ``{"author": "Homer"}`` is equality, ``{"year": {"gte": 1900, "lt": 2000}}`` a range,
    ``{"genre": ["poetry", "play"]}`` one of several, ``{"blurb": {"exists": True}}`` presence, and
    ``{"genre": {"not": "poetry"}}`` the opposite of any of them.

    Raises:
        InvalidInput: a condition of another form.
    """
    return AllOf(tuple(_condition(name, value) for name, value in conditions.items()))


def _condition(name: str, value: Any) -> Filter:
    if isinstance(value, str | int | float | bool):
        return OneOf(name, (value,))
    if isinstance(value, list | tuple | set | frozenset):
        return OneOf(name, tuple(value))
    if isinstance(value, Mapping) and value:
        return _mapping(name, value)
    raise InvalidInput(f"filter.{name}", f"is {value!r}; {_FORMS}")


_FORMS = (
    'write a value, a list of values, {"gte": 1, "lt": 9}, {"exists": True} or {"not": condition}'
)


def _mapping(name: str, value: Mapping[str, Any]) -> Filter:
    if set(value) == {"not"}:
        return Not(_condition(name, value["not"]))
    if set(value) == {"exists"}:
        return Exists(name) if value["exists"] else Not(Exists(name))
    unknown = set(value) - set(COMPARISONS)
    if unknown:
        raise InvalidInput(f"filter.{name}", f"has {sorted(map(str, unknown))}; {_FORMS}")
    bounds = cast("dict[Comparison, Scalar]", value)
    return Range(name, tuple(bounds.items()))
