"""Which row of an index is which item of what was learned."""

from __future__ import annotations

import threading
import weakref
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from bertine.index.view import Rows, View
from bertine.recommend.learn.learned import Learned

_ROWS_AT_ONCE = 65_536
"""Nothing else runs while so many ids are looked up, some milliseconds."""


class Numbers:
    """The numbers of the rows of one pair of segments.

    Rows are only appended and keep their items: each is looked up once, in whatever order views are
    asked about.

    Args:
        learned: whose numbers.
        view: of the segments.
    """

    def __init__(self, learned: Learned, view: View) -> None:
        self._of = tuple(map(weakref.ref, (learned, view.main, view.delta)))
        self._by_row = np.empty(0, np.int64)
        self._count = 0
        self._latest = np.full(len(learned.item_ids), -1, np.int64)

    def fit(self, learned: Learned, view: View) -> bool:
        """Whether they are those of this view's rows."""
        parts = learned, view.main, view.delta
        return all(known() is part for known, part in zip(self._of, parts, strict=True))

    def follow(self, learned: Learned, view: View) -> None:
        """Read the rows that are new in a view; by one thread at a time."""
        while self._count < view.count:
            first, stop = self._count, min(self._count + _ROWS_AT_ONCE, view.count)
            fresh = list(map(learned.numbers.get, view.ids(range(first, stop)), repeat(-1)))
            numbers = np.array(fresh, np.int64)
            self._reserve(stop)
            self._by_row[first:stop] = numbers
            self._count = stop
            known = np.flatnonzero(numbers >= 0)
            # The last row of an item is the one that lives.
            self._latest[numbers[known]] = first + known

    def _reserve(self, rows: int) -> None:
        """Have room for so many, in an array of its own: others may be reading the old one."""
        if rows > len(self._by_row):
            grown = np.empty(max(rows, 2 * len(self._by_row)), np.int64)
            grown[: self._count] = self._by_row[: self._count]
            self._by_row = grown

    def of(self, rows: Rows) -> NDArray[np.int64]:
        """The number of each row, -1 for an item that nothing was learned of: int64 ``[rows]``."""
        return self._by_row[rows]

    def rows(self, numbers: NDArray[np.int64]) -> Rows:
        """The last row of each item, -1 for none, perhaps of a later view: int64 ``[numbers]``."""
        return self._latest[numbers]


class Numbering:
    """Of one index. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Numbers | None = None

    def numbers(self, learned: Learned, view: View) -> Numbers:
        """Those of the rows of a view."""
        with self._lock:
            if self._numbers is None or not self._numbers.fit(learned, view):
                self._numbers = Numbers(learned, view)
            self._numbers.follow(learned, view)
            return self._numbers
