"""A collection of one state, to be read as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from bertine.catalog.rows import SELECT_ITEMS_WITH_VECTORS, item_from_row, read_collection
from bertine.types import Item


class Snapshot:
    """One state of a collection, whatever is written meanwhile.

    Attributes:
        collection: as of that state; its ``sequence`` is the last change that is in it.
    """

    def __init__(self, connection: sqlite3.Connection, key: int) -> None:
        self._connection = connection
        self.collection = read_collection(connection, key)

    def batches(self, batch: int = 4096) -> Iterator[list[Item]]:
        """All items with their vectors, in the order in which they were first inserted."""
        query = SELECT_ITEMS_WITH_VECTORS + "WHERE collection = ? ORDER BY items.key"
        rows = self._connection.execute(query, (self.collection.key,))
        while chunk := rows.fetchmany(batch):
            yield [item_from_row(row, self.collection.vectors) for row in chunk]
