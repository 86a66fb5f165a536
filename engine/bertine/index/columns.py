"""Which rows of a segment have which values: built for an attribute when it is first filtered by.

A column follows its segment: before it answers it reads the rows that were appended since. It is
dropped with the segment, and a rebuild prepares the same columns for the new one. A segment that
was saved has its columns in the snapshot, and none is built.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from pyroaring import BitMap

from bertine.index.column_file import ColumnFile
from bertine.index.filters import (
    AllOf,
    AnyOf,
    Exists,
    Filter,
    Key,
    Not,
    OneOf,
    Range,
    compile_filter,
    key_of,
)
from bertine.index.frozen import EXACT_IN_FLOAT, Flags, FrozenColumn, within
from bertine.index.numbers import Numbers
from bertine.types import Attribute

Rows: TypeAlias = Sequence[Mapping[str, Attribute]]


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
                found = self._strings[within(self._strings, node.bounds)]
                flags = self._flags([self._lists[False, value] for value in found], count)
                return flags & ~self._flags([self._several], count)
            if kinds == {False}:
                return self._numbers_between(node, rows)[:count]
            return np.zeros(count, np.bool_)

    def _numbers_between(self, node: Range, rows: Rows) -> Flags:
        test = compile_filter(node)
        flags = np.zeros(self._covered, np.bool_)
        if any(abs(bound) > EXACT_IN_FLOAT for _, bound in node.bounds if isinstance(bound, int)):
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
        if isinstance(value, int) and abs(value) > EXACT_IN_FLOAT:
            self._large.append(row)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._numbers.append(float(value), row)


class Columns:
    """The columns of one segment."""

    def __init__(self) -> None:
        self._columns: dict[str, Column | FrozenColumn] = {}
        self._file: ColumnFile | None = None

    def names(self) -> list[str]:
        """Attributes that were filtered by."""
        return list(self._columns)

    def lie_in(self, file: ColumnFile, used: Iterable[str]) -> None:
        """Take the columns of a snapshot of the segment, in place of what was built.

        Args:
            file: of the snapshot; the segment must not grow any more.
            used: attributes that count as filtered by.
        """
        self._file, built = file, self._columns
        self._columns = {name: self._made(name, built) for name in used}

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

    def _column(self, name: str) -> Column | FrozenColumn:
        # setdefault is atomic: two readers get the same column.
        return self._columns.get(name) or self._columns.setdefault(name, self._made(name, {}))

    def _made(self, name: str, built: Mapping[str, Column | FrozenColumn]) -> Column | FrozenColumn:
        saved = None if self._file is None else self._file.column(name)
        return saved or built.get(name) or Column(name)
