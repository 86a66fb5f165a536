"""The strongest links of every item, as two arrays of one width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.channels import linked_sums, most_linked, slots, sum_links
from bertine.kernels.links import linked
from bertine.recommend.learn.channel import Numbers, Shares, Totals
from bertine.recommend.learn.taste import Candidates, Taste

MOST_LINKS = 200
"""Of one item."""

_MOST_CELLS = 6_000_000
_LEAST_LINKS = 20


def width(items: int) -> int:
    """How many links each of so many items keeps, so that memory is bounded."""
    return int(np.clip(_MOST_CELLS // max(items, 1), _LEAST_LINKS, MOST_LINKS))


def strongest(matrix: Any, links: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The largest positive values of each row.

    Args:
        matrix: sparse ``[n, n]``.
        links: at most so many of each row.

    Returns:
        Columns int32 ``[n, links]``, ascending, -1 where there is none; values float32 of the same
        shape.
    """
    coo = matrix.tocoo()
    positive = coo.data > 0
    rows, columns, values = coo.row[positive], coo.col[positive], coo.data[positive]
    # The column breaks ties, so that equal events give equal links.
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    starts = np.searchsorted(rows, np.arange(matrix.shape[0]))
    places = np.arange(len(rows)) - starts[rows]
    kept = places < links
    used = max(int(places[kept].max(initial=0)) + 1, 1)
    numbers = np.full((matrix.shape[0], used), -1, np.int32)
    strengths = np.zeros((matrix.shape[0], used), np.float32)
    numbers[rows[kept], places[kept]] = columns[kept]
    strengths[rows[kept], places[kept]] = values[kept]
    return by_number(numbers, strengths)


def by_number(
    numbers: NDArray[np.int32], values: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Each row's links by ascending number, as the lookup needs them."""
    order = np.argsort(numbers, axis=1, kind="stable")
    return np.take_along_axis(numbers, order, axis=1), np.take_along_axis(values, order, axis=1)


@dataclass(frozen=True, eq=False)
class Linked:
    """value(c) = sum_h strength_h * decay^lag_h * link(h, c).

    Attributes:
        name: of the channel.
        decay: for each step back, 0 .. 1.
        numbers: int32 ``[items, links]``, ascending in each row, -1 where there is none.
        values: float32 ``[items, links]``.
    """

    name: str
    decay: float
    numbers: NDArray[np.int32]
    values: NDArray[np.float32]

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return (self.name,)

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        keys, sums = taste.kept.pop(self, None) or self._sums(taste)
        totals = np.empty((1, len(candidates)))
        linked_sums(keys, sums, len(self.numbers), candidates.numbers, totals[0])
        return totals

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = np.zeros((len(candidates), len(taste) + 1))
        factors, numbers = taste.faded(self.decay), candidates.numbers
        linked(self.numbers, self.values, taste.linked, factors, numbers, candidates.order, shares)
        return shares[:, None, :]

    def best(self, taste: Taste, count: int) -> Numbers:
        """See `View`."""
        # For the totals, which mostly follow.
        taste.kept[self] = table = self._sums(taste)
        found = np.empty(count, np.int64)
        return found[: most_linked(*table, found)]

    def _sums(self, taste: Taste) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Of all links of a history, see `sum_links`."""
        items, links = self.numbers.shape
        size = slots(items, links * len(taste))
        keys, sums = np.empty(size, np.int32), np.empty(size)
        history = taste.linked, taste.liking, taste.lags, self.decay
        sum_links(self.numbers, self.values, *history, keys, sums)
        return keys, sums
