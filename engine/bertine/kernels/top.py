"""The best of many scores, on the CPU: `bertine.kernels.cpu` says what holds for every kernel."""

from __future__ import annotations

import numba
import numpy as np
from numba import types

from bertine.kernels.cpu import MATRIX, PLAIN, TABLE, Flags, Rows, reads, writes
from bertine.types import Matrix, Vector

COUNT, EXAMINED, SETTLED, TIED = 0, 1, 2, 3
"""Columns of what `choose` says of each query: how many of the rows chosen to use, more than wanted
only where scores are equal; how many rows were looked at; 1 if those wanted are settled but for the
order of equal scores; 1 if there are equal scores."""


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _sink(scores: Vector, rows: Rows, root: int, count: int) -> None:
    """Put the root of a heap, whose least score is at the top, in its place."""
    score, row = scores[root], rows[root]
    while 2 * root + 1 < count:
        child = 2 * root + 1
        if child + 1 < count and scores[child + 1] < scores[child]:
            child += 1
        if scores[child] >= score:
            break
        scores[root], rows[root] = scores[child], rows[child]
        root = child
    scores[root], rows[root] = score, row


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def offer(scores: Vector, rows: Rows, count: int, score: np.float32, row: int) -> int:
    """Keep the best that were offered in a heap; the number that it holds then."""
    size = scores.shape[0]
    if count == size:
        if score > scores[0]:
            scores[0], rows[0] = score, row
            _sink(scores, rows, 0, count)
        return count
    scores[count], rows[count] = score, row
    count += 1
    if count == size:
        for root in range(size // 2 - 1, -1, -1):
            _sink(scores, rows, root, size)
    return count


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _order(scores: Vector, rows: Rows, count: int) -> None:
    """Turn what `offer` kept into falling scores."""
    for root in range(count // 2 - 1, -1, -1):
        _sink(scores, rows, root, count)
    for last in range(count - 1, 0, -1):
        scores[0], scores[last] = scores[last], scores[0]
        rows[0], rows[last] = rows[last], rows[0]
        _sink(scores, rows, 0, last)


@numba.njit(
    types.void(
        *(MATRIX, reads(types.boolean, 1)),
        *(writes(types.float32, 2), writes(types.int64, 2), writes(types.float32, 1)),
    ),
    **PLAIN,
)  # type: ignore[untyped-decorator]
def nearest(scores: Matrix, usable: Flags, best: Matrix, places: Rows, bounds: Vector) -> None:
    """Where the best of some scores stand.

    Args:
        scores: float32 ``[n, m]``.
        usable: ``[m]``, which columns count.
        best: float32 ``[n, w]``; is given the highest scores, in no order, -2 beyond the last.
        places: int64 ``[n, w]``; is given their columns, -1 beyond the last.
        bounds: float32 ``[n]``; is given the least of them, which no other column exceeds, or -2
            where there is no other.
    """
    width, seen = best.shape[1], np.count_nonzero(usable)
    for query in range(scores.shape[0]):
        heap, rows = best[query], places[query]
        count, least = 0, np.float32(-np.inf)
        for column in range(scores.shape[1]):
            # The score first: most are not high enough, and which are usable nobody can guess.
            if scores[query, column] > least and usable[column]:
                count = offer(heap, rows, count, scores[query, column], column)
                least = heap[0] if count == width else np.float32(-np.inf)
        bounds[query] = heap[0] if seen > width else np.float32(-2.0)
        heap[count:] = np.float32(-2.0)
        rows[count:] = -1


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _is_settled(
    rows: Rows, scores: Vector, proposed: int, floor: np.float32, bound: np.float32
) -> bool:
    if bound >= floor:
        return False
    valid, above = 0, 0
    for place in range(proposed):
        if rows[place] >= 0:
            valid += 1
            above += scores[place] >= floor
    # An index that proposed nothing has only looked in the wrong places.
    return proposed == 0 or (valid > 0 and 2 * above < valid + 1)


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _has_ties(scores: Vector, count: int) -> bool:
    for place in range(1, count):  # noqa: SIM110 - numba compiles no generator into this
        if scores[place] == scores[place - 1]:
            return True
    return False


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _keep(
    rows: Rows, scores: Vector, passes: Flags, least: np.float32, heap: Vector, best: Rows
) -> tuple[int, int]:
    """Keep the best rows of a query that pass; how many, and how many rows were looked at."""
    count, examined = 0, 0
    for place in range(rows.shape[0]):
        if rows[place] < 0:
            continue
        examined += 1
        score = scores[place]
        if passes[place] and score >= least and (count < heap.shape[0] or score > heap[0]):
            count = offer(heap, best, count, score, rows[place])
    _order(heap, best, count)
    best[count:] = -1
    return count, examined


@numba.njit(
    types.int64(
        *(TABLE, MATRIX, reads(types.boolean, 2), types.int64, reads(types.float32, 1)),
        *(types.float32, types.int64),
        *(writes(types.int64, 2), writes(types.float32, 2), writes(types.int64, 2)),
    ),
    **PLAIN,
)  # type: ignore[untyped-decorator]
def choose(  # noqa: PLR0913, PLR0917 - plain arrays are unpacked fastest
    rows: Rows,
    scores: Matrix,
    passes: Flags,
    proposed: int,
    bounds: Vector,
    least: float,
    wanted: int,
    chosen: Rows,
    values: Matrix,
    notes: Rows,
) -> int:
    """Take the best rows that pass, and say whether rows that were not looked at could be better.

    The first `proposed` columns come from approximate scores: below the better half of them, rows
    as good may be missing. No row that is in no column scores above the bound.

    Args:
        rows: int64 ``[n, c]``, -1 for none.
        scores: float32 ``[n, c]``, exact.
        passes: ``[n, c]``, which may be returned.
        proposed: how many columns come from approximate scores; 0 for none.
        bounds: float32 ``[n]``.
        least: score that a row must reach.
        wanted: rows that are wanted for each query.
        chosen: int64 ``[n, w]``, w > `wanted`; is given rows by falling score, -1 beyond the last.
        values: float32 ``[n, w]``; is given their scores.
        notes: int64 ``[n, 4]``; is given `COUNT`, `EXAMINED`, `SETTLED` and `TIED`.

    Returns:
        How many queries are not settled.
    """
    unsettled = 0
    for query in range(rows.shape[0]):
        heap, best = values[query], chosen[query]
        count, examined = _keep(rows[query], scores[query], passes[query], least, heap, best)
        floor = heap[wanted - 1] if count >= wanted else np.float32(least)
        # A full list that ends in a tie with the last one wanted may have cut off others.
        whole = count < heap.shape[0] or heap[count - 1] < floor
        settled = whole and _is_settled(rows[query], scores[query], proposed, floor, bounds[query])
        tied = _has_ties(heap, min(count, wanted + 1))
        notes[query, COUNT] = count if tied else min(count, wanted)
        notes[query, EXAMINED], notes[query, SETTLED], notes[query, TIED] = examined, settled, tied
        unsettled += not settled
    return unsettled
