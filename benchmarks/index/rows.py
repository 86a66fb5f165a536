"""Items whose ids are row numbers, put into a live index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bertine.index.live import LiveIndex
from bertine.types import Attribute, Hits, Item, Matrix, Versions

_BLOCK = 4_096


def upsert(
    index: LiveIndex,
    vectors: Matrix,
    attributes: Callable[[int], Mapping[str, Attribute]] = lambda _: {},
) -> int:
    """Upsert all rows, block by block; returns the sequence number of the last change.

    Args:
        index: to fill.
        vectors: float32 ``[n, d]``, unit rows.
        attributes: of a row.
    """
    sequence = 0
    for start in range(0, len(vectors), _BLOCK):
        sequence += 1
        block = np.ascontiguousarray(vectors[start : start + _BLOCK])
        rows = range(start, start + len(block))
        items = [Item(str(row), attributes=attributes(row), version=sequence) for row in rows]
        index.upsert(items, block, sequence)
    return sequence


def versions(count: int) -> Versions:
    """Ids and versions after `upsert` of so many rows, block by block, as a catalog gives them."""
    for sequence, start in enumerate(range(0, count, _BLOCK), start=1):
        rows = range(start, min(start + _BLOCK, count))
        yield list(map(str, rows)), np.full(len(rows), sequence)


def of_hits(answer: Sequence[Hits], top_k: int) -> NDArray[np.int64]:
    """The rows of hits: int64 ``[n, top_k]``, -1 for none."""
    found = np.full((len(answer), top_k), -1, np.int64)
    for line, hits in zip(found, answer, strict=True):
        ids = [int(item_id) for item_id in hits.ids]
        line[: len(ids)] = ids
    return found
