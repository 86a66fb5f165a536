"""Sums over the entries of a history: `bertine.kernels.cpu` says what holds for every kernel."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from bertine.kernels.cpu import PLAIN, Rows, reads, writes
from bertine.kernels.top import offer

_INT64S, _FLOAT64S = reads(types.int64, 1), reads(types.float64, 1)
_HISTORY = _INT64S, _FLOAT64S, _FLOAT64S, types.float64
_LINKS = reads(types.int32, 2), reads(types.float32, 2), *_HISTORY

Doubles = NDArray[np.float64]


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _slots(links: int) -> int:
    """Of a table that so many numbers fill to a half at most: a power of two."""
    slots = 16
    while slots < 2 * links:
        slots *= 2
    return slots


@numba.njit(types.int64(*_LINKS, writes(types.int64, 1)), **PLAIN)  # type: ignore[untyped-decorator]
def most_linked(
    numbers: NDArray[np.int32],
    values: NDArray[np.float32],
    sources: Rows,
    strengths: Doubles,
    lags: Doubles,
    decay: float,
    found: Rows,
) -> int:
    """The items to which a history has the largest positive sum of links.

    Args:
        numbers: int32 ``[items, links]``; -1 is no link.
        values: float32 ``[items, links]``.
        sources: int64 ``[h]``, rows of `numbers`; -1 has no links.
        strengths: float64 ``[h]``.
        lags: float64 ``[h]``; links count times ``strength * decay ** lag`` of their source.
        decay: 0 .. 1.
        found: int64 ``[w]``, w >= 1; is given their numbers, in no order.

    Returns:
        How many there are.
    """
    # A hash table with open addressing: as large as the links, whatever the items.
    slots = _slots(numbers.shape[1] * sources.shape[0])
    keys, sums = np.full(slots, -1, np.int32), np.zeros(slots)
    for h in range(sources.shape[0]):
        source, factor = sources[h], strengths[h] * decay ** lags[h]
        if source < 0 or factor == 0.0:
            continue
        for link in range(numbers.shape[1]):
            number = numbers[source, link]
            if number < 0:
                continue
            slot = (number * 2654435761) & (slots - 1)
            while keys[slot] >= 0 and keys[slot] != number:
                slot = (slot + 1) & (slots - 1)
            keys[slot] = number
            sums[slot] += values[source, link] * factor
    heap, count = np.empty(found.shape[0]), 0
    for slot in range(slots):
        # Asked before the call, which costs more than most sums are worth.
        if sums[slot] > 0.0 and (count < found.shape[0] or sums[slot] > heap[0]):
            count = offer(heap, found, count, sums[slot], keys[slot])
    return count


@numba.njit(types.void(*_LINKS, _INT64S, _INT64S, writes(types.float64, 1)), **PLAIN)  # type: ignore[untyped-decorator]
def linked_sums(  # noqa: PLR0913, PLR0917 - plain arrays are unpacked fastest
    numbers: NDArray[np.int32],
    values: NDArray[np.float32],
    sources: Rows,
    strengths: Doubles,
    lags: Doubles,
    decay: float,
    candidates: Rows,
    order: Rows,
    sums: Doubles,
) -> None:
    """What `links.linked` says of each candidate, summed over the history.

    Args:
        numbers: as `most_linked`, ascending in each row, -1 first.
        values: as `most_linked`.
        sources: as `most_linked`.
        strengths: as `most_linked`.
        lags: as `most_linked`.
        decay: as `most_linked`.
        candidates: int64 ``[c]``; -1 has no links.
        order: int64 ``[c]``, that sorts the candidates.
        sums: float64 ``[c]``, zeros; is given the sums.
    """
    width = numbers.shape[1]
    for h in range(sources.shape[0]):
        source, factor = sources[h], strengths[h] * decay ** lags[h]
        if source < 0 or factor == 0.0:
            continue
        link = 0
        for n in range(order.shape[0]):
            candidate = candidates[order[n]]
            while link < width and numbers[source, link] < candidate:
                link += 1
            if link == width:
                break
            if candidate >= 0 and numbers[source, link] == candidate:
                sums[order[n]] += values[source, link] * factor


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
