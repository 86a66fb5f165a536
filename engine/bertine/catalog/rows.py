"""Rows <-> the domain's types."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from bertine.errors import InvalidInput, NotFound, StorageError
from bertine.index.parts import split
from bertine.types import Attribute, Collection, Event, Item, NamedVector, Vector

_decode = json.JSONDecoder().raw_decode
"""`json.loads` without its search for white space: half the time of a short text."""

ItemRow: TypeAlias = tuple[
    str, str, str, float | None, float | None, int, float | None, bytes | None
]
"""id, text, attributes, available_from, available_until, version, expire_time, data."""

ITEM_COLUMNS = "id, text, attributes, available_from, available_until, version, expire_time"
"""Of an `ItemRow`, but for its vector."""

OF_COLLECTION = "collection = (SELECT key FROM collections WHERE key = ? AND NOT deleted)"
"""A condition that no item of a deleted collection fulfils, though it may not yet be erased."""

SELECT_ITEMS = f"SELECT {ITEM_COLUMNS}, NULL FROM items "  # noqa: S608 (fixed)
SELECT_ITEMS_WITH_VECTORS = f"""
    SELECT {ITEM_COLUMNS}, data FROM items JOIN vectors ON item = items.key
"""  # noqa: S608 (fixed)
SELECT_COLLECTIONS = """
    SELECT collections.key, name, text_template, dimensions, coalesce(fingerprint, ''), created,
        sequence, item_count, vectors
    FROM collections LEFT JOIN models ON models.key = model
    WHERE NOT deleted
"""
"""Of collections that are not deleted; further conditions begin with AND."""


def select_items(*, with_vectors: bool) -> str:
    """A query for `ItemRow`s, up to its WHERE."""
    return SELECT_ITEMS_WITH_VECTORS if with_vectors else SELECT_ITEMS


def item_from_row(row: ItemRow, named: Sequence[NamedVector] = ()) -> Item:
    """An item as it is stored.

    Args:
        row: of the table.
        named: vectors of its collection, to tell the parts of its vector.

    Raises:
        StorageError: what is stored cannot have been written by `attributes_to_json`.
    """
    id_, text, attributes, available_from, available_until, version, expire_time, data = row
    vector, vectors = (None, {}) if data is None else split(vector_from_bytes(data), named)
    return Item(
        id_,
        text,
        attributes_from_json(attributes),
        vector,
        available_from,
        available_until,
        version,
        expire_time,
        vectors,
    )


def collection_from_row(row: Sequence[Any]) -> Collection:
    """A collection from a row of `SELECT_COLLECTIONS`.

    Raises:
        StorageError: its named vectors cannot be read.
    """
    key, name, template, dimensions, fingerprint, created, sequence, item_count, named = row
    vectors = named_from_json(named)
    return Collection(
        key, name, template, dimensions, fingerprint, created, sequence, item_count, vectors
    )


def named_to_json(named: Sequence[NamedVector]) -> str:
    """Named vectors as lists of name, dimensions and weight."""
    return json.dumps([(one.name, one.dimensions, one.weight) for one in named])


def named_from_json(text: str) -> tuple[NamedVector, ...]:
    """What `named_to_json` wrote.

    Raises:
        StorageError: it wrote no such thing.
    """
    try:
        return tuple(NamedVector(*one) for one in json.loads(text))
    except (ValueError, TypeError) as error:
        raise StorageError(
            f"the catalog is damaged: {text[:80]!r} is stored as named vectors"
        ) from error


def read_named(connection: sqlite3.Connection, key: int) -> tuple[NamedVector, ...]:
    """The named vectors of a collection; none if there is no such collection."""
    row = connection.execute("SELECT vectors FROM collections WHERE key = ?", (key,)).fetchone()
    return () if row is None else named_from_json(row[0])


def event_from_row(user: bytes, row: Sequence[Any]) -> Event:
    """An event from its user's digest and the columns of `event_tables.EVENT_COLUMNS`."""
    item_id, event_type, time, event_id, weight, session, place, device, offset, shown = row
    return Event(
        user=user,
        item_id=item_id,
        event_type=event_type,
        time=time,
        event_id=event_id,
        weight=weight,
        session=session or b"",
        place=place or "",
        device=device or "",
        utc_offset_minutes=offset,
        recommendation_id=shown or "",
    )


def attributes_to_json(attributes: Mapping[str, Attribute]) -> str:
    """JSON keeps apart 3, 3.0, "3" and true; its lists are tuples of strings.

    Raises:
        InvalidInput: a number is not finite.
    """
    try:
        return json.dumps(dict(attributes), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise InvalidInput("attributes", "a number is not finite; leave that one out") from error


def attributes_from_json(text: str) -> dict[str, Attribute]:
    """What `attributes_to_json` wrote.

    Raises:
        StorageError: it wrote no such thing.
    """
    if text == "{}":
        return {}
    try:
        values: dict[str, Any] = _decode(text)[0]
        return {
            name: tuple(value) if type(value) is list else value for name, value in values.items()
        }
    except (ValueError, AttributeError) as error:
        raise StorageError(
            f"the catalog is damaged: {text[:80]!r} is stored as attributes"
        ) from error


def vector_to_bytes(vector: Vector) -> bytes:
    """Little-endian float32."""
    return np.asarray(vector, dtype="<f4").tobytes()


def vector_from_bytes(data: bytes) -> Vector:
    """A read-only view of what `vector_to_bytes` wrote.

    Raises:
        StorageError: not a whole number of components.
    """
    try:
        return np.frombuffer(data, dtype="<f4").astype(np.float32, copy=False)
    except ValueError as error:
        raise StorageError(f"the catalog is damaged: a vector of {len(data)} bytes") from error


def read_collection(connection: sqlite3.Connection, key: int) -> Collection:
    """The collection of that key.

    Raises:
        NotFound: it was deleted; keys are not used again.
    """
    row = connection.execute(SELECT_COLLECTIONS + "AND collections.key = ?", (key,)).fetchone()
    if row is None:
        raise NotFound("collection", f"number {key}", "it was deleted meanwhile")
    return collection_from_row(row)


def model_key(connection: sqlite3.Connection, fingerprint: str) -> int:
    """The number that stands for a fingerprint, new if it has none; in a transaction."""
    connection.execute(
        "INSERT INTO models (fingerprint) VALUES (?) ON CONFLICT DO NOTHING", (fingerprint,)
    )
    query = "SELECT key FROM models WHERE fingerprint = ?"
    (key,) = connection.execute(query, (fingerprint,)).fetchone()
    return int(key)


def next_sequence(connection: sqlite3.Connection) -> int:
    """The next sequence number of the whole catalog; in a transaction."""
    query = "UPDATE sequence SET value = value + 1 RETURNING value"
    ((value,),) = connection.execute(query).fetchall()
    return int(value)
