"""Everything that can be written, one class for each change.

A change is executed by the writer in a transaction, inside a savepoint of its own: one that raises
leaves nothing behind. SQLite's errors pass through and are translated by the writer.

Those of items are in `upsert`, of events in `events`, of models in `reembedding`; all of them can
be imported from here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from bertine.catalog.connection import select_in
from bertine.catalog.event_tables import (
    create_events_table,
    events_table,
    forget_users_without_events,
)
from bertine.catalog.events import DeleteUser, RecordEvents, RecordResult
from bertine.catalog.reembedding import FinishReembedding, ReplaceResult, ReplaceVectors
from bertine.catalog.rows import SELECT_COLLECTIONS, model_key, next_sequence, read_collection
from bertine.catalog.template import check_template
from bertine.catalog.upsert import Draft, StaleVectors, Upsert, UpsertResult
from bertine.errors import AlreadyExists, NotFound
from bertine.types import Collection

__all__ = [
    "Change",
    "CreateCollection",
    "DeleteCollection",
    "DeleteItems",
    "DeleteResult",
    "DeleteUser",
    "Draft",
    "FinishReembedding",
    "RecordEvents",
    "RecordResult",
    "ReplaceResult",
    "ReplaceVectors",
    "StaleVectors",
    "Upsert",
    "UpsertResult",
]

Result_co = TypeVar("Result_co", covariant=True)


class Change(Protocol[Result_co]):
    """What the writer executes."""

    @property
    def rows(self) -> int:
        """About how many rows it writes, for the size of a group."""

    @property
    def erases(self) -> bool:
        """Whether what it deletes must be gone from the write-ahead log too."""

    def execute(self, connection: sqlite3.Connection) -> Result_co:
        """Write, in the transaction that is open."""


@dataclass(frozen=True, slots=True)
class CreateCollection:
    """Make an empty collection; gives a `Collection`.

    Args:
        name: unique.
        text_template: see `template.check_template`.
        dimensions: of its vectors, > 0.
        fingerprint: of the model that makes them.
        created: time.
        exist_ok: give back an equal collection that is there.

    Raises:
        AlreadyExists: there is one, and it has other settings or `exist_ok` is not set.
        InvalidInput: the template is malformed.
    """

    name: str
    text_template: str
    dimensions: int
    fingerprint: str
    created: float
    exist_ok: bool = False

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = False

    def execute(self, connection: sqlite3.Connection) -> Collection:
        """Insert it, unless it is there."""
        check_template(self.text_template)
        query = SELECT_COLLECTIONS + "WHERE name = ?"
        row = connection.execute(query, (self.name,)).fetchone()
        return self._insert(connection) if row is None else self._same_as(Collection(*row))

    def _insert(self, connection: sqlite3.Connection) -> Collection:
        cursor = connection.execute(
            """
            INSERT INTO collections
                (name, text_template, dimensions, model, created, sequence, item_count)
            VALUES (?, ?, ?, ?, ?, ?, 0)
            """,
            (
                self.name,
                self.text_template,
                self.dimensions,
                model_key(connection, self.fingerprint),
                self.created,
                next_sequence(connection),
            ),
        )
        key = cursor.lastrowid or 0
        create_events_table(connection, key)
        return read_collection(connection, key)

    def _same_as(self, there: Collection) -> Collection:
        settings = ("text_template", "dimensions", "fingerprint")
        different = [name for name in settings if getattr(self, name) != getattr(there, name)]
        if different:
            name = different[0]
            raise AlreadyExists(
                f"collection {self.name!r} exists with other settings: its {name} is "
                f"{getattr(there, name)!r}, not {getattr(self, name)!r}; choose another name"
            )
        if not self.exist_ok:
            raise AlreadyExists(f"collection {self.name!r} exists; exist_ok accepts an equal one")
        return there


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """Delete a collection with its items and events; gives the number of items.

    Users of whom nothing else is known are forgotten.

    Args:
        name: of the collection.

    Raises:
        NotFound: there is none.
    """

    name: str

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = True

    def execute(self, connection: sqlite3.Connection) -> int:
        """Delete it; items and vectors follow by their foreign keys."""
        statement = "DELETE FROM collections WHERE name = ? RETURNING key, item_count"
        deleted = connection.execute(statement, (self.name,)).fetchall()
        if not deleted:
            raise NotFound("collection", self.name)
        ((key, item_count),) = deleted
        connection.execute(f"DROP TABLE {events_table(key)}")
        forget_users_without_events(connection)
        next_sequence(connection)
        return int(item_count)


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """What `DeleteItems` did.

    Attributes:
        deleted: ids of the items that were there.
        missing: how many were not.
        sequence: of the collection afterwards.
    """

    deleted: tuple[str, ...]
    missing: int
    sequence: int


@dataclass(frozen=True, slots=True)
class DeleteItems:
    """Delete items by id; gives a `DeleteResult`.

    Args:
        collection_key: of the collection.
        ids: those that are not there are counted.

    Raises:
        NotFound: the collection was deleted.
    """

    collection_key: int
    ids: tuple[str, ...]

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """One for each id."""
        return len(self.ids)

    def execute(self, connection: sqlite3.Connection) -> DeleteResult:
        """Delete those that are there; vectors follow by their foreign key."""
        collection = read_collection(connection, self.collection_key)
        wanted = dict.fromkeys(self.ids)
        statement = "DELETE FROM items WHERE collection = ? AND id IN (:values) RETURNING id"
        gone = {id_ for (id_,) in select_in(connection, statement, collection.key, wanted)}
        deleted = tuple(id_ for id_ in wanted if id_ in gone)
        missing = len(wanted) - len(deleted)
        if not deleted:
            return DeleteResult(deleted, missing, collection.sequence)
        sequence = next_sequence(connection)
        connection.execute(
            "UPDATE collections SET sequence = ?, item_count = item_count - ? WHERE key = ?",
            (sequence, len(deleted), collection.key),
        )
        return DeleteResult(deleted, missing, sequence)
