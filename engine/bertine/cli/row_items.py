"""A row of a file as an item."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from bertine.cli.rows import BadRow, Row
from bertine.types import Attribute, Item, Vector
from bertine.wire.values import INT64_MAX

_VECTOR = "vector"
_FROM, _UNTIL, _EXPIRES = "available_from", "available_until", "expire_time"
# What a protobuf Timestamp can hold: the years 1 to 9999.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are no attributes, beside `vector` and the three times of an item.

    Attributes:
        id: holds the items' ids.
        text: holds what is encoded; "" if a template composes it from attributes.
        vectors: columns of named vectors, by the vector's name.
    """

    id: str
    text: str
    vectors: Mapping[str, str] = field(default_factory=dict)

    @property
    def own(self) -> frozenset[str]:
        """All columns that are no attributes."""
        given = (self.id, self.text, *self.vectors.values())
        return frozenset((*given, _VECTOR, _FROM, _UNTIL, _EXPIRES))

    @property
    def verbatim(self) -> frozenset[str]:
        """Columns whose values stay as they are written in a CSV."""
        return frozenset((self.id, self.text, *self.vectors.values()))


class _Wrong(ValueError):
    """What is wrong with a value."""


def item_of(row: Row, columns: Columns) -> Item:
    """The item that a row describes.

    Raises:
        BadRow: it has no id, or a value that an item cannot have.
    """
    return Item(
        id=_read(row, columns.id, _id) or _no_id(row, columns.id),
        text=_read(row, columns.text, _string) or "",
        attributes=_attributes(row, columns),
        vector=_read(row, _VECTOR, _vector),
        available_from=_read(row, _FROM, _time),
        available_until=_read(row, _UNTIL, _time),
        expire_time=_read(row, _EXPIRES, _time),
        vectors=_vectors(row, columns),
    )


def _vectors(row: Row, columns: Columns) -> dict[str, Vector]:
    read = {name: _read(row, column, _vector) for name, column in columns.vectors.items()}
    return {name: vector for name, vector in read.items() if vector is not None}


def _attributes(row: Row, columns: Columns) -> dict[str, Attribute]:
    attributes = {}
    for name in row.values:
        value = None if name in columns.own else _read(row, name, _attribute)
        if value is not None:
            attributes[name] = value
    return attributes


def _read(row: Row, name: str, convert: Callable[[Any], _T]) -> _T | None:
    value = row.values.get(name)
    if value is None:
        return None
    try:
        _string(name)
        return convert(value)
    except _Wrong as error:
        raise BadRow(row.place, f"{name!r} {error}") from error


def _no_id(row: Row, column: str) -> str:
    have = ", ".join(row.values) or "nothing"
    raise BadRow(
        row.place,
        f"has no id: {column!r} is missing or empty, it has: {have}; "
        "name the column of the ids with --id-column",
    )


def _id(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _string(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"holds {_kind(value)}; give a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _Wrong("holds half of a surrogate pair, which is no character") from error
    return value


def _attribute(value: Any) -> Attribute | None:
    """The value as an attribute; None where there is none.

    Parquet knows more types than attributes do: times become ISO 8601 strings, which compare as
    times do, decimals floats, and a NaN, which is how data frames say that nothing is there, none.
    """
    match value:
        case bool():
            return value
        case int():
            return _whole(value)
        case float() | Decimal():
            return _finite(float(value))
        case dt.date() | dt.time():
            return value.isoformat()
        case list():
            return tuple(map(_part, value))
    return _string_or(value, "give a string, a number, true, false or a list of strings")


def _whole(value: int) -> int:
    if abs(value) > INT64_MAX:
        raise _Wrong(f"holds {value}, which does not fit 64 bits; give it as a string")
    return value


def _finite(value: float) -> float | None:
    if math.isinf(value):
        raise _Wrong("holds a number out of range; give one below 1.8e308")
    return None if math.isnan(value) else value


def _part(value: Any) -> str:
    return _string_or(value, "lists may hold strings only", "holds a list with ")


def _string_or(value: Any, advice: str, holds: str = "holds ") -> str:
    if isinstance(value, dict):
        advice = "flatten it into columns of their own"
    if not isinstance(value, str):
        raise _Wrong(f"{holds}{_kind(value)}; {advice}")
    return _string(value)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object ({', '.join(map(str, value)) or 'empty'})"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else f"{str(value)[:40]} ({type(value).__name__})"


def _vector(value: Any) -> Vector:
    if isinstance(value, str):  # a cell of a CSV
        try:
            value = json.loads(value)
        except ValueError as error:
            raise _Wrong(f"holds {_kind(value)}; give a list of numbers: [0.5, -1]") from error
    is_list = isinstance(value, list) and value
    if not (is_list and all(type(part) in {int, float} for part in value)):
        raise _Wrong("is not a list of numbers")
    with np.errstate(over="ignore"):
        vector = np.asarray(value, np.float32)
    if not np.isfinite(vector).all():
        raise _Wrong("holds a number that is not finite in 32 bits")
    return vector


def _time(value: Any) -> float:
    """Seconds since the epoch; a time without a zone is taken as UTC."""
    seconds = value if type(value) in {int, float} else _moment(value).timestamp()
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise _Wrong(f"holds {value}; give seconds since 1970 or an ISO 8601 time")
    return float(seconds)


def _moment(value: Any) -> dt.datetime:
    try:
        moment = (
            value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(_string(value))
        )
    except ValueError as error:
        raise _Wrong(f"holds {value!r}; give seconds since 1970 or an ISO 8601 time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
