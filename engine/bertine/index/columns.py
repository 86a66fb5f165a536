"""Which rows of a segment have which values: built for an attribute when it is first filtered by.

A column follows its segment: before it answers it reads the rows that were appended since. It is
dropped with the segment, and a rebuild prepares the same columns for the new one.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from bertine.index.filters import (
    AllOf,
    AnyOf,
    Bounds,
    Exists,
    Filter,
    Key,
    Not,
    OneOf,
    Range,
    compile_filter,
    key_of,
)
from bertine.index.numbers import Numbers
from bertine.types import Attribute

Rows: TypeAlias = Sequence[Mapping[str, Attribute]]
Flags: TypeAlias = NDArray[np.bool_]

_EXACT_IN_FLOAT = 2**53


class Column:
    """Inverted lists of one attribute of one segment. Safe for threads.

    Args:
        name: of the attribute.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._covered = 0
        self._present = BitMap()
        # Rows whose value is a list: its parts are found in `_lists`, but a list is in no range.
        self._several = BitMap()
        self._lists: dict[Key, BitMap] = {}
        self._strings: list[str] = []
        self._numbers = Numbers()
        # Integers that a float64 cannot hold are compared one by one.
        self._large: list[int] = []

    def present(self, rows: Rows, count: int) -> Flags:
        """Which rows below `count` have the attribute: bool ``[count]``."""
        with self._lock:
            self._follow(rows, count)
            return self._flags([self._present], count)

    def one_of(self, keys: Iterable[Key], rows: Rows, count: int) -> Flags:
        """Which rows below `count` have one of these values: bool ``[count]``."""
        with self._lock:
            self._follow(rows, count)
            return self._flags([self._lists[key] for key in keys if key in self._lists], count)

    def between(self, node: Range, rows: Rows, count: int) -> Flags:
        """Which rows below `count` have a value within the bounds: bool ``[count]``."""
        with self._lock:
            self._follow(rows, count)
            kinds = {isinstance(bound, str) for _, bound in node.bounds}
            if kinds == {True}:
                flags = self._flags(self._strings_between(node.bounds), count)
                return flags & ~self._flags([self._several], count)
            if kinds == {False}:
                return self._numbers_between(node, rows)[:count]
            return np.zeros(count, np.bool_)

    def _strings_between(self, bounds: Bounds) -> list[BitMap]:
        first, last = 0, len(self._strings)
        for comparison, bound in bounds:
            cut = bisect_right if comparison in {"gt", "lte"} else bisect_left
            position = cut(self._strings, str(bound))
            if comparison in {"gt", "gte"}:
                first = max(first, position)
            else:
                last = min(last, position)
        return [self._lists[False, value] for value in self._strings[first:last]]

    def _numbers_between(self, node: Range, rows: Rows) -> Flags:
        test = compile_filter(node)
        flags = np.zeros(self._covered, np.bool_)
        if any(abs(bound) > _EXACT_IN_FLOAT for _, bound in node.bounds if isinstance(bound, int)):
            one_by_one: Iterable[int] = self._present
        else:
            flags[self._numbers.between(node.bounds)] = True
            one_by_one = self._large
        flags[[row for row in one_by_one if test(rows[row])]] = True
        return flags

    def _flags(self, lists: Sequence[BitMap], count: int) -> Flags:
        # Another reader may have made the column follow beyond what this one may see.
        flags = np.zeros(self._covered, np.bool_)
        if lists:
            found = lists[0] if len(lists) == 1 else BitMap.union(*lists)
            flags[np.frombuffer(found.to_array(), np.uint32)] = True
        return flags[:count]

    def _follow(self, rows: Rows, count: int) -> None:
        """Read the rows that were appended since the last time."""
        if count <= self._covered:
            return
        known = len(self._lists)
        for row in range(self._covered, count):
            value = rows[row].get(self.name)
            if value is not None:
                self._add(value, row)
        self._covered = count
        if len(self._lists) != known:
            self._strings = sorted(key for _, key in self._lists if isinstance(key, str))

    def _add(self, value: Attribute, row: int) -> None:
        self._present.add(row)
        if isinstance(value, tuple):
            self._several.add(row)
            for part in value:
                self._lists.setdefault((False, part), BitMap()).add(row)
            return
        self._lists.setdefault(key_of(value), BitMap()).add(row)
        if isinstance(value, int) and abs(value) > _EXACT_IN_FLOAT:
            self._large.append(row)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._numbers.append(float(value), row)


class Columns:
    """The columns of one segment."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}

    def names(self) -> list[str]:
        """Attributes that were filtered by."""
        return list(self._columns)

    def prepare(self, names: Iterable[str], rows: Rows, count: int) -> None:
        """Build columns before they are asked for."""
        for name in names:
            self._column(name).present(rows, count)

    def matching(self, node: Filter, rows: Rows, count: int) -> Flags:
        """Which rows below `count` match a filter, dead ones included: bool ``[count]``.

        Args:
            node: has passed `filters.check`.
            rows: attributes of the segment's rows.
            count: how many of them to look at.
        """
        match node:
            case AllOf(parts):
                found = [self.matching(part, rows, count) for part in parts]
                return np.logical_and.reduce(found) if found else np.ones(count, np.bool_)
            case AnyOf(parts):
                found = [self.matching(part, rows, count) for part in parts]
                return np.logical_or.reduce(found) if found else np.zeros(count, np.bool_)
            case Not(part):
                return np.logical_not(self.matching(part, rows, count))
            case OneOf(attribute, values):
                return self._column(attribute).one_of(map(key_of, values), rows, count)
            case Range(attribute, _):
                return self._column(attribute).between(node, rows, count)
            case Exists(attribute):
                return self._column(attribute).present(rows, count)

    def _column(self, name: str) -> Column:
        # setdefault is atomic: two readers get the same column.
        return self._columns.get(name) or self._columns.setdefault(name, Column(name))
