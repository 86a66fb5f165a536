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
        self._by_row: list[int] = []
        self._latest = np.full(len(learned.item_ids), -1, np.int64)

    def fit(self, learned: Learned, view: View) -> bool:
        """Whether they are those of this view's rows."""
        parts = learned, view.main, view.delta
        return all(known() is part for known, part in zip(self._of, parts, strict=True))

    def follow(self, learned: Learned, view: View) -> None:
        """Read the rows that are new in a view; by one thread at a time."""
        while len(self._by_row) < view.count:
            first = len(self._by_row)
            rows = range(first, min(first + _ROWS_AT_ONCE, view.count))
            fresh = list(map(learned.numbers.get, view.ids(rows), repeat(-1)))
            self._by_row += fresh
            numbers = np.array(fresh, np.int64)
            known = np.flatnonzero(numbers >= 0)
            # The last row of an item is the one that lives.
            self._latest[numbers[known]] = first + known

    def of(self, rows: Rows) -> NDArray[np.int64]:
        """The number of each row, -1 for an item that nothing was learned of: int64 ``[rows]``."""
        return np.fromiter(map(self._by_row.__getitem__, rows.tolist()), np.int64, len(rows))

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
