"""Rows of an index: a vector each, with what verification needs.

A row is never changed, only appended and marked dead, and each has the catalog sequence numbers at
which it was born and died. A reader that holds a sequence number therefore sees one consistent
state without a lock, whatever the one writer appends meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bertine.index.columns import Columns
from bertine.kernels.cpu import visible
from bertine.types import Attribute, Item, Matrix

ALIVE = np.iinfo(np.int64).max
_MIN_CAPACITY = 64


class Segment:
    """A growing table of rows with one writer and any number of readers.

    Readers take `count` first: the arrays behind the other attributes then hold at least that many
    rows, even if they are replaced by larger ones meanwhile.

    Attributes:
        vectors: float32 ``[capacity, d]``.
        ids: item id of each row.
        attributes: of each row.
        columns: inverted lists over them.
        born: int64 ``[capacity]``, sequence number from which the row is visible.
        died: int64 ``[capacity]``, sequence number from which it is not.
        opens: float64 ``[capacity]``, time from which the item is available.
        closes: float64 ``[capacity]``, time from which it is not.
    """

    def __init__(self, dimensions: int, capacity: int = _MIN_CAPACITY) -> None:
        capacity = max(capacity, _MIN_CAPACITY)
        self.count = 0
        self.ids: list[str] = []
        self._names: NDArray[np.object_] = np.empty(0, np.object_)
        self.attributes: list[dict[str, Attribute]] = []
        self.columns = Columns()
        self.vectors: Matrix = np.empty((capacity, dimensions), np.float32)
        self.born = np.zeros(capacity, np.int64)
        self.died = np.full(capacity, ALIVE, np.int64)
        self.opens = np.full(capacity, -np.inf)
        self.closes = np.full(capacity, np.inf)

    @property
    def names(self) -> NDArray[np.object_]:
        """`ids` as an array, for many look-ups at once; made when the count is another one."""
        names, count = self._names, self.count
        if len(names) != count:
            self._names = names = np.fromiter(islice(self.ids, count), np.object_, count)
        return names

    def extend(self, items: Sequence[Item], vectors: Matrix, sequence: int) -> range:
        """Append items that become visible at their version.

        Args:
            items: any number.
            vectors: float32 ``[len(items), d]``, unit rows.
            sequence: catalog sequence number of the change, for items that carry no version.

        Returns:
            The new rows.
        """
        rows = range(self.count, self.count + len(items))
        self._reserve(rows.stop)
        self.vectors[rows.start : rows.stop] = vectors
        self.born[rows.start : rows.stop] = [item.version or sequence for item in items]
        self.died[rows.start : rows.stop] = ALIVE
        starts = (item.available_from for item in items)
        ends = (item.hidden_from for item in items)
        self.opens[rows.start : rows.stop] = [-np.inf if at is None else at for at in starts]
        self.closes[rows.start : rows.stop] = [np.inf if at is None else at for at in ends]
        self.ids.extend(item.id for item in items)
        self.attributes.extend(dict(item.attributes) for item in items)
        self.count = rows.stop
        return rows

    def adopt(self, other: Segment, rows: NDArray[np.int64]) -> None:
        """Append rows of another segment, with their births and deaths."""
        start, stop = self.count, self.count + len(rows)
        self._reserve(stop)
        for name in ("vectors", "born", "died", "opens", "closes"):
            getattr(self, name)[start:stop] = getattr(other, name)[rows]
        self.ids.extend(other.ids[row] for row in rows)
        self.attributes.extend(other.attributes[row] for row in rows)
        self.count = stop

    def alive(self, sequence: int) -> NDArray[np.bool_]:
        """Which rows are visible at `sequence`: bool ``[count]``."""
        count = self.count
        return np.less_equal(self.born[:count], sequence) & np.greater(self.died[:count], sequence)

    def visible(
        self, rows: NDArray[np.int64], sequence: int, now: float, out: NDArray[np.bool_]
    ) -> None:
        """Say which of some rows are visible at `sequence` and available at time `now`.

        Args:
            rows: int64 ``[m]``, C-contiguous.
            sequence: of the catalog.
            now: seconds since the epoch.
            out: bool ``[m]``, C-contiguous; is written.
        """
        visible(self.born, self.died, self.opens, self.closes, sequence, now, rows, out)

    def _reserve(self, rows: int) -> None:
        capacity = len(self.born)
        if rows <= capacity:
            return
        capacity = max(rows, capacity * 2)
        # `died` last: a row killed after its copy was taken would be alive in the copy, but the
        # writer that kills is the thread that runs this.
        for name in ("vectors", "born", "opens", "closes", "died"):
            old = getattr(self, name)
            new = np.empty((capacity, *old.shape[1:]), old.dtype)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)
