"""The tables of events, laid out so that a user can be erased from them to the last byte.

``secure_delete`` overwrites what is deleted, but when SQLite splits or merges pages it moves rows
and leaves copies in the unused parts of pages, where nothing overwrites them. So the tables that
hold what a user did are only ever appended to, which moves no row, and a row is erased by setting
all its columns to NULL, which overwrites it where it lies. Indexes do move their entries: they
hold only numbers, three bytes of a user's hash, and digests of event ids.

Each collection has an events table of its own: to drop it gives its pages back, overwritten,
without moving the rows of others. That takes as long as the table is large, so a deleted
collection's is first erased row by row and then emptied, a few rows at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from bertine.catalog.rows import event_from_row
from bertine.types import Event

COLUMNS = (
    "id_digest, user, event_id, item_id, event_type, time, weight, sequence, "
    "session, place, device, utc_offset, recommendation_id"
)

EVENT_COLUMNS = (
    "item_id, event_type, time, event_id, weight, "
    "session, place, device, utc_offset, recommendation_id"
)
"""Of a `bertine.types.Event`, but for its user."""

NULLS = ", ".join(f"{column} = NULL" for column in COLUMNS.split(", "))
"""What erases a row where it lies."""

PLACEHOLDERS = ", ".join("?" * len(COLUMNS.split(", ")))

ADD_CONTEXT = (
    "ALTER TABLE {table} ADD COLUMN session BLOB",
    "ALTER TABLE {table} ADD COLUMN place TEXT",
    "ALTER TABLE {table} ADD COLUMN device TEXT",
    "ALTER TABLE {table} ADD COLUMN utc_offset INTEGER",
    "ALTER TABLE {table} ADD COLUMN recommendation_id TEXT",
    "CREATE INDEX {table}_by_time ON {table} (time) WHERE time IS NOT NULL",
)
"""What brings a table of schema version 2 to version 3."""

DROP_TIMES = ("DROP INDEX {table}_by_time",)
"""What brings a table of schema version 3 up to date: see `event_ages`."""

BLOCK = 256
"""Rows that are expired in one change, and whose earliest time is known together."""

FIND_USER = "SELECT key FROM users WHERE substr(digest, 1, 3) = substr(?1, 1, 3) AND digest = ?1"


def events_table(collection_key: int) -> str:
    """Name of a collection's table of events."""
    return f"events_{collection_key}"


def create_events_table(connection: sqlite3.Connection, collection_key: int) -> None:
    """Make a new collection's table of events."""
    table = events_table(collection_key)
    connection.execute(
        f"""
        CREATE TABLE {table} (
            key INTEGER PRIMARY KEY,
            id_digest BLOB,
            user INTEGER,
            event_id TEXT,
            item_id TEXT,
            event_type TEXT,
            time REAL,
            weight REAL,
            sequence INTEGER,
            session BLOB,
            place TEXT,
            device TEXT,
            utc_offset INTEGER,
            recommendation_id TEXT
        ) STRICT
        """
    )
    connection.execute(
        f"CREATE UNIQUE INDEX {table}_by_id ON {table} (id_digest) WHERE id_digest IS NOT NULL"
    )
    connection.execute(
        f"CREATE INDEX {table}_by_user ON {table} (user, time) WHERE user IS NOT NULL"
    )


def all_events_tables(connection: sqlite3.Connection) -> list[str]:
    """Names of the tables of events of all collections, those being erased included."""
    return [events_table(key) for (key,) in connection.execute("SELECT key FROM collections")]


def find_user(connection: sqlite3.Connection, digest: bytes) -> int | None:
    """The number that stands for a user, None if nothing of the user's is stored.

    A user who has not come since a key was changed is found by the hash of a former key.

    Args:
        connection: to the catalog.
        digest: may be a `privacy.Digest`, which knows those of former keys.
    """
    for known in (digest, *getattr(digest, "former", ())):
        row = connection.execute(FIND_USER, (bytes(known),)).fetchone()
        if row is not None:
            return int(row[0])
    return None


