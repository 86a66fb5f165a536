"""Deleting what has expired.

From its `expire_time` on nothing returns an item: the index and the readers look at the clock. Its
rows go later, in the background, a few at a time.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bertine.catalog.rows import next_sequence

LEAP = 60.0
"""Seconds by which the wall clock may run ahead of the steady one before it is doubted."""

HOLD = 300.0
"""Seconds for which it must keep its new time before it is believed."""


class PurgeClock:
    """Up to which time items may be deleted, if the wall clock is to be trusted.

    A clock that leaps into the future hides items, which mends itself when the clock is put right;
    to delete them would not. So a leap is believed only once it has lasted. A machine that wakes
    from suspension looks the same and only purges later. Leaps while no process ran are not seen.
    """

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._leapt: float | None = None

    def limit(self, wall: float, steady: float) -> float:
        """The time up to which to delete, never later than `wall`.

        Args:
            wall: seconds since the epoch, by a clock that may be set.
            steady: seconds by a clock that only runs; never less than at the last call.
        """
        ahead = wall - steady
        if self._ahead is None or ahead <= self._ahead + LEAP:
            self._ahead, self._leapt = ahead, None
            return wall
        if self._leapt is None:
            self._leapt = steady
        if steady - self._leapt < HOLD:
            return steady + self._ahead
        self._ahead, self._leapt = ahead, None
        return wall


def has_expired(connection: sqlite3.Connection, limit: float) -> bool:
    """Whether an item's time is not after `limit`."""
    query = "SELECT 1 FROM items WHERE expire_time <= ? LIMIT 1"
    return connection.execute(query, (limit,)).fetchone() is not None


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What `PurgeExpired` did.

    Attributes:
        deleted: ids by the key of their collection.
        sequence: of these collections afterwards.
    """

    deleted: Mapping[int, tuple[str, ...]]
    sequence: int

    @property
    def count(self) -> int:
        """How many items."""
        return sum(map(len, self.deleted.values()))


@dataclass(frozen=True, slots=True)
class PurgeExpired:
    """Delete some items that have expired, the oldest first; gives a `PurgeResult`.

    Args:
        until: time; what expires later stays.
        limit: at most so many.
    """

    until: float
    limit: int

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """As many as it may take."""
        return self.limit

    def execute(self, connection: sqlite3.Connection) -> PurgeResult:
        """Delete them from all collections; vectors follow by their foreign key."""
        statement = """
            DELETE FROM items WHERE key IN (
                SELECT key FROM items WHERE expire_time <= ? ORDER BY expire_time LIMIT ?
            ) RETURNING collection, id
        """
        deleted: defaultdict[int, list[str]] = defaultdict(list)
        for key, id_ in connection.execute(statement, (self.until, self.limit)).fetchall():
            deleted[key].append(id_)
        if not deleted:
            return PurgeResult({}, 0)
        sequence = next_sequence(connection)
        connection.executemany(
            "UPDATE collections SET sequence = ?, item_count = item_count - ? WHERE key = ?",
            [(sequence, len(ids), key) for key, ids in deleted.items()],
        )
        return PurgeResult({key: tuple(ids) for key, ids in deleted.items()}, sequence)
