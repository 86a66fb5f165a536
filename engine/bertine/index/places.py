"""Where the living row of each item is, by its id."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress, repeat

import numpy as np
from numpy.typing import NDArray

from bertine.index.segment import ALIVE, Segment
from bertine.index.view import Rows, View
from bertine.types import Versions

_STEP = 4_096


class Places:
    """The numbers of living rows in the views of two segments, with one writer and many readers.

    Args:
        main: must not grow any more.
        delta: rows added since; those that are appended from now on are told to `put`.
    """

    def __init__(self, main: Segment, delta: Segment) -> None:
        self._main, self._delta, self._border = main, delta, main.count
        self._rows = _living(main, 0)
        self._rows.update(_living(delta, self._border))

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, item_id: str, row: int) -> None:
        """An item is at a row of `delta` now."""
        self._rows[item_id] = self._border + row

    def forget(self, item_id: str) -> None:
        """An item is nowhere."""
        self._rows.pop(item_id, None)

    def find(self, item_id: str) -> tuple[Segment, int] | None:
        """Segment and row of an item, None if it is not there."""
        row = self._rows.get(item_id)
        if row is None:
            return None
        return (self._main, row) if row < self._border else (self._delta, row - self._border)

    def rows_of(self, ids: Iterable[str], view: View) -> Rows:
        """Where items are: int64 ``[ids]``, -1 for none, the view's count or more for a later row.

        Args:
            ids: of the items.
            view: what is looked at; of other segments it shows none of these rows.
        """
        rows = self._look_up(ids)
        if view.main is self._main and view.delta is self._delta:
            return rows
        return np.where(rows < 0, rows, view.count)

    def hold_against(self, versions: Versions) -> list[str]:
        """Mark rows of `main` dead whose version, their `born`, is not the item's.

        Args:
            versions: of every item.

        Returns:
            Ids of the items that have no living row.
        """
        born, current = self._main.born, np.zeros(self._border, np.bool_)
        missing: list[str] = []
        for ids, wanted in versions:
            rows = self._run(ids)
            same = (rows >= 0) & (born[rows] == wanted)
            current[rows[same]] = True
            if not same.all():
                missing += compress(ids, (~same).tolist())
        self._bury(np.flatnonzero(~current))
        return missing

    def _bury(self, stale: NDArray[np.int64]) -> None:
        self._main.died[stale] = self._main.born[stale]
        for row in stale.tolist():
            item_id = self._main.ids[row]
            if self._rows.get(item_id) == row:
                del self._rows[item_id]

    def _run(self, ids: list[str]) -> Rows:
        """As `_look_up`: often the items of a page lie in as many rows, one after another."""
        first = self._rows.get(ids[0], self._border)
        if self._main.ids[first : first + len(ids)] == ids:
            return np.arange(first, first + len(ids))
        return self._look_up(ids)

    def _look_up(self, ids: Iterable[str]) -> Rows:
        return np.fromiter(map(self._rows.get, ids, repeat(-1)), np.int64)


def all_ids(versions: Versions) -> list[str]:
    """Of every item."""
    return [item_id for ids, _ in versions for item_id in ids]


def _living(segment: Segment, first: int) -> dict[str, int]:
    """Numbers of living rows by id, counted from `first`.

    Numbers alone: a million tuples would have Python's garbage collector look through all of them.
    In steps, between which other threads get on.
    """
    alive = segment.died[: segment.count] == ALIVE
    found: dict[str, int] = {}
    for start in range(0, segment.count, _STEP):
        living = alive[start : start + _STEP].tolist()
        ids = segment.ids[start : start + len(living)]
        numbers = range(first + start, first + start + len(living))
        found.update(compress(zip(ids, numbers, strict=True), living))
    return found
