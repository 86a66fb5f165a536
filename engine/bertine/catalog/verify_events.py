"""Whether events and users are whole, or erased to the last column."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bertine.catalog.digest import event_digest
from bertine.catalog.event_tables import all_events_tables
from bertine.catalog.former_keys import FORMER_FILE, read_former
from bertine.catalog.privacy import KEY_FILE, KEY_SIZE
from bertine.catalog.verify import RESTORE, Check, judged
from bertine.errors import InvalidInput, StorageError

_DIGEST_SIZE = 32
_WRITTEN = ("id_digest", "user", "event_id", "item_id", "event_type", "time", "sequence")


def check_events(connection: sqlite3.Connection) -> Check:
    """That each collection has a table of events, and each event is whole, in order, and a user's.

    An item that an event tells of need not exist.
    """
    expected = set(all_events_tables(connection))
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'events_[0-9]*'"
    there = {name for (name,) in connection.execute(query)}
    wrong = [f"{name} is of no collection" for name in sorted(there - expected)]
    wrong += [f"{name} is missing" for name in sorted(expected - there)]
    count = 0
    for table in sorted(expected & there):
        (events,) = connection.execute(_of(_COUNT, table)).fetchone()
        count += events
        wrong += _wrong_rows(connection, table)
    return judged("events", wrong, f"{count:,} are whole and of collections that exist", RESTORE)


def _wrong_rows(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    for query in _EVENTS:
        for (text,) in connection.execute(_of(query, table)):
            yield f"{table}: {text}"
    query = "SELECT key, event_id, id_digest FROM :table WHERE event_id IS NOT NULL"
    for key, event_id, digest in connection.execute(_of(query, table)):
        if not _is_digest(digest, event_id):
            yield f"{table}: event {key} is not what its digest says"


def _is_digest(digest: bytes, event_id: str) -> bool:
    try:
        return digest == event_digest(event_id)
    except InvalidInput:
        return False


def _of(query: str, table: str) -> str:
    return query.replace(":table", table)


_COUNT = "SELECT count(*) FROM :table WHERE id_digest IS NOT NULL"
_OPTIONAL = ("weight", "session", "place", "device", "utc_offset", "recommendation_id")
_ERASED = " AND ".join(f"{column} IS NULL" for column in _OPTIONAL)
_NULLS = " + ".join(f"({column} IS NULL)" for column in _WRITTEN)
_EVENTS = (
    f"""
    SELECT 'event ' || key || ' is erased in part' FROM :table
    WHERE {_NULLS} NOT IN (0, {len(_WRITTEN)}) OR (user IS NULL AND NOT ({_ERASED}))
    """,  # noqa: S608 (names of columns)
    """
    SELECT 'event ' || key || ' is of no user' FROM :table AS events WHERE user IS NOT NULL AND
    NOT EXISTS (SELECT 1 FROM users WHERE users.key = events.user AND digest IS NOT NULL)
    """,
    """
    SELECT 'event ' || key || ' has sequence ' || sequence || ' of ' || value
    FROM :table, sequence AS catalog WHERE sequence NOT BETWEEN 1 AND value
    """,
    """
    SELECT 'event ' || key || ' has a lower sequence than the one before' FROM (
        SELECT key, sequence, lag(sequence) OVER (ORDER BY key) AS before
        FROM :table WHERE sequence IS NOT NULL
    ) WHERE sequence < before
    """,
)


def check_users(connection: sqlite3.Connection, data: Path) -> Check:
    """That users are known by one hash each, and that the keys of the hashes are whole."""
    wrong = [text for query in _USERS for (text,) in connection.execute(query)]
    query = "SELECT count(*) FROM users WHERE digest IS NOT NULL"
    (count,) = connection.execute(query).fetchone()
    key = data / KEY_FILE
    size = key.stat().st_size if key.exists() else 0
    if size != KEY_SIZE and (count or size):
        wrong.append(f"{key} has {size} bytes, not {KEY_SIZE}: nobody's events can be found")
    wrong += _wrong_former_keys(data)
    return judged("users", wrong, f"{count:,} are known by a hash", RESTORE)


def _wrong_former_keys(data: Path) -> list[str]:
    """What is wrong with the keys that were replaced; never a key itself."""
    try:
        keys = read_former(data)
    except StorageError as error:
        return [error.message]
    path = data / FORMER_FILE
    return [
        f"line {line} of {path} has {len(key.secret)} bytes, not {KEY_SIZE}"
        for line, key in enumerate(keys, 1)
        if len(key.secret) != KEY_SIZE
    ]


_USERS = (
    f"""
    SELECT 'user ' || key || ' has a hash of ' || length(digest) || ' bytes' FROM users
    WHERE digest IS NOT NULL AND length(digest) <> {_DIGEST_SIZE}
    """,  # noqa: S608 (a number)
    """
    SELECT 'user ' || min(key) || ' is there ' || count(*) || ' times' FROM users
    WHERE digest IS NOT NULL GROUP BY digest HAVING count(*) > 1
    """,
)
