"""The numbers of one attribute, and the rows that have them."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Bounds


class Numbers:
    """A growing list of numbers, each of one row. Not safe for threads."""

    def __init__(self) -> None:
        self._values = array("d")
        self._rows = array("q")
        self._arrays: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None
        self._in_order = False

    def append(self, value: float, row: int) -> None:
        """Add the number of a row."""
        self._values.append(value)
        self._rows.append(row)
        self._arrays, self._in_order = None, False

    def between(self, bounds: Bounds) -> NDArray[np.int64]:
        """Rows whose number is within bounds that are no strings: int64, in no order.

        While numbers are added between one question and the next, each is compared. Once two
        questions in a row find the same numbers, these are sorted and later ones only cut.
        """
        if self._arrays is None:
            self._arrays = np.array(self._values), np.array(self._rows)
            return self._compared(*self._arrays, bounds)
        values, rows = self._arrays
        if not self._in_order:
            order = np.argsort(values)
            self._arrays = values, rows = values[order], rows[order]
            self._in_order = True
        return self._cut(values, rows, bounds)

    def _compared(
        self, values: NDArray[np.float64], rows: NDArray[np.int64], bounds: Bounds
    ) -> NDArray[np.int64]:
        within = np.ones(len(values), np.bool_)
        for comparison, bound in bounds:
            within &= _COMPARE[comparison](values, float(bound))
        return rows[within]

    def _cut(
        self, values: NDArray[np.float64], rows: NDArray[np.int64], bounds: Bounds
    ) -> NDArray[np.int64]:
        first, last = 0, len(values)
        for comparison, bound in bounds:
            side: str = "right" if comparison in {"gt", "lte"} else "left"
            position = int(np.searchsorted(values, float(bound), side=side))  # type: ignore[call-overload]
            if comparison in {"gt", "gte"}:
                first = max(first, position)
            else:
                last = min(last, position)
        return rows[first:last]


_COMPARE = {"gt": np.greater, "gte": np.greater_equal, "lt": np.less, "lte": np.less_equal}
