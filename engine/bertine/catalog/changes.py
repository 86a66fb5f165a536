"""Everything that can be written, one class for each change.

A change is executed by the writer in a transaction, inside a savepoint of its own: one that raises
leaves nothing behind. SQLite's errors pass through and are translated by the writer.

Those of items are in `upsert` and `expiry`, of aliases in `aliases`, of deleted collections in
`removal`, of events in `events`, of models in `reembedding`; all can be imported from here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from bertine.catalog.aliases import DeleteAlias, SetAlias, SetResult, find_collection, stands_for
from bertine.catalog.connection import select_in
from bertine.catalog.event_tables import create_events_table
from bertine.catalog.events import DeleteUser, ExpireEvents, RecordEvents, RecordResult
from bertine.catalog.expiry import PurgeExpired, PurgeResult
from bertine.catalog.guard import Guard
from bertine.catalog.reembedding import FinishReembedding, ReplaceResult, ReplaceVectors
from bertine.catalog.removal import DeleteCollection, EraseRows, FinishErasing
from bertine.catalog.rows import model_key, named_to_json, next_sequence, read_collection
from bertine.catalog.template import check_template
from bertine.catalog.upsert import Draft, StaleVectors, Upsert, UpsertResult
from bertine.catalog.versions import Expected
from bertine.errors import AlreadyExists
from bertine.index.parts import check_named
from bertine.types import Collection, NamedVector

__all__ = [
    "Change",
    "CreateCollection",
    "DeleteAlias",
    "DeleteCollection",
    "DeleteItems",
    "DeleteResult",
    "DeleteUser",
    "Draft",
    "EraseRows",
    "ExpireEvents",
    "FinishErasing",
    "FinishReembedding",
    "PurgeExpired",
    "PurgeResult",
    "RecordEvents",
    "RecordResult",
    "ReplaceResult",
    "ReplaceVectors",
    "SetAlias",
    "SetResult",
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
        dimensions: of its texts' vectors, > 0.
        fingerprint: of the model that makes them.
        created: time.
        exist_ok: give back an equal collection that is there, or that an alias of that name
            stands for.
        vectors: parts beside the text's, see `parts.check_named`.

    Raises:
        AlreadyExists: there is one, and it has other settings or `exist_ok` is not set.
        InvalidInput: the template or the named vectors are malformed.
    """

    name: str
    text_template: str
    dimensions: int
    fingerprint: str
    created: float
    exist_ok: bool = False
    vectors: tuple[NamedVector, ...] = ()

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = False

    def execute(self, connection: sqlite3.Connection) -> Collection:
        """Insert it, unless it is there."""
        check_template(self.text_template)
        check_named(self.vectors)
        name = stands_for(connection, self.name) or self.name
        there = find_collection(connection, name)
        return self._insert(connection) if there is None else self._same_as(there)

    def _insert(self, connection: sqlite3.Connection) -> Collection:
        cursor = connection.execute(
            """
            INSERT INTO collections
                (name, text_template, dimensions, model, created, sequence, item_count, vectors)
            VALUES (?, ?, ?, ?, ?, ?, 0, ?)
            """,
            (
                self.name,
                self.text_template,
                self.dimensions,
                model_key(connection, self.fingerprint),
                self.created,
                next_sequence(connection),
                named_to_json(self.vectors),
            ),
        )
        key = cursor.lastrowid or 0
        create_events_table(connection, key)
        return read_collection(connection, key)

    def _same_as(self, there: Collection) -> Collection:
        settings = ("text_template", "dimensions", "fingerprint", "vectors")
        different = [name for name in settings if getattr(self, name) != getattr(there, name)]
        alias = "" if there.name == self.name else f" as an alias of {there.name!r}"
        if different:
            name = different[0]
            raise AlreadyExists(
                f"collection {self.name!r} exists{alias} with other settings: its {name} is "
                f"{getattr(there, name)!r}, not {getattr(self, name)!r}; choose another name"
            )
        if not self.exist_ok:
            raise AlreadyExists(
                f"collection {self.name!r} exists{alias}; exist_ok accepts an equal one"
            )
        return there


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
        expected: versions that some of them must have.
        guard: what may be deleted; other items are as if they were not there. None is anything.

    Raises:
        NotFound: the collection was deleted.
        VersionMismatch: one has another version; none is deleted.
    """

    collection_key: int
    ids: tuple[str, ...]
    expected: Expected | None = None
    guard: Guard | None = None

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """One for each id."""
        return len(self.ids)

    def execute(self, connection: sqlite3.Connection) -> DeleteResult:
        """Delete those that are there; vectors follow by their foreign key."""
        collection = read_collection(connection, self.collection_key)
        hidden: frozenset[str] = frozenset()
        if self.guard is not None:
            hidden = self.guard.hidden(connection, collection.key, self.ids)
        if self.expected is not None:
            self.expected.check(connection, collection.key, hidden)
        wanted = dict.fromkeys(self.ids)
        statement = "DELETE FROM items WHERE collection = ? AND id IN (:values) RETURNING id"
        own = [id_ for id_ in wanted if id_ not in hidden]
        gone = {id_ for (id_,) in select_in(connection, statement, collection.key, own)}
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
