"""Filters as they are written on a command line: ``year>=1900``, ``genre=poetry|play``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from bertine.errors import InvalidInput
from bertine.index.filters import AllOf, Comparison, Filter, Not, OneOf, Range
from bertine.types import Scalar
from bertine.wire.values import INT64_MAX

FIELD = "--filter"

_CONDITION = re.compile(r"\s*([^=!<>]*?)\s*(>=|<=|!=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^|"]*?))\s*(\||$)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# Numbers as JSON writes them. A leading zero is no number's: 00501 is a postcode.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_COMPARISONS: dict[str, Comparison] = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def parse_conditions(conditions: Iterable[str]) -> Filter | None:
    """Conditions that must all hold; None if there are none.

    Raises:
        InvalidInput: one is malformed.
    """
    parts = tuple(map(parse_condition, conditions))
    return AllOf(parts) if parts else None


def parse_condition(condition: str) -> Filter:
    """One condition.

    ``NAME=VALUE`` is equality, ``NAME=A|B`` one of several, ``NAME!=VALUE`` the opposite of both,
    and ``<``, ``<=``, ``>``, ``>=`` compare numbers, or strings by code point. A value that reads
    as a number is one, ``true`` and ``false`` are truth values, all else is a string, and so is
    what is in double quotes.

    Raises:
        InvalidInput: malformed.
    """
    match = _CONDITION.fullmatch(condition)
    if match is None or not match[1]:
        raise InvalidInput(
            FIELD, f"{condition!r} is no condition; write for example year>=1900 or genre=play|poem"
        )
    name, sign, text = match.groups()
    values = _values(text, condition)
    if sign == "=":
        return OneOf(name, values)
    if sign == "!=":
        return Not(OneOf(name, values))
    return Range(name, ((_COMPARISONS[sign], _bound(values, text, condition)),))


def _values(text: str, condition: str) -> tuple[Scalar, ...]:
    """The alternatives of an equality."""
    values: list[Scalar] = []
    position, more = 0, True
    while more:
        match = _VALUE.match(text, position)
        if match is None or not (match[1] is not None or match[2]):
            raise InvalidInput(
                FIELD,
                f"{condition!r} lacks a value; write for example genre=play|poem, and values that "
                'hold | or " in double quotes, with \\ before a " in them',
            )
        quoted, plain, bar = match.groups()
        values += (_ESCAPE.sub(r"\1", quoted),) if quoted is not None else _plain(plain)
        position, more = match.end(), bool(bar)
    return tuple(values)


def _plain(text: str) -> tuple[Scalar, ...]:
    if text in {"true", "false"}:
        return (text == "true",)
    number = _NUMBER.fullmatch(text)
    if number is None:
        return (text,)
    whole = not (number[1] or number[2])
    value = int(text) if whole and abs(int(text)) <= INT64_MAX else float(text)
    if math.isinf(value):
        return (text,)
    # A CSV's 1.50 is stored as text, since a number would lose its zero; JSON's is a number.
    return (value,) if str(value) == text else (value, text)


def _bound(values: tuple[Scalar, ...], text: str, condition: str) -> Scalar:
    value = values[0]
    if values[1:] not in {(), (text,)} or isinstance(value, bool):
        raise InvalidInput(
            FIELD, f"{condition!r} compares with {text!r}; give one number or one string"
        )
    return value
