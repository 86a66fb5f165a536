"""Whether each item is what its digests say, with a vector that can be compared."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bertine.catalog.digest import content_digest, text_digest
from bertine.catalog.rows import ITEM_COLUMNS, ItemRow, item_from_row, named_from_json
from bertine.catalog.verify import SEND_AGAIN, Check, Report, judged
from bertine.errors import InvalidInput, StorageError
from bertine.index.parts import named_dimensions, split
from bertine.types import Item, NamedVector, Vector

NORM_TOLERANCE = 1e-3
"""Of a vector's L2 norm from 1: float32 leaves some 1e-6."""

_BATCH = 1_024
_COMPONENT = 4
_ITEMS = f"""
    SELECT name, dimensions, collections.vectors, collections.model, items.model, supplied,
        text_digest, content_digest,
        {ITEM_COLUMNS}, data
    FROM items JOIN collections ON collections.key = collection
        LEFT JOIN vectors ON item = items.key
    WHERE NOT deleted ORDER BY items.key
"""  # noqa: S608 (nothing varies)


class Row(NamedTuple):
    """An item beside what must agree with it.

    Attributes:
        collection: its name.
        dimensions: of the collection's texts.
        named: its named vectors, as `rows.named_to_json` writes them.
        collection_model: None while a collection is being encoded again.
        model: of the vector.
        supplied: the client gave the vector.
        text_digest: as stored; empty if it is to agree with nothing.
        content_digest: the same.
        item: as stored.
    """

    collection: str
    dimensions: int
    named: str
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
        yield Row._make((*row[:8], row[8:]))


def problems(row: Row) -> Iterator[tuple[str, str]]:
    """Which checks an item fails, and why."""
    mixed = row.collection_model is None
    if not mixed and row.model != row.collection_model:
        yield "models", "its vector is another model's"
    try:
        named = named_from_json(row.named)
        problem = vector_problem(row.item[-1], None if mixed else row.dimensions, named)
        if problem:
            yield "vectors", problem
            return
        item = item_from_row(row.item, named)
    except StorageError as error:
        yield "attributes", str(error)
        return
    if item.vector is None and (item.text or row.supplied):
        yield "vectors", "its text has no vector"
    elif not _digests_agree(row, item):
        yield "digests", "its text, attributes or vector were changed by another program"


def vector_problem(
    data: bytes | None, dimensions: int | None, named: Sequence[NamedVector] = ()
) -> str:
    """What is wrong with a stored vector, "" if nothing is.

    Args:
        data: little-endian float32, parts side by side.
        dimensions: that the text's part must have; None for any number.
        named: the other parts.
    """
    if data is None:
        return "has no vector"
    others = named_dimensions(named)
    expected = len(data) // _COMPONENT if dimensions is None else dimensions + others
    if len(data) != expected * _COMPONENT or expected <= others:
        return f"its vector has {len(data):,} bytes, not {expected * _COMPONENT:,}"
    text, vectors = split(np.frombuffer(data, "<f4"), named)
    there = vectors if text is None else {"": text, **vectors}
    problems = (_length_problem(name, part) for name, part in there.items())
    return next(filter(None, problems), "" if there else "its vector is all zeros")


def _length_problem(name: str, part: Vector) -> str:
    exact = part.astype(np.float64)
    norm = float(np.sqrt(exact @ exact))
    if not abs(norm - 1.0) <= NORM_TOLERANCE:  # nor is NaN
        return f"its vector{name and f' {name!r}'} has the L2 norm {norm:.4g}, not 1"
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
