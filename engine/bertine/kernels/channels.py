"""Sums over the entries of a history: `bertine.kernels.cpu` says what holds for every kernel."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from bertine.kernels.cpu import MATRIX, PLAIN, SUMS, Doubles, Rows, reads, writes
from bertine.kernels.top import offer
from bertine.types import Matrix, Vector

_INT64S, _FLOAT64S = reads(types.int64, 1), reads(types.float64, 1)
_INT32S = reads(types.int32, 1)

_DIRECT = 4
"""To clear so many places costs less than to look for one among many others."""

Keys = NDArray[np.int32]


def slots(items: int, links: int) -> int:
    """The size of a table in which so many links to so many items can be summed up.

    It has a place for each item, or, where that would be much larger, a power of two of places that
    the links fill to a half at most: what it costs then does not depend on the items.
    """
    hashed = 1 << max(2 * links - 1, 15).bit_length()
    return items if items <= _DIRECT * hashed else hashed


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _slot(keys: Keys, items: int, number: int) -> int:
    """Where an item is in a table, or is to be."""
    if keys.shape[0] == items:
        return number
    mask: int = keys.shape[0] - 1
    slot = (number * 2654435761) & mask
    while keys[slot] >= 0 and keys[slot] != number:
        slot = (slot + 1) & mask
    return slot


@numba.njit(
    types.void(
        *(reads(types.int32, 2), reads(types.float32, 2)),
        *(_INT64S, _FLOAT64S, _FLOAT64S, types.float64),
        *(writes(types.int32, 1), writes(types.float64, 1)),
    ),
    **PLAIN,
)  # type: ignore[untyped-decorator]
def sum_links(  # noqa: PLR0913, PLR0917 - plain arrays are unpacked fastest
    numbers: NDArray[np.int32],
    values: NDArray[np.float32],
    sources: Rows,
    strengths: Doubles,
    lags: Doubles,
    decay: float,
    keys: Keys,
    sums: Doubles,
) -> None:
    """Sum the links of a history up by the items that they lead to.

    Args:
        numbers: int32 ``[items, links]``; -1 is no link.
        values: float32 ``[items, links]``.
        sources: int64 ``[h]``, rows of `numbers`; -1 has no links.
        strengths: float64 ``[h]``.
        lags: float64 ``[h]``; links count times ``strength * decay ** lag`` of their source.
        decay: 0 .. 1.
        keys: int32 ``[slots]``, see `slots`; is given the item of each place, -1 for none.
        sums: float64 ``[slots]``; is given its sum.
    """
    keys[:] = -1
    sums[:] = 0.0
    for h in range(sources.shape[0]):
        source, factor = sources[h], strengths[h] * decay ** lags[h]
        if source < 0 or factor == 0.0:
            continue
        for link in range(numbers.shape[1]):
            number = numbers[source, link]
            if number >= 0:
                slot = _slot(keys, numbers.shape[0], number)
                keys[slot] = number
                sums[slot] += values[source, link] * factor


@numba.njit(types.int64(_INT32S, _FLOAT64S, writes(types.int64, 1)), **PLAIN)  # type: ignore[untyped-decorator]
def most_linked(keys: Keys, sums: Doubles, found: Rows) -> int:
    """The items with the largest positive sums.

    Args:
        keys: see `sum_links`.
        sums: see `sum_links`.
        found: int64 ``[w]``, w >= 1; is given their numbers, in no order.

    Returns:
        How many there are.
    """
    heap, count, least = np.empty(found.shape[0]), 0, 0.0
    for slot in range(sums.shape[0]):
        # Asked before the call, which costs more than most sums are worth.
        if sums[slot] > least:
            count = offer(heap, found, count, sums[slot], keys[slot])
            least = heap[0] if count == found.shape[0] else 0.0
    return count


@numba.njit(types.void(_INT32S, _FLOAT64S, types.int64, _INT64S, writes(types.float64, 1)), **PLAIN)  # type: ignore[untyped-decorator]
def linked_sums(keys: Keys, sums: Doubles, items: int, candidates: Rows, found: Doubles) -> None:
    """The sums of some items.

    Args:
        keys: see `sum_links`.
        sums: see `sum_links`.
        items: how many there are.
        candidates: int64 ``[c]``, numbers; -1 has no links.
        found: float64 ``[c]``; is given their sums, 0 where no link leads.
    """
    for c in range(candidates.shape[0]):
        found[c] = 0.0
        if candidates[c] >= 0:
            slot = _slot(keys, items, candidates[c])
            if keys[slot] == candidates[c]:
                found[c] = sums[slot]


@numba.njit(types.int64(MATRIX, reads(types.float32, 1), writes(types.int64, 1)), **SUMS)  # type: ignore[untyped-decorator]
def largest_products(table: Matrix, vector: Vector, found: Rows) -> int:
    """The rows of a table with the largest positive products with a vector.

    Args:
        table: float32 ``[n, d]``.
        vector: float32 ``[d]``.
        found: int64 ``[w]``, w >= 1; is given their numbers, in no order.

    Returns:
        How many there are.
    """
    heap, count, least = np.empty(found.shape[0], np.float32), 0, np.float32(0.0)
    for row in range(table.shape[0]):
        product = np.float32(0.0)
        for component in range(table.shape[1]):
            product += table[row, component] * vector[component]
        if product > least:
            count = offer(heap, found, count, product, row)
            least = heap[0] if count == found.shape[0] else np.float32(0.0)
    return count


@numba.njit(
    types.void(_INT64S, _FLOAT64S, _INT64S, writes(types.float64, 2)),
    **PLAIN,
)  # type: ignore[untyped-decorator]
def repeated(items: Rows, factors: Doubles, candidates: Rows, values: Doubles) -> None:
    """Which candidates are in a history.

    Args:
        items: int64 ``[h]``, -1 is none.
        factors: float64 ``[h]``.
        candidates: int64 ``[c]``, -1 is none.
        values: float64 ``[2, c]``, zeros; is given the sum of the factors of the entries that are
            the candidate, and -1 if there is one.
    """
    for c in range(candidates.shape[0]):
        for h in range(items.shape[0]):
            if items[h] >= 0 and items[h] == candidates[c]:
                values[0, c] += factors[h]
                values[1, c] = -1.0
