"""Whether a catalog is what Bertine writes: all that must hold, looked at row by row.

Everything is read in one transaction, through a connection that cannot write and takes no lock that
a server would notice: it may run beside one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from bertine.catalog.backup_manifest import contents_of
from bertine.catalog.connection import open_reading, translated
from bertine.catalog.rows import read_collection
from bertine.catalog.schema import MIGRATIONS
from bertine.catalog.store import FILE
from bertine.errors import NotFound, StorageError
from bertine.types import Collection

Report: TypeAlias = Callable[[int, int], None]
"""Told how many rows are looked at, twice: position and count."""

RESTORE = "stop the server, keep a copy of the data folder, and restore a backup: bertine restore"
SEND_AGAIN = "delete these items and send them again"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of it.
        status: a note costs space or time, and goes by itself; a problem does not.
        detail: figures, or what is wrong.
        remedy: what mends it, "" if nothing needs mending.
    """

    name: str
    status: Literal["ok", "note", "problem"]
    detail: str
    remedy: str = ""


def judged(name: str, wrong: Sequence[str], detail: str, remedy: str) -> Check:
    """A check that names the first few things that are wrong, or says that nothing is.

    Args:
        name: of what was looked at.
        wrong: one text for each thing that is wrong.
        detail: to say if nothing is.
        remedy: to give if something is.
    """
    if not wrong:
        return Check(name, "ok", detail)
    more = f" and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
    return Check(name, "problem", "; ".join(wrong[:_NAMED]) + more, remedy)


@contextmanager
def opened(data: Path) -> Iterator[sqlite3.Connection]:
    """The catalog of a data folder in a read transaction.

    Raises:
        StorageError: there is none, it cannot be read, or it is a newer Bertine's.
    """
    path = data / FILE
    if not path.is_file():
        raise StorageError(f"{data} holds no catalog; give the folder of --data of the server")
    with translated(path), closing(open_reading(path)) as connection:
        connection.execute("BEGIN")
        contents_of(connection, path)
        yield connection


def collection_of(data: Path, folder: str) -> Collection | None:
    """The collection that a folder beside the catalog is of, by the folder's name; None if none.

    Raises:
        StorageError: as `opened`.
    """
    if not folder.isdecimal():
        return None
    with opened(data) as connection:
        try:
            return read_collection(connection, int(folder))
        except NotFound:
            return None


def is_older(connection: sqlite3.Connection) -> bool:
    """Whether the next start will change the tables: what is in them cannot be judged before."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(schema < len(MIGRATIONS))


def attempt(name: str, check: Callable[[], Check]) -> Check:
    """A check, or that SQLite could not even read what it looks at."""
    try:
        return check()
    except (sqlite3.Error, StorageError) as error:
        return Check(name, "problem", f"cannot be read: {error}", RESTORE)


def check_file(connection: sqlite3.Connection) -> Check:
    """SQLite's own: pages, indexes, types, and that what is unique is unique."""
    found = [" ".join(text.split()) for (text,) in connection.execute("PRAGMA integrity_check")]
    wrong = [] if found == ["ok"] else found
    return judged("file", wrong, "pages, indexes and types are whole", RESTORE)


def check_references(connection: sqlite3.Connection) -> Check:
    """That what a row refers to is there."""
    found = connection.execute("PRAGMA foreign_key_check")
    wrong = [f"row {row} of {table} refers to no row of {to}" for table, row, to, _ in found]
    return judged("references", wrong, "every row refers to rows that are there", RESTORE)


def check_sequence(connection: sqlite3.Connection) -> Check:
    """That numbers only rise, and that no two changes have the same.

    A number that was used again would be believed by an index that was saved earlier.
    """
    wrong = [text for query in _SEQUENCES for (text,) in connection.execute(query)]
    (value,) = connection.execute("SELECT coalesce(max(value), 0) FROM sequence").fetchone()
    return judged("sequence", wrong, f"{value:,}; no change has a higher one", RESTORE)


_SEQUENCES = (
    "SELECT count(*) || ' rows in the table of the sequence' FROM sequence HAVING count(*) <> 1",
    """
    SELECT 'collection ' || name || ' has sequence ' || sequence || ' of ' || value
    FROM collections, sequence AS catalog WHERE sequence NOT BETWEEN 1 AND value
    """,
    """
    SELECT 'item ' || id || ' of ' || name || ' has version ' || version || ' of ' || sequence
    FROM items JOIN collections ON collections.key = collection
    WHERE version NOT BETWEEN 1 AND sequence
    """,
    """
    SELECT 'version ' || version || ' is of ' || count(*) || ' collections'
    FROM (SELECT DISTINCT collection, version FROM items) GROUP BY version HAVING count(*) > 1
    """,
    """
    SELECT 'a new item would get key ' || (seq + 1) || ', which was used' FROM sqlite_sequence
    WHERE name = 'items' AND seq < (SELECT max(key) FROM items)
    """,
    """
    SELECT 'a new collection would get key ' || (seq + 1) || ', which was used'
    FROM sqlite_sequence
    WHERE name = 'collections' AND seq < (SELECT max(key) FROM collections)
    """,
)


def check_collections(connection: sqlite3.Connection) -> Check:
    """That they hold as many items as they say, and no alias hides one."""
    query = """
        SELECT name, item_count, (SELECT count(*) FROM items WHERE collection = collections.key)
        FROM collections WHERE NOT deleted ORDER BY name
    """
    rows = connection.execute(query).fetchall()
    wrong = [
        f"{name} says {said:,} and holds {held:,}" for name, said, held in rows if said != held
    ]
    wrong += [text for query in _ALIASES for (text,) in connection.execute(query)]
    total = sum(held for _, _, held in rows)
    detail = f"{len(rows):,} with {total:,} items"
    (left,) = connection.execute("SELECT count(*) FROM collections WHERE deleted").fetchone()
    erased = f"; {left:,} deleted, which a server that runs erases" if left else ""
    return judged("collections", wrong, detail + erased, RESTORE)


_ALIASES = (
    """
    SELECT 'alias ' || alias || ' is a collection too' FROM aliases JOIN collections ON name = alias
    """,
    """
    SELECT 'alias ' || alias || ' stands for a deleted collection'
    FROM aliases JOIN collections ON collections.key = collection WHERE deleted
    """,
)
