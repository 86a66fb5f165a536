"""The tables, how an older file is brought up to date, and which files are refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from bertine.catalog.connection import open_reading, open_writing, translated
from bertine.catalog.event_tables import ADD_CONTEXT, DROP_TIMES, all_events_tables
from bertine.errors import StorageError

APPLICATION_ID = 0x42657274
"""``Bert``, in the file's header: tells a catalog from another program's database."""

OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""

_SEQUENCE = (
    """
    CREATE TABLE sequence (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        value INTEGER NOT NULL
    ) STRICT
    """,
    "INSERT INTO sequence VALUES (1, 0)",
)
_COLLECTIONS = (
    "CREATE TABLE models (key INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE) STRICT",
    # Keys are never used again: a change that waits for a deleted collection must not hit another.
    # No model: the vectors are of several, since a re-embedding has begun and not ended.
    """
    CREATE TABLE collections (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        text_template TEXT NOT NULL,
        dimensions INTEGER NOT NULL CHECK (dimensions > 0),
        model INTEGER REFERENCES models,
        created REAL NOT NULL,
        sequence INTEGER NOT NULL,
        item_count INTEGER NOT NULL CHECK (item_count >= 0)
    ) STRICT
    """,
)
_ITEMS = (
    # Vectors have a table of their own, so that what needs none does not read past them.
    # items_by_collection is for scans by key, items_by_model finds what is left to re-embed.
    """
    CREATE TABLE items (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        id TEXT NOT NULL,
        text TEXT NOT NULL,
        attributes TEXT NOT NULL,
        available_from REAL,
        available_until REAL,
        version INTEGER NOT NULL,
        model INTEGER NOT NULL REFERENCES models,
        supplied INTEGER NOT NULL CHECK (supplied IN (0, 1)),
        text_digest BLOB NOT NULL,
        content_digest BLOB NOT NULL,
        UNIQUE (collection, id)
    ) STRICT
    """,
    "CREATE INDEX items_by_collection ON items (collection)",
    "CREATE INDEX items_by_model ON items (collection, model)",
    """
    CREATE TABLE vectors (
        item INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
        data BLOB NOT NULL
    ) STRICT
    """,
)
_USERS = (
    # Only appended to and overwritten, and indexed by a part of the hash that could be anyone's:
    # see `event_tables`, which makes a table of events for each collection.
    "CREATE TABLE users (key INTEGER PRIMARY KEY, digest BLOB) STRICT",
    """
    CREATE INDEX users_by_prefix ON users (substr(digest, 1, 3)) WHERE digest IS NOT NULL
    """,
)

_EXPIRY = (
    "ALTER TABLE items ADD COLUMN expire_time REAL",
    "CREATE INDEX items_by_expiry ON items (expire_time) WHERE expire_time IS NOT NULL",
)
# Of a deleted collection that is not yet erased: its name is then one that none can have.
_REMOVAL = (
    """
    ALTER TABLE collections ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0
        CHECK (deleted IN (0, 1))
    """,
)
_ALIASES = (
    """
    CREATE TABLE aliases (
        alias TEXT PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collections
    ) STRICT
    """,
)

# Events have a context, see `event_tables`; what is learned of them counts what was erased.
_EVENTS = (
    *ADD_CONTEXT,
    "ALTER TABLE collections ADD COLUMN erasures INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE collections ADD COLUMN expiries INTEGER NOT NULL DEFAULT 0",
)
# JSON, see `rows.named_to_json`; `vectors.data` are the parts side by side, each unit or zeros.
_NAMED_VECTORS = ("ALTER TABLE collections ADD COLUMN vectors TEXT NOT NULL DEFAULT '[]'",)

MIGRATIONS: tuple[Sequence[str], ...] = (
    (*_SEQUENCE, *_COLLECTIONS, *_ITEMS, *_USERS),
    (*_EXPIRY, *_REMOVAL, *_ALIASES),
    (*_EVENTS, *_NAMED_VECTORS),
    DROP_TIMES,
)
"""Statements that lead from version n to n + 1, at position n. Only ever appended to.

Those with ``{table}`` are executed for each collection's table of events."""

_CHECKED = ("sequence", "models", "collections", "aliases")


def prepare(path: Path) -> None:
    """Make the catalog's file, or check and migrate the one that is there.

    Looked at is what costs the same for every size: the header, the file's length against it and
    the schema (by SQLite, at the first read), and the small tables whole. A damaged page of a big
    table is found when it is read; to look for one would be to read the whole file at each start.

    Raises:
        StorageError: not a catalog, damaged, not writable, or made by a newer Bertine; such a file
            is left as it is.
    """
    _check_library()
    if path.exists() and path.stat().st_size > 0:
        _check_origin(path)
    connection = open_writing(path)
    try:
        with translated(path):
            _migrate(connection)
            _check_small_tables(connection, path)
    finally:
        connection.close()


def _check_library() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise StorageError(
            f"this Python has SQLite {sqlite3.sqlite_version}; Bertine needs {oldest} or newer"
        )


def _check_origin(path: Path) -> None:
    """Refuse files of other programs and of the future, through a connection that cannot write."""
    connection = open_reading(path)
    try:
        with translated(path):
            version = _pragma(connection, "user_version")
            application = _pragma(connection, "application_id")
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    finally:
        connection.close()
    if tables and application != APPLICATION_ID:
        raise StorageError(f"{path} is another program's; give Bertine a data folder of its own")
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path} has schema version {version}, this Bertine knows {len(MIGRATIONS)} at most; "
            "run the newer Bertine that wrote it"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, all or nothing; also shows that the file can be written."""
    connection.execute("BEGIN IMMEDIATE")
    version = _pragma(connection, "user_version")
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            _apply(connection, statement)
    if version < len(MIGRATIONS):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _apply(connection: sqlite3.Connection, statement: str) -> None:
    tables = all_events_tables(connection) if "{table}" in statement else [""]
    for table in tables:
        connection.execute(statement.replace("{table}", table))


def _check_small_tables(connection: sqlite3.Connection, path: Path) -> None:
    for table in _CHECKED:
        (report,) = connection.execute(f"PRAGMA quick_check({table})").fetchone()
        if report != "ok":
            raise StorageError(
                f"{path} is damaged ({report}); stop the server, keep a copy of the data folder, "
                "and restore a backup"
            )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
