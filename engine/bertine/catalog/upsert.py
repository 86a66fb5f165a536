"""Inserting and replacing items."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from bertine.catalog.connection import select_in
from bertine.catalog.digest import content_digest, text_digest
from bertine.catalog.guard import Guard, check_replacing
from bertine.catalog.rows import (
    attributes_to_json,
    model_key,
    next_sequence,
    read_collection,
    vector_from_bytes,
    vector_to_bytes,
)
from bertine.catalog.versions import Expected
from bertine.errors import Conflict, InvalidInput
from bertine.index.parts import parts_of, split
from bertine.types import Collection, Item, Vector

_NAMED = 3


class StaleVectors(Conflict):
    """Items that were to keep the vector they have, but have none that fits any more.

    Another writer changed or deleted them since they were looked up: encode them and try again.

    Args:
        ids: of those items.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        named = ", ".join(repr(id_) for id_ in ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
        super().__init__(f"{len(ids)} items were changed by another writer meanwhile: {named}")
        self.ids = tuple(ids)


@dataclass(frozen=True, slots=True)
class Draft:
    """An item on its way into the catalog.

    Attributes:
        item: its vector is the text's one to store, or None to keep the one that is there. Its
            named vectors are those to store, whatever is there.
        text_digest: see `digest.text_digest`.
        content_digest: see `digest.content_digest`.
        supplied: the client gave the vector.
    """

    item: Item
    text_digest: bytes
    content_digest: bytes
    supplied: bool

    @classmethod
    def of(cls, item: Item) -> Draft:
        """Of an item as the client gave it, its vector None unless the client gave one.

        Raises:
            InvalidInput: the text or an attribute is not Unicode.
        """
        return cls(item, text_digest(item), content_digest(item), item.vector is not None)

    @property
    def has_text_part(self) -> bool:
        """Whether it is of more than named vectors."""
        return self.supplied or bool(self.item.text) or not self.item.vectors

    def with_vector(self, vector: Vector | None) -> Draft:
        """The same with the vector that a model made, or None to keep the one that is there."""
        return replace(self, item=replace(self.item, vector=vector))


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """What `Upsert` did.

    Attributes:
        inserted: how many items are new.
        updated: how many were replaced.
        unchanged: how many were there already.
        sequence: of the collection afterwards.
        changed: the new and the replaced ones as they are stored, with vectors and versions.
    """

    inserted: int
    updated: int
    unchanged: int
    sequence: int
    changed: tuple[Item, ...]


class _Stored(NamedTuple):
    key: int
    text_digest: bytes
    content_digest: bytes
    current: bool  # its vector is of the collection's model


@dataclass(frozen=True, slots=True)
class Upsert:
    """Insert items, or replace those of the same id, all or nothing; gives an `UpsertResult`.

    Args:
        collection_key: of the collection.
        drafts: no id twice.
        fingerprint: of the model that made the vectors.
        expected: versions that items must have; also of items that are not among the drafts.
        guard: what may be replaced; None is anything.

    Raises:
        NotFound: the collection was deleted.
        PermissionDenied: an item is there that may not be replaced.
        VersionMismatch: an item has another version.
        Conflict: the collection's vectors are of another model.
        StaleVectors: a vector is to be kept that is not there, or was made from another text.
        InvalidInput: an id is given twice, a vector has the wrong dimensions, a number is not
            finite.
    """

    collection_key: int
    drafts: Sequence[Draft]
    fingerprint: str
    expected: Expected | None = None
    guard: Guard | None = None

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """One for each item."""
        return len(self.drafts)

    def execute(self, connection: sqlite3.Connection) -> UpsertResult:
        """Write what has changed."""
        collection = read_collection(connection, self.collection_key)
        self._check(collection)
        ids = [draft.item.id for draft in self.drafts]
        check_replacing(connection, collection.key, ids, self.expected, self.guard)
        stored = self._stored(connection)
        changed = [draft for draft in self.drafts if not _same(draft, stored.get(draft.item.id))]
        stale = [draft.item.id for draft in changed if _stale(draft, stored.get(draft.item.id))]
        if stale:
            raise StaleVectors(stale)
        unchanged = len(self.drafts) - len(changed)
        if not changed:
            return UpsertResult(0, 0, unchanged, collection.sequence, ())
        sequence = next_sequence(connection)
        items = self._write(connection, changed, stored, sequence, collection)
        updated = sum(draft.item.id in stored for draft in changed)
        inserted = len(changed) - updated
        connection.execute(
            "UPDATE collections SET sequence = ?, item_count = item_count + ? WHERE key = ?",
            (sequence, inserted, collection.key),
        )
        return UpsertResult(inserted, updated, unchanged, sequence, items)

    def _check(self, collection: Collection) -> None:
        if self.fingerprint != collection.fingerprint:
            raise Conflict(
                f"the vectors of collection {collection.name!r} are of model "
                f"{collection.fingerprint or '(several)'}, these of {self.fingerprint}; "
                "re-embed the collection first"
            )
        counts = Counter(draft.item.id for draft in self.drafts)
        id_, count = counts.most_common(1)[0] if counts else ("", 0)
        if count > 1:
            raise InvalidInput("items", f"id {id_!r} is given {count} times; give it once")
        parts = parts_of(collection)
        for position, draft in enumerate(self.drafts):
            _check_shape(position, draft.item.vector, collection.dimensions)
            parts.check(draft.item.vectors, f"items[{position}].vectors")

    def _stored(self, connection: sqlite3.Connection) -> dict[str, _Stored]:
        query = """
            SELECT id, items.key, text_digest, content_digest, items.model = collections.model
            FROM items JOIN collections ON collections.key = collection
            WHERE collection = ? AND id IN (:values)
        """
        ids = [draft.item.id for draft in self.drafts]
        rows = select_in(connection, query, self.collection_key, ids)
        return {id_: _Stored(*rest) for id_, *rest in rows}

    def _write(
        self,
        connection: sqlite3.Connection,
        changed: list[Draft],
        stored: dict[str, _Stored],
        sequence: int,
        collection: Collection,
    ) -> tuple[Item, ...]:
        """Returns the items as they are stored."""
        complete = self._with_kept(connection, changed, collection)
        parts = parts_of(collection)
        new_key = _last_key(connection)
        model = model_key(connection, self.fingerprint)
        rows, vectors = [], []
        for given, draft in zip(changed, complete, strict=True):
            there = stored.get(draft.item.id)
            key = there.key if there else (new_key := new_key + 1)
            rows.append((key, self.collection_key, sequence, model, *_columns(draft)))
            if given.item.vector is not None or collection.vectors:
                whole = parts.join(draft.item.vector, draft.item.vectors)
                vectors.append((key, vector_to_bytes(whole)))
        connection.executemany(_WRITE_ITEM, rows)
        connection.executemany(_WRITE_VECTOR, vectors)
        return tuple(replace(draft.item, version=sequence) for draft in complete)

    def _with_kept(
        self, connection: sqlite3.Connection, changed: list[Draft], collection: Collection
    ) -> list[Draft]:
        """The drafts with the vectors of their texts, also those that are there already."""
        query = """
            SELECT id, data FROM items JOIN vectors ON item = items.key
            WHERE collection = ? AND id IN (:values)
        """
        ids = [d.item.id for d in changed if d.item.vector is None and d.has_text_part]
        kept = {
            id_: split(vector_from_bytes(data), collection.vectors)[0]
            for id_, data in select_in(connection, query, self.collection_key, ids)
        }
        return [
            draft.with_vector(kept[draft.item.id]) if draft.item.id in kept else draft
            for draft in changed
        ]


_WRITE_ITEM = """
    INSERT INTO items (
        key, collection, version, model, id, text, attributes, available_from, available_until,
        expire_time, supplied, text_digest, content_digest
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET
        version = excluded.version,
        model = excluded.model,
        text = excluded.text,
        attributes = excluded.attributes,
        available_from = excluded.available_from,
        available_until = excluded.available_until,
        expire_time = excluded.expire_time,
        supplied = excluded.supplied,
        text_digest = excluded.text_digest,
        content_digest = excluded.content_digest
"""
_WRITE_VECTOR = """
    INSERT INTO vectors (item, data) VALUES (?, ?)
    ON CONFLICT (item) DO UPDATE SET data = excluded.data
"""


def _same(draft: Draft, there: _Stored | None) -> bool:
    """Nothing to do: the client gives what is stored, and its vector is of the right model."""
    return bool(there and there.current and there.content_digest == draft.content_digest)


def _stale(draft: Draft, there: _Stored | None) -> bool:
    """To keep its vector, but none is there that was made from this text by this model."""
    if draft.item.vector is not None or not draft.has_text_part:
        return False
    return not (there and there.current and there.text_digest == draft.text_digest)


def _check_shape(position: int, vector: Vector | None, dimensions: int) -> None:
    if vector is not None and vector.shape != (dimensions,):
        raise InvalidInput(
            f"items[{position}].vector",
            f"has shape {vector.shape}; this collection's vectors have shape ({dimensions},)",
        )


def _last_key(connection: sqlite3.Connection) -> int:
    """The highest key that any item ever had."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    return int(row[0]) if row else 0


def _columns(draft: Draft) -> tuple[str | float | bytes | None, ...]:
    item = draft.item
    return (
        item.id,
        item.text,
        attributes_to_json(item.attributes),
        item.available_from,
        item.available_until,
        item.expire_time,
        int(draft.supplied),
        draft.text_digest,
        draft.content_digest,
    )