def latest_events(
    connection: sqlite3.Connection,
    collection_key: int,
    digest: bytes,
    limit: int,
    without: str = "",
) -> list[Event]:
    """A user's latest events in a collection, oldest first; those of one time as they arrived.

    Args:
        connection: to the catalog.
        collection_key: of the collection.
        digest: of the user; one who has not come since a key was changed is found by a former key
            and, since nothing is written here, goes on to be.
        limit: at most so many.
        without: an event type that is left out, before the limit counts; "" is none.
    """
    user = find_user(connection, digest)
    table = events_table(collection_key)
    there = "SELECT 1 FROM collections WHERE key = ? AND NOT deleted"
    if user is None or connection.execute(there, (collection_key,)).fetchone() is None:
        return []
    query = f"""
        SELECT {EVENT_COLUMNS} FROM {table}
        WHERE user = ? AND event_type <> ? ORDER BY time DESC, key DESC LIMIT ?
    """  # noqa: S608 (the table's name has only a number that varies)
    rows = connection.execute(query, (user, without, limit)).fetchall()
    return [event_from_row(digest, row) for row in reversed(rows)]


def oldest_events(
    connection: sqlite3.Connection, collection_key: int, after: int, limit: int
) -> list[tuple[int, float | None, int]]:
    """The earliest time in each block of rows, erased rows left out; reads only what it must.

    Args:
        connection: to the catalog.
        collection_key: of the collection.
        after: key of a row; those that follow are read.
        limit: at most so many rows.

    Returns:
        For each block, its number, the earliest time of the rows read, None if all are erased, and
        the key of the last of them.
    """
    query = f"""
        SELECT (key - 1) / {BLOCK} AS block, min(time), max(key) FROM (
            SELECT key, time FROM {events_table(collection_key)}
            WHERE key > ? ORDER BY key LIMIT ?
        ) GROUP BY block ORDER BY block
    """  # noqa: S608 (the same)
    return connection.execute(query, (after, limit)).fetchall()


def expire_events(
    connection: sqlite3.Connection, collection_key: int, block: int, until: float
) -> int:
    """Overwrite those events of a block of rows that are not after `until`, see `erase_events`."""
    table = events_table(collection_key)
    query = f"SELECT key, user FROM {table} WHERE key > ? AND key <= ? AND time <= ?"  # noqa: S608 (the same)
    bounds = block * BLOCK, (block + 1) * BLOCK
    return _erase(connection, table, connection.execute(query, (*bounds, until)).fetchall())


def erase_events(connection: sqlite3.Connection, collection_key: int, limit: int) -> int:
    """Overwrite some events of a collection, and the hashes of users of whom nothing is left.

    Args:
        connection: to the catalog, in a transaction.
        collection_key: of the collection.
        limit: at most so many.

    Returns:
        How many events; 0 when none are left.
    """
    table = events_table(collection_key)
    # By the index, which holds no row that is erased: the table may begin with many.
    query = f"""
        SELECT key, user FROM {table} INDEXED BY {table}_by_user WHERE user IS NOT NULL LIMIT ?
    """  # noqa: S608 (the same)
    return _erase(connection, table, connection.execute(query, (limit,)).fetchall())


def _erase(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[int, int]]) -> int:
    connection.executemany(
        f"UPDATE {table} SET {NULLS} WHERE key = ?",  # noqa: S608 (the same)
        [(key,) for key, _ in rows],
    )
    _forget_users_without_events(connection, {user for _, user in rows})
    return len(rows)


def _forget_users_without_events(connection: sqlite3.Connection, users: Iterable[int]) -> None:
    known = " ".join(
        f"AND NOT EXISTS (SELECT 1 FROM {table} WHERE user = users.key)"  # noqa: S608 (the same)
        for table in all_events_tables(connection)
    )
    connection.executemany(
        f"UPDATE users SET digest = NULL WHERE key = ? {known}",  # noqa: S608 (the same)
        [(user,) for user in users],
    )


def empty_events(connection: sqlite3.Connection, collection_key: int, limit: int) -> int:
    """Give back the pages of some erased events: rows of which nothing is left may move.

    Returns:
        How many rows; 0 when none are left.
    """
    table = events_table(collection_key)
    statement = f"""
        DELETE FROM {table} WHERE key IN (SELECT key FROM {table} ORDER BY key DESC LIMIT ?)
    """  # noqa: S608 (the same)
    return connection.execute(statement, (limit,)).rowcount
