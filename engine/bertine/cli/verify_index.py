"""What `bertine verify` looks at beside the catalog: the saved indexes.

An index that is wrong is never the only copy: the remedy is always to remove it.
"""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from bertine.catalog.rows import SELECT_ITEMS_WITH_VECTORS, item_from_row, read_collection
from bertine.catalog.verify import Check, collection_of, judged, opened
from bertine.engine import INDEX_FOLDER
from bertine.errors import NotFound, StorageError
from bertine.index import saved, snapshot
from bertine.index.parts import Parts, parts_of
from bertine.index.segment import Segment
from bertine.types import Collection, Item

_DELETED = "its collection was deleted meanwhile"
_LATER = "nothing: the next start, or the next index that is saved, removes it"


def check_indexes(data: Path) -> Iterator[Check]:
    """A check for each saved index, and one of what is left over."""
    root = data / INDEX_FOLDER
    left: list[str] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        with suppress(FileNotFoundError):  # a server has just removed it
            yield from _check_folder(data, folder, left)
    if left:
        yield Check("index", "note", f"left over: {', '.join(left)}", _LATER)


def _check_folder(data: Path, folder: Path, left: list[str]) -> Iterator[Check]:
    collection = collection_of(data, folder.name)
    if collection is None:
        left.append(f"{folder.name} of a collection that was deleted")
        return
    left += [f"{folder.name}/{entry.name}" for entry in saved.left_over(folder)]
    if not saved.is_empty(folder):
        yield _check(data, folder, collection)


def _check(data: Path, folder: Path, collection: Collection) -> Check:
    name = f"index {collection.name}"
    remedy = f"rm -r {shlex.quote(str(folder))}  # the next start makes it again"
    try:
        load = partial(snapshot.load, folder, collection.fingerprint)
        segment = saved.whichever(folder, load).segment
    except snapshot.OtherSnapshot as error:
        return Check(name, "note", error.message, "nothing: the next start makes it again")
    except StorageError as error:
        if saved.is_empty(folder):  # a server has just removed it
            return Check(name, "note", _DELETED, _LATER)
        return Check(name, "problem", error.message, remedy)
    # Read after the index, so that the catalog cannot be behind it while a server writes.
    with opened(data) as connection:
        try:
            wrong, current = compare(segment, connection, collection.key)
        except NotFound:
            return Check(name, "note", _DELETED, _LATER)
    detail = f"{segment.count:,} rows, {current:,} of them as in the catalog, the others superseded"
    return judged(name, wrong, detail, remedy)


def compare(segment: Segment, connection: sqlite3.Connection, key: int) -> tuple[list[str], int]:
    """Hold the rows of a saved index against the catalog.

    A row of the catalog's version of an item must be that item. A row of an older version, or of
    an item that is no more, is superseded: whoever loads the index passes over it. None may be of
    a version that the catalog has not reached.

    Returns:
        What is wrong, and how many rows are of the catalog's versions.

    Raises:
        NotFound: the collection was deleted.
    """
    collection = read_collection(connection, key)
    rows = {item_id: row for row, item_id in enumerate(segment.ids)}
    born = segment.born[: segment.count]
    wrong = [] if len(rows) == segment.count else ["an item has several rows"]
    future = np.flatnonzero(born > collection.sequence).tolist()
    wrong += [f"{segment.ids[row]!r} is of version {born[row]}, not yet reached" for row in future]
    current = 0
    parts = parts_of(collection)
    for item in _items(connection, collection):
        row = rows.get(item.id)
        if row is None or born[row] < item.version:
            continue
        current += 1
        if born[row] > item.version or not _is_item(segment, row, item, parts):
            wrong.append(f"{item.id!r} is not what the catalog has as version {item.version}")
    return wrong, current


def _items(connection: sqlite3.Connection, collection: Collection) -> Iterator[Item]:
    query = SELECT_ITEMS_WITH_VECTORS + "WHERE collection = ?"
    for row in connection.execute(query, (collection.key,)):
        yield item_from_row(row, collection.vectors)


def _is_item(segment: Segment, row: int, item: Item, parts: Parts) -> bool:
    opens = -np.inf if item.available_from is None else item.available_from
    closes = np.inf if item.hidden_from is None else item.hidden_from
    return bool(
        np.array_equal(segment.vectors[row], parts.row(item.vector, item.vectors))
        and segment.attributes[row] == dict(item.attributes)
        and (segment.opens[row], segment.closes[row]) == (opens, closes)
    )
