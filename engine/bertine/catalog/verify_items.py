"""Whether each item is what its digests say, with a vector that can be compared."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bertine.catalog.digest import content_digest, text_digest
from bertine.catalog.rows import ITEM_COLUMNS, ItemRow, item_from_row
from bertine.catalog.verify import SEND_AGAIN, Check, Report, judged
from bertine.errors import InvalidInput, StorageError
from bertine.types import Item

NORM_TOLERANCE = 1e-3
"""Of a vector's L2 norm from 1: float32 leaves some 1e-6."""

_BATCH = 1_024
_COMPONENT = 4
_ITEMS = f"""
    SELECT name, dimensions, collections.model, items.model, supplied, text_digest, content_digest,
        {ITEM_COLUMNS}, data
    FROM items JOIN collections ON collections.key = collection
        LEFT JOIN vectors ON item = items.key
    WHERE NOT deleted ORDER BY items.key
"""  # noqa: S608 (nothing varies)


class Row(NamedTuple):
    """An item beside what must agree with it.

    Attributes:
        collection: its name.
        dimensions: of the collection.
        collection_model: None while a collection is being encoded again.
        model: of the vector.
        supplied: the client gave the vector.
        text_digest: as stored; empty if it is to agree with nothing.
        content_digest: the same.
        item: as stored.
    """

    collection: str
    dimensions: int
    collection_model: int | None
    model: int
    supplied: int
    text_digest: bytes
    content_digest: bytes
    item: ItemRow


def check_items(connection: sqlite3.Connection, report: Report) -> list[Check]:
    """Checks of models, vectors, digests and attributes, one for each."""
    wrong: dict[str, list[str]] = defaultdict(list)
    count = 0
    for row in _rows(connection):
        count += 1
        for name, problem in problems(row):
            wrong[name].append(f"{row.item[0]!r} of {row.collection}: {problem}")
        if count % _BATCH == 0:
            report(count, count)
    return [judged(name, wrong[name], f"{count:,} {right}", SEND_AGAIN) for name, right in _RIGHT]


_RIGHT = (
    ("models", "vectors are of their collection's model"),
    ("vectors", "vectors are finite, of length 1 and of their collection's dimensions"),
    ("attributes", "items have attributes that can be read"),
    ("digests", "items are what their digests say"),
)


def _rows(connection: sqlite3.Connection) -> Iterator[Row]:
    for row in connection.execute(_ITEMS):
        yield Row._make((*row[:7], row[7:]))


def problems(row: Row) -> Iterator[tuple[str, str]]:
    """Which checks an item fails, and why."""
    mixed = row.collection_model is None
    if not mixed and row.model != row.collection_model:
        yield "models", "its vector is another model's"
    problem = vector_problem(row.item[-1], None if mixed else row.dimensions)
    if problem:
        yield "vectors", problem
        return
    try:
        item = item_from_row(row.item)
    except StorageError as error:
        yield "attributes", str(error)
        return
    if not _digests_agree(row, item):
        yield "digests", "its text, attributes or vector were changed by another program"


def vector_problem(data: bytes | None, dimensions: int | None) -> str:
    """What is wrong with a stored vector, "" if nothing is.

    Args:
        data: little-endian float32.
        dimensions: it must have; None for any number.
    """
    if data is None:
        return "has no vector"
    expected = len(data) // _COMPONENT if dimensions is None else dimensions
    if len(data) != expected * _COMPONENT or not data:
        return f"its vector has {len(data):,} bytes, not {expected * _COMPONENT:,}"
    vector = np.frombuffer(data, "<f4").astype(np.float64)
    norm = float(np.sqrt(vector @ vector))
    if not abs(norm - 1.0) <= NORM_TOLERANCE:  # nor is NaN
        return f"its vector has the L2 norm {norm:.4g}, not 1"
    return ""


def _digests_agree(row: Row, item: Item) -> bool:
    """Digests are of what the client gave: a vector only if it gave one."""
    given = item if row.supplied else replace(item, vector=None)
    try:
        return row.text_digest in (b"", text_digest(given)) and row.content_digest in (
            b"",
            content_digest(given),
        )
    except InvalidInput:
        return False
