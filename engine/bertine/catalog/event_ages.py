"""How old the events of a collection are, known without an index that each new event would pay for.

Events are only appended and erased where they lie, see `event_tables`, so the earliest time in a
block of rows that is full only rises: each row is read once, and a block again when it was purged.
8 bytes for each 256 events.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence

import numpy as np


class EventAges:
    """The earliest time in each block of a collection's events. Not safe for threads.

    Attributes:
        last: key of the last row that was read.
    """

    def __init__(self) -> None:
        self.last = 0
        self._oldest = array("d")

    def follow(self, read: Iterable[tuple[int, float | None, int]]) -> None:
        """Take what `event_tables.oldest_events` read after `last`."""
        for block, oldest, last in read:
            missing = block + 1 - len(self._oldest)
            self._oldest.extend([math.inf] * missing)
            if oldest is not None:
                self._oldest[block] = min(oldest, self._oldest[block])
            self.last = last

    def correct(self, block: int, read: Sequence[tuple[int, float | None, int]]) -> None:
        """Take what was read of a whole block after some of its events were erased.

        Args:
            block: is known.
            read: of its rows alone. Those after `last` will be read again, which does no harm.
        """
        oldest = read[0][1] if read else None
        self._oldest[block] = math.inf if oldest is None else oldest

    def due(self, until: float) -> int | None:
        """The block with the oldest event, None if that is after `until`."""
        if not self._oldest:
            return None
        block = int(np.frombuffer(self._oldest).argmin())
        return block if self._oldest[block] <= until else None
