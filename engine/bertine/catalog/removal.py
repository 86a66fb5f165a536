"""Deleting a collection: its name at once, its rows a few at a time.

To delete a million rows in one transaction would keep every other change waiting for minutes. So
`DeleteCollection` only marks it, which is what is durable when it is acknowledged, and gives its
name back; `EraseRows` then takes a part of its rows at a time until none is left, whichever process
comes to it, and `FinishErasing` takes the rest. Until then the mark says what is left to do.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import ClassVar

from bertine.catalog.aliases import find_collection, refuse_if_aliased, stands_for
from bertine.catalog.event_tables import empty_events, erase_events, events_table
from bertine.catalog.rows import next_sequence
from bertine.errors import Conflict, NotFound
from bertine.types import Collection


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """Delete a collection with its items and events; gives the number of items.

    Nothing reads it any more. Its rows, and users of whom nothing else is known, are erased by
    `EraseRows`.

    Args:
        name: of the collection.

    Raises:
        NotFound: there is none.
        Conflict: an alias stands for it, or the name is an alias.
    """

    name: str

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = False

    def execute(self, connection: sqlite3.Connection) -> int:
        """Mark it, and give its name back."""
        collection = self._find(connection)
        refuse_if_aliased(connection, collection)
        # No collection may be called that.
        connection.execute(
            "UPDATE collections SET deleted = 1, name = '/' || key WHERE key = ?",
            (collection.key,),
        )
        next_sequence(connection)
        return collection.item_count

    def _find(self, connection: sqlite3.Connection) -> Collection:
        collection = find_collection(connection, self.name)
        if collection is not None:
            return collection
        target = stands_for(connection, self.name)
        if target:
            raise Conflict(
                f"{self.name!r} is an alias of collection {target!r}; delete the alias with "
                "DeleteAlias, the collection by its own name"
            )
        raise NotFound("collection", self.name)


def next_to_erase(connection: sqlite3.Connection) -> int | None:
    """Key of a deleted collection that still has rows or a name of its own, None if none has."""
    row = connection.execute("SELECT key FROM collections WHERE deleted LIMIT 1").fetchone()
    return None if row is None else int(row[0])


@dataclass(frozen=True, slots=True)
class EraseRows:
    """Erase some rows of a deleted collection; gives their number, 0 when none is left.

    What users did goes first.

    Args:
        collection_key: of a collection that is marked as deleted.
        limit: at most so many rows.
    """

    collection_key: int
    limit: int

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """As many as it may take."""
        return self.limit

    def execute(self, connection: sqlite3.Connection) -> int:
        """Erase events, then items, then what the events left behind."""
        return (
            erase_events(connection, self.collection_key, self.limit)
            or self._delete_items(connection)
            or empty_events(connection, self.collection_key, self.limit)
        )

    def _delete_items(self, connection: sqlite3.Connection) -> int:
        # Vectors follow by their foreign key.
        statement = """
            DELETE FROM items WHERE key IN (
                SELECT key FROM items WHERE collection = ? ORDER BY key DESC LIMIT ?
            )
        """
        return connection.execute(statement, (self.collection_key, self.limit)).rowcount


@dataclass(frozen=True, slots=True)
class FinishErasing:
    """Take away what `EraseRows` has emptied; from then on the files hold nothing of it.

    Args:
        collection_key: of a collection that is marked as deleted.
    """

    collection_key: int

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = True

    def execute(self, connection: sqlite3.Connection) -> None:
        """Drop its table of events, and its row."""
        connection.execute(f"DROP TABLE {events_table(self.collection_key)}")
        statement = "DELETE FROM collections WHERE key = ? AND deleted"
        connection.execute(statement, (self.collection_key,))
