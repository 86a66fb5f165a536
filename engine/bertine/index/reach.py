"""How many lists a filtered search visits: pure decisions over what was measured in training.

Where a filter allows a share s of the rows, whatever the query, the k-th allowed row lies about
where the k / s-th of all does. How many lists hold rows as deep as that depends on the vectors: of
texts, the 100 nearest take some 2.4 times the lists of the 10 nearest, of separate clusters of 100
rows some 20 times as many. So it is measured for each index.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

USUAL_DEPTH = 10
"""Of the answers whose recall an index is tuned for."""

DEPTHS = (14, 20, 30, 40, 50, 70, 100, 140, 200, 300, 400, 500, 700, 1_000)
"""How many of the nearest rows are looked for in training."""

JUDGED = 64
"""Queries that it is measured with."""

_SURE = 0.99
"""A larger share of the rows cannot be told apart from all by so few queries."""


def depth_of(rows: int, matching: int | None, wanted: int) -> float:
    """How many of the nearest rows contain as many that are allowed as are wanted.

    Args:
        rows: that could be allowed.
        matching: of them that are; None without a filter.
        wanted: hits.
    """
    if matching is None:
        return USUAL_DEPTH
    return max(wanted, USUAL_DEPTH) * rows / max(matching, 1)


def lists_needed(
    order: NDArray[np.int64], home: NDArray[np.int32], near: NDArray[np.int64], nprobe: int
) -> tuple[int, ...]:
    """For each depth, the lists to visit for the same recall as `nprobe` lists give usually.

    Args:
        order: int64 ``[n, lists]``, the lists in the order in which each query visits them.
        home: int32 ``[rows]``, the list of each row.
        near: int64 ``[n, d]``, the true nearest rows of each query, the nearest first.
        nprobe: lists that are visited without a filter.

    Returns:
        One for each of `DEPTHS` that is at most d; they do not fall.
    """
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None, :], axis=1)
    places = np.take_along_axis(places, home[near].astype(np.int64), axis=1)
    share = min(float(np.mean(places[:, :USUAL_DEPTH] < nprobe)), _SURE)
    depths = [depth for depth in DEPTHS if depth <= near.shape[1]]
    needed = [_holding(places[:, :depth], share) for depth in depths]
    return tuple(np.maximum.accumulate(needed).tolist()) if needed else ()


def _holding(places: NDArray[np.int64], share: float) -> int:
    """The least number of lists, from the first, that hold a share of the rows."""
    ordered = np.sort(places, axis=None)
    return int(ordered[max(math.ceil(share * ordered.size), 1) - 1]) + 1


def effort(needed: Sequence[int], nprobe: int, depth: float) -> float:
    """Times the usual number of lists that a search of that depth visits, at least 1.

    Args:
        needed: of `lists_needed`; empty if it was not measured. Then it is the root of how much
            deeper it is than usual, a little more than texts need.
        nprobe: lists that are visited without a filter.
        depth: of `depth_of`. Beyond the last that was measured, lists rise in proportion.
    """
    if depth <= USUAL_DEPTH:
        return 1.0
    if not needed:
        return math.sqrt(depth / USUAL_DEPTH)
    place = bisect_left(DEPTHS, depth)
    if place < len(needed):
        return max(1.0, needed[place] / nprobe)
    return max(1.0, needed[-1] / nprobe * depth / DEPTHS[len(needed) - 1])
