"""The versions of a collection's items, read without a Python tuple for each."""

from __future__ import annotations

import json
import sqlite3

import numpy as np

from bertine.catalog.rows import OF_COLLECTION
from bertine.types import Versions

_ITEMS = 1_024
_PAGE = f"""
    SELECT max(key), json_group_array(id), group_concat(version)
    FROM (
        SELECT key, id, version FROM items WHERE {OF_COLLECTION} AND key > ?
        ORDER BY key LIMIT {_ITEMS}
    )
"""  # noqa: S608 (fixed)


def version_pages(connection: sqlite3.Connection, key: int) -> Versions:
    """Ids of a page's items, and the version of each, in the order in which they were inserted.

    SQLite makes two texts of a page: half the time of its rows one by one.

    Args:
        connection: in a transaction, so that the pages are of one state.
        key: of the collection; one that was deleted has no items.
    """
    after = 0
    while (page := connection.execute(_PAGE, (key, after)).fetchone())[0] is not None:
        after, ids, versions = page
        yield json.loads(ids), np.fromstring(versions, np.int64, sep=",")
