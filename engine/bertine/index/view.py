"""What one search sees: two segments at one sequence number, as one numbered table.

Rows of the trained segment come first, then the rows added since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Filter
from bertine.index.planner import BATCH
from bertine.index.segment import Segment
from bertine.kernels.cpu import examine, score
from bertine.types import Attribute, Matrix

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class View:
    """A consistent state of a collection's rows.

    Attributes:
        main: the segment that a trained index may cover.
        delta: rows added since.
        main_count: rows of `main`.
        delta_count: rows of `delta` that this view knows.
        sequence: catalog sequence number whose state it shows.
    """

    main: Segment
    delta: Segment
    main_count: int
    delta_count: int
    sequence: int

    @property
    def count(self) -> int:
        """Rows of both segments, dead ones included."""
        return self.main_count + self.delta_count

    def ids(self, rows: Iterable[int]) -> list[str]:
        """Item ids of rows."""
        main, fresh, first = self.main.ids, self.delta.ids, self.main_count
        if not first:
            return list(map(fresh.__getitem__, rows))
        return [main[row] if row < first else fresh[row - first] for row in rows]

    def table_of_ids(self, rows: Rows) -> list[list[str]]:
        """Item ids of rows, int64 ``[n, c]``; what is no row, -1, has any id or "" instead."""
        if self.main_count and not self.delta_count:
            return cast("list[list[str]]", self.main.names.take(rows, mode="clip").tolist())
        main, fresh, first = self.main.ids, self.delta.ids, self.main_count
        return [
            ["" if row < 0 else main[row] if row < first else fresh[row - first] for row in line]
            for line in rows.tolist()
        ]

    def rows_of(self, ids: Collection[str]) -> Rows:
        """Rows of items, dead ones included, by a look at every row: int64, ascending."""
        every = enumerate(chain(self.main.ids[: self.main_count], self.delta.ids))
        found = [row for row, item_id in islice(every, self.count) if item_id in ids]
        return np.array(found, np.int64)

    def attributes(self, row: int) -> dict[str, Attribute]:
        """Attributes of a row."""
        if row < self.main_count:
            return self.main.attributes[row]
        return self.delta.attributes[row - self.main_count]

    def matching(self, node: Filter) -> Flags:
        """Which rows match a filter, dead ones included: bool ``[count]``."""
        main = self.main.columns.matching(node, self.main.attributes, self.main_count)
        delta = self.delta.columns.matching(node, self.delta.attributes, self.delta_count)
        return np.concatenate([main, delta])

    def visible(self, rows: Rows, now: float) -> Flags:
        """Which of some ascending rows are alive in this view and available at time `now`."""
        out = np.empty(len(rows), np.bool_)
        border = int(np.searchsorted(rows, self.main_count))
        self.main.visible(rows[:border], self.sequence, now, out[:border])
        self.delta.visible(rows[border:] - self.main_count, self.sequence, now, out[border:])
        return out

    def examine(
        self, rows: Rows, queries: Matrix, allowed: Flags, now: float
    ) -> tuple[Matrix, Flags]:
        """Score rows exactly, and hold them against what may be returned.

        Args:
            rows: int64 ``[n, c]``, -1 for none.
            queries: float32 ``[n, d]``, unit rows.
            allowed: bool ``[count]``, which rows may be returned; of length 0 it allows all.
            now: at which an item must be available.

        Returns:
            Cosine similarities, float32 ``[n, c]``, and which rows are allowed, alive in this view
            and available. Where there is no row, both are undefined.
        """
        scores, passes = np.empty(rows.shape, np.float32), np.empty(rows.shape, np.bool_)
        for part, first, stop in self._parts():
            times = part.born, part.died, part.opens, part.closes
            state = first, self.sequence, now, stop
            examine(part.vectors, *times, *state, rows, queries, allowed, scores, passes)
        return scores, passes

    def scan(self, queries: Matrix, *, delta_only: bool = False) -> Matrix:
        """Similarity of every row with every query, equal to the exact one but for rounding.

        Args:
            queries: float32 ``[n, d]``.
            delta_only: leave the rows of `main` out.

        Returns:
            float32 ``[n, count]``, or ``[n, delta_count]``.
        """
        delta = _products(self.delta.vectors, self.delta_count, queries)
        if delta_only or not self.main_count:
            return delta
        return np.hstack([_products(self.main.vectors, self.main_count, queries), delta])

    def vectors(self, rows: Rows) -> Matrix:
        """A copy of the vectors of ascending rows: float32 ``[len(rows), d]``."""
        out = np.empty((len(rows), self.main.vectors.shape[1]), np.float32)
        border = int(np.searchsorted(rows, self.main_count))
        fresh = rows[border:] - self.main_count
        # Any mode but the default writes straight into `out`.
        np.take(self.main.vectors, rows[:border], axis=0, out=out[:border], mode="clip")
        np.take(self.delta.vectors, fresh, axis=0, out=out[border:], mode="clip")
        return out

    def opens(self, rows: Rows) -> NDArray[np.float64]:
        """From when ascending rows are available, -inf for always: float64 ``[len(rows)]``."""
        border = int(np.searchsorted(rows, self.main_count))
        fresh = rows[border:] - self.main_count
        return np.concatenate([self.main.opens[rows[:border]], self.delta.opens[fresh]])

    def _parts(self) -> Iterator[tuple[Segment, int, int]]:
        """The segments that have rows, with the number of the first and after the last."""
        if self.main_count:
            yield self.main, 0, self.main_count
        if self.delta_count:
            yield self.delta, self.main_count, self.count


def _products(vectors: Matrix, count: int, queries: Matrix) -> Matrix:
    if len(queries) >= BATCH:
        return queries @ vectors[:count].T
    scores = np.empty((len(queries), count), np.float32)
    score(vectors, queries, scores)
    return scores
