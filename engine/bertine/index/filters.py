"""Conditions on attributes: the tree, its limits, and what it means.

An item that lacks an attribute fails every condition on it. A list attribute equals a string that
it contains. Numbers compare with numbers and strings with strings; a bool equals only a bool.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bertine.errors import InvalidInput
from bertine.types import Attribute, Scalar

MAX_NODES = 256
MAX_DEPTH = 16
MAX_VALUES = 1024

Attributes: TypeAlias = Mapping[str, Attribute]
Predicate: TypeAlias = Callable[[Attributes], bool]
Comparison: TypeAlias = Literal["gt", "gte", "lt", "lte"]
Bounds: TypeAlias = tuple[tuple[Comparison, Scalar], ...]
Key: TypeAlias = tuple[bool, Scalar]
_OPERATORS: dict[Comparison, Callable[[float | str, float | str], bool]] = {
    "gt": operator.gt,  # type: ignore[dict-item, unused-ignore]
    "gte": operator.ge,  # type: ignore[dict-item, unused-ignore]
    "lt": operator.lt,  # type: ignore[dict-item, unused-ignore]
    "lte": operator.le,  # type: ignore[dict-item, unused-ignore]
}


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; no parts hold."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; no parts do not hold."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute equals one of the values."""

    attribute: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Every bound holds."""

    attribute: str
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Exists:
    """The attribute is present."""

    attribute: str


Filter: TypeAlias = AllOf | AnyOf | Not | OneOf | Range | Exists


def children(node: Filter) -> tuple[Filter, ...]:
    """The parts of a node, none for a leaf."""
    if isinstance(node, AllOf | AnyOf):
        return node.parts
    return (node.part,) if isinstance(node, Not) else ()


def check(root: Filter, field: str = "filter") -> None:
    """Refuse a filter that is too large or cannot mean anything.

    Raises:
        InvalidInput: names the field and what would be right.
    """
    for count, (node, depth) in enumerate(_walk(root), start=1):
        if count > MAX_NODES:
            raise InvalidInput(field, f"has more than {MAX_NODES} nodes; use one_of for long lists")
        if depth > MAX_DEPTH:
            raise InvalidInput(field, f"is nested more than {MAX_DEPTH} levels deep; flatten it")
        _check_leaf(node, field)


def _walk(root: Filter) -> Iterator[tuple[Filter, int]]:
    stack = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend((child, depth + 1) for child in children(node))


def _check_leaf(node: Filter, field: str) -> None:
    if not isinstance(node, OneOf | Range | Exists):
        return
    if not node.attribute:
        raise InvalidInput(f"{field}.attribute", "is empty; name the attribute to compare")
    if isinstance(node, OneOf):
        _check_values(node, field)
    if isinstance(node, Range):
        _check_bounds(node, field)


def _check_values(node: OneOf, field: str) -> None:
    if not 1 <= len(node.values) <= MAX_VALUES:
        raise InvalidInput(
            f"{field}.values", f"has {len(node.values)} values; give 1 to {MAX_VALUES}"
        )
    for value in node.values:
        _check_finite(value, f"{field}.values")


def _check_bounds(node: Range, field: str) -> None:
    if not node.bounds:
        raise InvalidInput(f"{field}.range", "has no bound; set at least one of gt, gte, lt, lte")
    for comparison, value in node.bounds:
        if isinstance(value, bool):
            raise InvalidInput(f"{field}.range.{comparison}", "is a bool; give a number or string")
        _check_finite(value, f"{field}.range.{comparison}")


def _check_finite(value: Scalar, field: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(field, f"is {value}; give a finite number")


def compile_filter(node: Filter) -> Predicate:
    """A function that says whether attributes match; the filter must have passed `check`."""
    match node:
        case AllOf(parts):
            predicates = tuple(map(compile_filter, parts))
            return lambda attributes: all(test(attributes) for test in predicates)
        case AnyOf(parts):
            predicates = tuple(map(compile_filter, parts))
            return lambda attributes: any(test(attributes) for test in predicates)
        case Not(part):
            predicate = compile_filter(part)
            return lambda attributes: not predicate(attributes)
        case OneOf(attribute, values):
            return _compile_one_of(attribute, frozenset(map(key_of, values)))
        case Range(attribute, bounds):
            return _compile_range(attribute, bounds)
        case Exists(attribute):
            return lambda attributes: attribute in attributes


def compile_alone(node: Filter) -> Predicate:
    """As `compile_filter`, and every value of a list that the filter names must match alone too."""
    test, names = compile_filter(node), _names(node)
    return lambda attributes: (
        test(attributes) and all(all(map(test, _one_by_one(attributes, name))) for name in names)
    )


def _one_by_one(attributes: Attributes, name: str) -> Iterator[Attributes]:
    """The attributes with each value of a list in its place; nothing if there is no list.

    What is given is the same mapping each time, changed.
    """
    value = attributes.get(name)
    if isinstance(value, tuple):
        trial = dict(attributes)
        for part in set(value):
            trial[name] = part
            yield trial


def _names(root: Filter) -> frozenset[str]:
    """Of the attributes that a filter compares."""
    nodes = (node for node, _ in _walk(root))
    return frozenset(node.attribute for node in nodes if isinstance(node, OneOf | Range | Exists))


def key_of(value: Scalar) -> Key:
    """What equality compares: Python holds True == 1, but a bool must equal only a bool."""
    return isinstance(value, bool), value


def _compile_one_of(attribute: str, keys: frozenset[Key]) -> Predicate:
    def test(attributes: Attributes) -> bool:
        value = attributes.get(attribute)
        if value is None:
            return False
        if isinstance(value, tuple):
            return any((False, part) in keys for part in value)
        return key_of(value) in keys

    return test


def _compile_range(attribute: str, bounds: Bounds) -> Predicate:
    def test(attributes: Attributes) -> bool:
        value = attributes.get(attribute)
        if value is None or isinstance(value, tuple | bool):
            return False
        return all(
            isinstance(value, str) == isinstance(bound, str)
            and _OPERATORS[comparison](value, bound)
            for comparison, bound in bounds
        )

    return test
