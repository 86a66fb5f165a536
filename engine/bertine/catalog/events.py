"""Recording what users did, and forgetting it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

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
        """Insert the new ones."""
        read_collection(connection, self.collection_key)
        users = [(user,) for user in {event.user for event in self.events}]
        connection.executemany(
            "INSERT INTO users (digest) VALUES (?) ON CONFLICT DO NOTHING", users
        )
        sequence = next_sequence(connection)
        cursor = connection.executemany(
            """
            INSERT INTO events
                (collection, sequence, event_id, item_id, event_type, time, weight, user)
            SELECT ?, ?, ?, ?, ?, ?, ?, key FROM users WHERE digest = ?
            ON CONFLICT (collection, event_id) DO NOTHING
            """,
            [(self.collection_key, sequence, *_columns(event)) for event in self.events],
        )
        recorded = max(cursor.rowcount, 0)  # -1 of no events
        return RecordResult(recorded, len(self.events) - recorded)


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """Delete all events of a user, in every collection; gives their number.

    The bytes are overwritten in the file (``secure_delete``) and the writer empties the
    write-ahead log, so that they are gone from the disk as far as a program can tell.

    Args:
        user: see `privacy.UserKey.digest`.
    """

    user: bytes

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = True

    def execute(self, connection: sqlite3.Connection) -> int:
        """Delete the events, then the user they belong to."""
        deleted = connection.execute(
            "DELETE FROM events WHERE user = (SELECT key FROM users WHERE digest = ?)",
            (self.user,),
        ).rowcount
        connection.execute("DELETE FROM users WHERE digest = ?", (self.user,))
        return deleted


def _columns(event: Event) -> tuple[str | float | bytes | None, ...]:
    return (
        event.event_id,
        event.item_id,
        event.event_type,
        event.time,
        event.weight,
        event.user,
    )
