"""How even a trained index's lists still are, now that some of their rows are dead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bertine.index.lifecycle import imbalance
from bertine.index.segment import ALIVE

_NO_LISTS = np.empty(0, np.int32)


class Balance:
    """Compares the lists as they are with what they were when they were built.

    Args:
        lists: inverted list of each row, int32 ``[n]``; none without a trained index.
    """

    def __init__(self, lists: NDArray[np.int32] = _NO_LISTS) -> None:
        self._lists = lists
        sizes = np.bincount(lists)
        self._count, self._built = len(sizes), imbalance(sizes)

    def ratio(self, died: NDArray[np.int64]) -> float:
        """The imbalance of living rows as a multiple of what it was for all rows.

        Args:
            died: of each row, int64 ``[at least n]``.
        """
        alive = died[: len(self._lists)] == ALIVE
        if alive.all():
            return 1.0
        living = np.bincount(self._lists[alive], minlength=self._count)
        return imbalance(living) / self._built
