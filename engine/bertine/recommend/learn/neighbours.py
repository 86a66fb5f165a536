"""The strongest links of every item, as two arrays of one width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.links import linked
from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, largest
from bertine.recommend.learn.lags import faded
from bertine.recommend.learn.taste import Candidates, Taste

MOST_LINKS = 200
"""Of one item."""

_MOST_CELLS = 6_000_000
_LEAST_LINKS = 20
_LATEST = 100


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


@dataclass(frozen=True)
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

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = np.zeros((len(candidates), len(taste) + 1))
        # Only the latest entries have links, so that a long history costs no more.
        sources = np.where(np.arange(len(taste)) < len(taste) - _LATEST, -1, taste.items)
        linked(
            self.numbers,
            self.values,
            sources.astype(np.int64),
            faded(taste, self.decay),
            candidates.numbers,
            np.argsort(candidates.numbers, kind="stable"),
            shares,
        )
        return shares[:, None, :]

    def best(self, taste: Taste, count: int) -> Numbers:
        """See `View`."""
        _, numbers, values = self._links(taste)
        found = numbers >= 0
        if not found.any():
            return NOTHING
        items, which = np.unique(numbers[found], return_inverse=True)
        sums = np.asarray(np.bincount(which, values[found], len(items)), np.float64)
        return np.asarray(items[largest(sums, count)], np.int64)

    def _links(self, taste: Taste) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
        """Entries ``[e]`` with links, and their links and faded values ``[e, links]``."""
        entries = np.flatnonzero(taste.items >= 0)[-_LATEST:]
        items = taste.items[entries]
        numbers = self.numbers[items].astype(np.int64)
        return entries, numbers, self.values[items] * faded(taste, self.decay)[entries, None]
