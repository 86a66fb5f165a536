"""Opening a catalog, and everything that is read from it, by any number of threads at once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bertine.catalog.aliases import read_aliases
from bertine.catalog.connection import ReadingPool, open_writing, select_in
from bertine.catalog.event_arrays import EventArrays, Mark, read_events, read_mark
from bertine.catalog.event_tables import latest_events, oldest_events
from bertine.catalog.expiry import has_expired
from bertine.catalog.folder import FolderLock, flush_folder, make_folder
from bertine.catalog.removal import next_to_erase
from bertine.catalog.rows import (
    ITEM_COLUMNS,
    OF_COLLECTION,
    SELECT_COLLECTIONS,
    collection_from_row,
    item_from_row,
    read_named,
    select_items,
)
from bertine.catalog.schema import prepare
from bertine.catalog.snapshot import Snapshot
from bertine.catalog.version_pages import version_pages
from bertine.errors import NotFound
from bertine.types import Alias, Collection, Event, Item, Versions

FILE = "catalog.sqlite3"
_NAMES_IN_HINT = 10


@dataclass(frozen=True, slots=True)
class Existing:
    """What must be known of a stored item to tell what a new version of it needs.

    Attributes:
        text_digest: see `digest.text_digest`; if it and the fingerprint stay, so does the vector.
        content_digest: see `digest.content_digest`; if it stays too, there is nothing to do.
        fingerprint: of the model that made the vector.
        version: see `Item.version`; 0 if it has expired.
    """

    text_digest: bytes
    content_digest: bytes
    fingerprint: str
    version: int


@dataclass(frozen=True, slots=True)
class Outdated:
    """An item whose vector another model made.

    Attributes:
        item: without its vector; `Item.version` says which version of it this is.
        supplied: the client gave the vector, so the text may be no substitute for it.
    """

    item: Item
    supplied: bool


class Store:
    """A catalog that is open; made by `open`, closed by `close` or a ``with`` statement.

    All methods may be called by any thread. They raise `StorageError` if the file cannot be read
    and `Unavailable` once the store is closed. Reading a collection that was deleted finds nothing.

    Attributes:
        folder: the data folder.
        path: of the SQLite file in it.
    """

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._lock = lock
        self._pool = ReadingPool(self.path)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the catalog of a data folder, both made if need be, and lock the folder.

        Raises:
            StorageError: another process has it, it cannot be written, or the file in it is not a
                catalog, damaged, or made by a newer Bertine.
        """
        make_folder(folder)
        lock = FolderLock(folder)
        try:
            prepare(folder / FILE)
            flush_folder(folder)
            flush_folder(folder.absolute().parent)
        except BaseException:
            lock.release()
            raise
        return cls(folder, lock)

    def close(self) -> None:
        """Close the connections and release the folder, after the writer was closed."""
        self._pool.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def open_writing(self) -> sqlite3.Connection:
        """A connection for the writer, of which there is one.

        Raises:
            StorageError: the file cannot be written.
        """
        return open_writing(self.path)

    def collections(self) -> list[Collection]:
        """All collections, by name."""
        with self._pool.reading() as connection:
            rows = connection.execute(SELECT_COLLECTIONS + "ORDER BY name")
            return [collection_from_row(row) for row in rows]

    def collection(self, name: str) -> Collection:
        """The collection of that name.

        Its fingerprint is "", unlike any model's, while its vectors are of several models: after a
        re-embedding has begun and before it has ended.

        Raises:
            NotFound: there is none; the message names those there are.
        """
        with self._pool.reading() as connection:
            rows = connection.execute(SELECT_COLLECTIONS + "AND name = ?", (name,)).fetchall()
        if not rows:
            raise NotFound("collection", name, self._hint())
        return collection_from_row(rows[0])

    def existing(self, key: int, ids: Iterable[str]) -> dict[str, Existing]:
        """Digests of those of the items that are stored."""
        query = f"""
            SELECT id, text_digest, content_digest, fingerprint, version, expire_time
            FROM items JOIN models ON models.key = model WHERE {OF_COLLECTION} AND id IN (:values)
        """  # noqa: S608 (fixed)
        now = time.time()
        with self._pool.reading() as connection:
            rows = select_in(connection, query, key, ids)
            return {
                id_: Existing(text, content, model, version if end is None or end > now else 0)
                for id_, text, content, model, version, end in rows
            }

    def get_items(self, key: int, ids: Iterable[str], *, with_vectors: bool) -> dict[str, Item]:
        """Those of the items that are stored and have not expired, by id."""
        query = select_items(with_vectors=with_vectors)
        query += f"WHERE {OF_COLLECTION} AND id IN (:values)"
        now = time.time()
        with self._pool.reading() as connection:
            named = read_named(connection, key) if with_vectors else ()
            rows = select_in(connection, query, key, ids)
            found = (item_from_row(row, named) for row in rows)
            return {
                item.id: item for item in found if (end := item.expire_time) is None or end > now
            }

    def list_items(self, key: int, after_id: str, limit: int, *, with_vectors: bool) -> list[Item]:
        """The next items that have not expired by ascending id, in the order of code points.

        Args:
            key: of the collection.
            after_id: the last id of the page before; "" for the first page.
            limit: at most so many.
            with_vectors: whether to read the vectors too.
        """
        query = select_items(with_vectors=with_vectors)
        query += f"""
            WHERE {OF_COLLECTION} AND id > ? AND (expire_time IS NULL OR expire_time > ?)
            ORDER BY id LIMIT ?
        """
        with self._pool.reading() as connection:
            named = read_named(connection, key) if with_vectors else ()
            rows = connection.execute(query, (key, after_id, time.time(), limit))
            return [item_from_row(row, named) for row in rows]

    def versions(self, key: int) -> dict[str, int]:
        """The version of every item; those that have expired are there until they are purged."""
        found: dict[str, int] = {}
        for ids, versions in self.version_pages(key):
            found.update(zip(ids, versions.tolist(), strict=True))
        return found

    def version_pages(self, key: int) -> Versions:
        """As `versions`, a page at a time."""
        with self._pool.reading() as connection:
            yield from version_pages(connection, key)

    def texts(self, key: int) -> dict[str, str]:
        """What was encoded of every item that has a text, by id; of an unknown collection none."""
        query = f"SELECT id, text FROM items WHERE {OF_COLLECTION} AND text <> ''"  # noqa: S608 (fixed)
        with self._pool.reading() as connection:
            return dict(connection.execute(query, (key,)))

    @contextmanager
    def snapshot(self, key: int) -> Iterator[Snapshot]:
        """A collection as it is now, to read while others write.

        As long as it is open the write-ahead log grows with what is written: keep it short.

        Raises:
            NotFound: the collection was deleted.
        """
        with self._pool.reading() as connection:
            yield Snapshot(connection, key)

    def scan(self, key: int, batch: int = 4096) -> Iterator[list[Item]]:
        """All items of one state of a collection, with vectors; see `Snapshot.batches`.

        Raises:
            NotFound: the collection was deleted; at the first step.
        """
        with self.snapshot(key) as snapshot:
            yield from snapshot.batches(batch)

    def user_events(self, key: int, user: bytes, limit: int, without: str = "") -> list[Event]:
        """A user's latest events in a collection, oldest first.

        Args:
            key: of the collection.
            user: see `privacy.UserKey.digest`.
            limit: at most so many.
            without: an event type that is left out, before the limit counts; "" is none.
        """
        with self._pool.reading() as connection:
            return latest_events(connection, key, user, limit, without)

    def events_mark(self, key: int) -> Mark | None:
        """Which state a collection's events have; None if the collection was deleted."""
        with self._pool.reading() as connection:
            return read_mark(connection, key)

    def event_arrays(self, key: int) -> EventArrays | None:
        """All events of a collection; None if the collection was deleted."""
        with self._pool.reading() as connection:
            return read_events(connection, key)

    def oldest_events(
        self, key: int, after: int, limit: int
    ) -> list[tuple[int, float | None, int]]:
        """See `event_tables.oldest_events`; nothing of a collection that was deleted."""
        with self._pool.reading() as connection:
            there = read_mark(connection, key) is not None
            return oldest_events(connection, key, after, limit) if there else []

    def aliases(self) -> list[Alias]:
        """All aliases, by alias."""
        with self._pool.reading() as connection:
            return read_aliases(connection)

    def has_expired(self, until: float) -> bool:
        """Whether there are items to purge, see `expiry.PurgeExpired`."""
        with self._pool.reading() as connection:
            return has_expired(connection, until)

    def next_to_erase(self) -> int | None:
        """Key of a deleted collection that is not yet erased, see `removal.EraseRows`."""
        with self._pool.reading() as connection:
            return next_to_erase(connection)

    def items_with_other_fingerprint(
        self, key: int, fingerprint: str, limit: int
    ) -> list[Outdated]:
        """Items whose vectors another model made; those that were replaced are not found again.

        Args:
            key: of the collection.
            fingerprint: of the model that all vectors should be of.
            limit: at most so many.
        """
        query = f"""
            SELECT {ITEM_COLUMNS}, NULL, supplied FROM items WHERE collection = ?
            AND model IN (SELECT key FROM models WHERE fingerprint <> ?) LIMIT ?
        """  # noqa: S608 (fixed)
        with self._pool.reading() as connection:
            rows = connection.execute(query, (key, fingerprint, limit))
            return [Outdated(item_from_row(row[:-1]), bool(row[-1])) for row in rows]

    def _hint(self) -> str:
        names = [collection.name for collection in self.collections()]
        if not names:
            return "there is none yet: create it with CreateCollection"
        more = ", …" if len(names) > _NAMES_IN_HINT else ""
        return f"there are: {', '.join(names[:_NAMES_IN_HINT])}{more}"
