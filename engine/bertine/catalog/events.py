"""Recording what users did, and forgetting it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from bertine.catalog.digest import event_digest
from bertine.catalog.event_tables import (
    BLOCK,
    COLUMNS,
    NULLS,
    PLACEHOLDERS,
    events_table,
    expire_events,
    find_user,
)
from bertine.catalog.rows import next_sequence, read_collection
from bertine.types import Event


class RecordResult(NamedTuple):
    """What `RecordEvents` did.

    Attributes:
        recorded: how many events are new.
        duplicates: how many have an event_id that the collection has seen.
    """

    recorded: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class RecordEvents:
    """Store events; gives a `RecordResult`.

    They take a sequence number, but leave the collection's: its items have not changed.

    Args:
        collection_key: of the collection.
        events: one whose event_id was seen before is not stored again.

    Raises:
        NotFound: the collection was deleted.
    """

    collection_key: int
    events: Sequence[Event]

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """One for each event."""
        return len(self.events)

    def execute(self, connection: sqlite3.Connection) -> RecordResult:
        """Append the new ones."""
        read_collection(connection, self.collection_key)
        users = {digest: _user(connection, digest) for digest in {e.user for e in self.events}}
        sequence = next_sequence(connection)
        statement = f"""
            INSERT INTO {events_table(self.collection_key)} ({COLUMNS})
            VALUES ({PLACEHOLDERS}) ON CONFLICT DO NOTHING
        """  # noqa: S608 (the table's name has only a number that varies)
        rows = [_columns(event, users[event.user], sequence) for event in self.events]
        recorded = max(connection.executemany(statement, rows).rowcount, 0)  # -1 of no rows
        return RecordResult(recorded, len(rows) - recorded)


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """Erase all events of a user, in every collection; gives their number.

    The bytes are overwritten where they are, see `event_tables`, and the writer then empties the
    write-ahead log: they are gone from the files. What the disk keeps is the disk's.

    Args:
        user: see `privacy.UserKey.digest`.
    """

    user: bytes

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = True

    def execute(self, connection: sqlite3.Connection) -> int:
        """Erase the events, then the user's hash."""
        user = find_user(connection, self.user)
        if user is None:
            return 0
        keys = [key for (key,) in connection.execute("SELECT key FROM collections")]
        erased = sum(_erase(connection, key, user) for key in keys)
        connection.execute("UPDATE users SET digest = NULL WHERE key = ?", (user,))
        return erased


def _erase(connection: sqlite3.Connection, collection_key: int, user: int) -> int:
    """Erase a user's events in a collection, and say that what was learned of them must go."""
    table = events_table(collection_key)
    statement = f"UPDATE {table} SET {NULLS} WHERE user = ?"  # noqa: S608 (the same)
    erased = connection.execute(statement, (user,)).rowcount
    if erased:
        statement = "UPDATE collections SET erasures = erasures + 1 WHERE key = ?"
        connection.execute(statement, (collection_key,))
    return erased


@dataclass(frozen=True, slots=True)
class ExpireEvents:
    """Erase the events of a block of rows that are too old, of one collection; gives their number.

    They are overwritten as `DeleteUser` does, and so are the hashes of users without others.

    Args:
        collection_key: of the collection.
        block: see `event_ages.EventAges.due`.
        until: time; later events stay.
    """

    collection_key: int
    block: int
    until: float

    rows: ClassVar[int] = BLOCK
    erases: ClassVar[bool] = True

    def execute(self, connection: sqlite3.Connection) -> int:
        """Erase them."""
        count = expire_events(connection, self.collection_key, self.block, self.until)
        if count:
            statement = "UPDATE collections SET expiries = expiries + 1 WHERE key = ?"
            connection.execute(statement, (self.collection_key,))
        return count


def _user(connection: sqlite3.Connection, digest: bytes) -> int:
    """The number that stands for a user, given now to one who has none."""
    user = find_user(connection, digest)
    if user is not None:
        if getattr(digest, "former", ()):  # then known by the hash of the present key from now on
            connection.execute("UPDATE users SET digest = ? WHERE key = ?", (bytes(digest), user))
        return user
    cursor = connection.execute("INSERT INTO users (digest) VALUES (?)", (bytes(digest),))
    return cursor.lastrowid or 0


def _columns(event: Event, user: int, sequence: int) -> tuple[str | float | bytes | None, ...]:
    """In the order of `COLUMNS`."""
    return (
        event_digest(event.event_id),
        user,
        event.event_id,
        event.item_id,
        event.event_type,
        event.time,
        event.weight,
        sequence,
        event.session or None,
        event.place or None,
        event.device or None,
        event.utc_offset_minutes,
        event.recommendation_id or None,
    )
