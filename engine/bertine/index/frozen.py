"""The column of rows that no longer change: sorted arrays, in memory or mapped from a file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Bounds, Key, Range
from bertine.types import Scalar

Flags: TypeAlias = NDArray[np.bool_]
RowNumbers: TypeAlias = NDArray[np.uint32]

ENCODING = "utf-8", "surrogatepass"
"""Of strings: what is in JSON may hold halves of surrogate pairs."""

EXACT_IN_FLOAT = 2**53
"""The largest magnitude up to which a float64 holds every integer."""

_TYPES = {
    "false": "<u4",
    "true": "<u4",
    "several": "<u4",
    "numbers": "<f8",
    "number_rows": "<u4",
    "large": "<i8",
    "large_rows": "<u4",
    "letters": "|u1",
    "letter_ends": "<u8",
    "string_rows": "<u4",
    "string_ends": "<u8",
}
TYPES = {name: np.dtype(code) for name, code in _TYPES.items()}
"""Of the arrays of a `FrozenColumn`, by their names."""


@dataclass(frozen=True, slots=True)
class FrozenColumn:
    """Which rows have which values of one attribute. Answers as `columns.Column` does.

    It never changes, so that any number of threads may ask. Memory: 4 bytes for each string of a
    row, 12 for each number, and what the different strings take.

    Attributes:
        count: rows, those without the attribute included.
        false: rows, uint32 ascending.
        true: rows, uint32 ascending.
        several: rows whose value is a list, uint32 ascending: it is in no range.
        numbers: all that a float64 holds exactly, float64 ascending.
        number_rows: of each, uint32.
        large: integers that a float64 need not hold, int64 ascending.
        large_rows: of each, uint32.
        letters: the different strings, ascending, one after another.
        letter_ends: where each of them begins and the last one ends, uint64 ``[m + 1]``.
        string_rows: rows of the first string, then of the next, uint32.
        string_ends: where the rows of each begin and those of the last end, uint64 ``[m + 1]``.
    """

    count: int
    false: RowNumbers
    true: RowNumbers
    several: RowNumbers
    numbers: NDArray[np.float64]
    number_rows: RowNumbers
    large: NDArray[np.int64]
    large_rows: RowNumbers
    letters: NDArray[np.uint8]
    letter_ends: NDArray[np.uint64]
    string_rows: RowNumbers
    string_ends: NDArray[np.uint64]

    def present(self, _: object, count: int) -> Flags:
        """Which rows below `count` have the attribute: bool ``[count]``."""
        numbers = self.number_rows, self.large_rows
        others = self.false, self.true, self.several, self.string_rows
        return self._flags([*numbers, *others], count)

    def one_of(self, keys: Iterable[Key], _: object, count: int) -> Flags:
        """Which rows below `count` have one of these values: bool ``[count]``."""
        return self._flags([rows for key in keys for rows in self._equal(*key)], count)

    def between(self, node: Range, _: object, count: int) -> Flags:
        """Which rows below `count` have a value within the bounds: bool ``[count]``."""
        kinds = {isinstance(bound, str) for _, bound in node.bounds}
        if kinds == {True}:
            flags = self._flags([self._strings(node.bounds)], count)
            return flags & ~self._flags([self.several], count)
        return self._flags(self._numbers(node.bounds) if kinds == {False} else [], count)

    def _equal(self, is_bool: bool, value: Scalar) -> Iterable[RowNumbers]:  # noqa: FBT001 - a key
        if is_bool:
            return [self.true if value else self.false]
        same: Bounds = (("gte", value), ("lte", value))
        return [self._strings(same)] if isinstance(value, str) else self._numbers(same)

    def _strings(self, bounds: Bounds) -> RowNumbers:
        found = within(range(len(self.string_ends) - 1), bounds, self._string)
        if found.start >= found.stop:
            return self.string_rows[:0]
        start, stop = self.string_ends[[found.start, found.stop]].tolist()
        return self.string_rows[start:stop]

    def _string(self, number: int) -> str:
        start, stop = self.letter_ends[number : number + 2].tolist()
        return self.letters[start:stop].tobytes().decode(*ENCODING)

    def _numbers(self, bounds: Bounds) -> list[RowNumbers]:
        # Python compares an integer with a float exactly, NumPy does not.
        return [
            self.number_rows[within(self.numbers, bounds, float)],
            self.large_rows[within(self.large, bounds, int)],
        ]

    def _flags(self, lists: Iterable[RowNumbers], count: int) -> Flags:
        flags = np.zeros(self.count, np.bool_)
        for rows in lists:
            flags[rows] = True
        return flags[:count]


def within(
    values: Sequence[Any] | NDArray[Any], bounds: Bounds, key: Callable[[Any], Any] | None = None
) -> slice:
    """Where the values lie that satisfy every bound; empty ones may end before they start.

    Args:
        values: ascending.
        bounds: all of strings or all of numbers, as the values are.
        key: of a value, to be compared with the bounds; None is the value itself.
    """
    first, last = 0, len(values)
    for comparison, bound in bounds:
        cut = bisect_right if comparison in {"gt", "lte"} else bisect_left
        position = cut(values, bound, key=key)
        if comparison in {"gt", "gte"}:
            first = max(first, position)
        else:
            last = min(last, position)
    return slice(first, last)
