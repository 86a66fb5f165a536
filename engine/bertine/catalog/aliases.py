"""Other names for collections, which can be moved from one to another while both are served."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import ClassVar

from bertine.catalog.rows import SELECT_COLLECTIONS, collection_from_row
from bertine.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from bertine.types import Alias, Collection

_SELECT = """
    SELECT alias, name FROM aliases JOIN collections ON collections.key = collection
"""


def read_aliases(connection: sqlite3.Connection) -> list[Alias]:
    """All aliases, by alias."""
    return [Alias(*row) for row in connection.execute(_SELECT + "ORDER BY alias")]


def find_collection(connection: sqlite3.Connection, name: str) -> Collection | None:
    """The collection of that name, which is no alias; None if there is none."""
    row = connection.execute(SELECT_COLLECTIONS + "AND name = ?", (name,)).fetchone()
    return None if row is None else collection_from_row(row)


def stands_for(connection: sqlite3.Connection, alias: str) -> str:
    """Name of the collection that an alias stands for, "" if there is no such alias."""
    row = connection.execute(_SELECT + "WHERE alias = ?", (alias,)).fetchone()
    return "" if row is None else str(row[1])


def refuse_if_aliased(connection: sqlite3.Connection, collection: Collection) -> None:
    """Keep a collection that others know by another name.

    Raises:
        Conflict: an alias stands for it; names them.
    """
    query = "SELECT alias FROM aliases WHERE collection = ? ORDER BY alias"
    named = [repr(alias) for (alias,) in connection.execute(query, (collection.key,))]
    if named:
        raise Conflict(
            f"collection {collection.name!r} is what {', '.join(named)} stands for; let the alias "
            "stand for another collection (SetAlias), or delete it (DeleteAlias), then try again"
        )


@dataclass(frozen=True, slots=True)
class SetResult:
    """What `SetAlias` did.

    Attributes:
        collection: that the alias stands for now.
        previous: name of the one that it stood for, "" if it is new.
    """

    collection: Collection
    previous: str


@dataclass(frozen=True, slots=True)
class SetAlias:
    """Let an alias stand for a collection; gives a `SetResult`.

    Args:
        alias: new, or one that stands for another.
        collection: its name.

    Raises:
        AlreadyExists: a collection has the alias's name.
        NotFound: there is no such collection.
        InvalidInput: the collection's name is itself an alias.
    """

    alias: str
    collection: str

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = False

    def execute(self, connection: sqlite3.Connection) -> SetResult:
        """Insert or move it."""
        if find_collection(connection, self.alias) is not None:
            raise AlreadyExists(
                f"{self.alias!r} is the name of a collection; choose another alias, or delete the "
                "collection first"
            )
        collection = self._target(connection)
        previous = stands_for(connection, self.alias)
        connection.execute(
            """
            INSERT INTO aliases (alias, collection) VALUES (?, ?)
            ON CONFLICT (alias) DO UPDATE SET collection = excluded.collection
            """,
            (self.alias, collection.key),
        )
        return SetResult(collection, previous)

    def _target(self, connection: sqlite3.Connection) -> Collection:
        collection = find_collection(connection, self.collection)
        if collection is not None:
            return collection
        target = stands_for(connection, self.collection)
        if target:
            raise InvalidInput(
                "collection", f"{self.collection!r} is itself an alias; give {target!r} instead"
            )
        raise NotFound("collection", self.collection)


@dataclass(frozen=True, slots=True)
class DeleteAlias:
    """Delete an alias; gives the name of the collection that it stood for.

    Args:
        alias: to delete.

    Raises:
        NotFound: there is no such alias.
    """

    alias: str

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = False

    def execute(self, connection: sqlite3.Connection) -> str:
        """Delete it; the collection stays."""
        collection = stands_for(connection, self.alias)
        if not collection:
            raise NotFound("alias", self.alias)
        connection.execute("DELETE FROM aliases WHERE alias = ?", (self.alias,))
        return collection
