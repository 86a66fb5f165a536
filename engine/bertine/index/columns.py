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
from bertine.types import Attribute

Rows: TypeAlias = Sequence[Mapping[str, Attribute]]

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
        self._lists: dict[Key, BitMap] = {}
        self._strings: list[str] = []
        self._numbers: list[tuple[float, int]] = []
        self._sorted: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None
        # Integers that a float64 cannot hold are compared one by one.
        self._large: list[int] = []

    def present(self, rows: Rows, count: int) -> BitMap:
        """Rows below `count` that have the attribute."""
        with self._lock:
            self._follow(rows, count)
            return self._upto(self._present, count)

    def one_of(self, keys: Iterable[Key], rows: Rows, count: int) -> BitMap:
        """Rows below `count` whose value is one of these."""
        with self._lock:
            self._follow(rows, count)
            lists = [self._lists[key] for key in keys if key in self._lists]
            return self._upto(BitMap.union(*lists) if lists else BitMap(), count)

    def between(self, node: Range, rows: Rows, count: int) -> BitMap:
        """Rows below `count` whose value is within the bounds."""
        with self._lock:
            self._follow(rows, count)
            return self._upto(self._between(node, rows), count)

    def _between(self, node: Range, rows: Rows) -> BitMap:
        kinds = {isinstance(bound, str) for _, bound in node.bounds}
        if kinds == {True}:
            return self._strings_between(node.bounds)
        if kinds == {True, False}:
            return BitMap()
        test = compile_filter(node)
        if any(abs(bound) > _EXACT_IN_FLOAT for _, bound in node.bounds if isinstance(bound, int)):
            return BitMap(row for row in self._present if test(rows[row]))
        found = self._numbers_between(node.bounds)
        return found | BitMap(row for row in self._large if test(rows[row]))

    def _strings_between(self, bounds: Bounds) -> BitMap:
        first, last = 0, len(self._strings)
        for comparison, bound in bounds:
            cut = bisect_right if comparison in {"gt", "lte"} else bisect_left
            position = cut(self._strings, str(bound))
            if comparison in {"gt", "gte"}:
                first = max(first, position)
            else:
                last = min(last, position)
        lists = [self._lists[False, value] for value in self._strings[first:last]]
        return BitMap.union(*lists) if lists else BitMap()

    def _numbers_between(self, bounds: Bounds) -> BitMap:
        values, rows = self._in_order()
        first, last = 0, len(values)
        for comparison, bound in bounds:
            side: str = "right" if comparison in {"gt", "lte"} else "left"
            position = int(np.searchsorted(values, float(bound), side=side))  # type: ignore[call-overload]
            if comparison in {"gt", "gte"}:
                first = max(first, position)
            else:
                last = min(last, position)
        return BitMap(rows[first:last])

    def _in_order(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        if self._sorted is None:
            values = np.array([value for value, _ in self._numbers], np.float64)
            rows = np.array([row for _, row in self._numbers], np.int64)
            order = np.argsort(values, kind="stable")
            self._sorted = values[order], rows[order]
        return self._sorted

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
        self._sorted = None
        if len(self._lists) != known:
            self._strings = sorted(key for _, key in self._lists if isinstance(key, str))

    def _add(self, value: Attribute, row: int) -> None:
        self._present.add(row)
        if isinstance(value, tuple):
            for part in value:
                self._lists.setdefault((False, part), BitMap()).add(row)
            return
        self._lists.setdefault(key_of(value), BitMap()).add(row)
        if isinstance(value, int) and abs(value) > _EXACT_IN_FLOAT:
            self._large.append(row)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._numbers.append((float(value), row))

    def _upto(self, found: BitMap, count: int) -> BitMap:
        """Another reader may have made the column follow beyond what this one may see."""
        return found if self._covered <= count else found & BitMap(range(count))


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

    def matching(self, node: Filter, rows: Rows, count: int) -> BitMap:
        """Rows below `count` that match a filter, dead ones included.

        Args:
            node: has passed `filters.check`.
            rows: attributes of the segment's rows.
            count: how many of them to look at.
        """
        match node:
            case AllOf(parts):
                found = [self.matching(part, rows, count) for part in parts]
                return BitMap.intersection(*found) if found else BitMap(range(count))
            case AnyOf(parts):
                found = [self.matching(part, rows, count) for part in parts]
                return BitMap.union(*found) if found else BitMap()
            case Not(part):
                return BitMap(range(count)) - self.matching(part, rows, count)
            case OneOf(attribute, values):
                return self._column(attribute).one_of(map(key_of, values), rows, count)
            case Range(attribute, _):
                return self._column(attribute).between(node, rows, count)
            case Exists(attribute):
                return self._column(attribute).present(rows, count)

    def _column(self, name: str) -> Column:
        # setdefault is atomic: two readers get the same column.
        return self._columns.get(name) or self._columns.setdefault(name, Column(name))
