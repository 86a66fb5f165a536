"""Hot loops on the CPU.

Every kernel that is called from Python has one signature: it is compiled, or read from numba's
cache, when this module is imported and never inside a request. What a kernel only reads may be
read-only, as the memory of a mapped file is.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from bertine.types import Matrix, Vector

Rows: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Doubles: TypeAlias = NDArray[np.float64]

PLAIN = {"nogil": True, "cache": True}
# Reassociation is allowed so that the sum vectorises. Every row runs the same instructions, so
# equal rows get equal scores, which BLAS does not promise across the edges of its blocks.
SUMS = {**PLAIN, "fastmath": {"reassoc", "contract"}}


def reads(kind: Any, dimensions: int) -> Any:
    """Type of an array that a kernel only reads."""
    return types.Array(kind, dimensions, "C", readonly=True)


def writes(kind: Any, dimensions: int) -> Any:
    """Type of an array that a kernel writes to."""
    return types.Array(kind, dimensions, "C")


MATRIX = reads(types.float32, 2)
TABLE = reads(types.int64, 2)
_VISIBILITY = (
    reads(types.int64, 1),
    reads(types.int64, 1),
    reads(types.float64, 1),
    reads(types.float64, 1),
)


@numba.njit(**SUMS)  # type: ignore[untyped-decorator]
def _cosine(vectors: Matrix, row: int, queries: Matrix, query: int) -> np.float32:
    total = np.float32(0.0)
    for component in range(queries.shape[1]):
        total += vectors[row, component] * queries[query, component]
    return min(np.float32(1.0), max(np.float32(-1.0), total))


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _open(
    born: Rows,
    died: Rows,
    opens: Doubles,
    closes: Doubles,
    row: int,
    sequence: int,
    now: float,
) -> bool:
    # No branches: with them each row would cost a call that counts references to the arrays.
    alive = (born[row] <= sequence) & (died[row] > sequence)
    return bool(alive & (opens[row] <= now) & (closes[row] > now))


@numba.njit(
    types.void(
        *(MATRIX, *_VISIBILITY, types.int64, types.int64, types.float64, types.int64),
        *(TABLE, MATRIX, reads(types.boolean, 1)),
        *(writes(types.float32, 2), writes(types.boolean, 2)),
    ),
    **SUMS,
)  # type: ignore[untyped-decorator]
def examine(  # noqa: PLR0913, PLR0917 - plain arrays are unpacked fastest
    vectors: Matrix,
    born: Rows,
    died: Rows,
    opens: Doubles,
    closes: Doubles,
    first: int,
    sequence: int,
    now: float,
    stop: int,
    rows: Rows,
    queries: Matrix,
    allowed: Flags,
    scores: Matrix,
    passes: Flags,
) -> None:
    """Score rows of a segment exactly and say which may be returned.

    Args:
        vectors: float32 ``[capacity, d]``, unit rows.
        born: int64 ``[capacity]``, sequence number from which a row is visible.
        died: the same, from which it is not.
        opens: float64 ``[capacity]``, time from which it is available.
        closes: the same, from which it is not.
        first: number of the segment's first row.
        sequence: whose state is looked at.
        now: at which a row must be available.
        stop: number after the segment's last row.
        rows: int64 ``[n, c]``; what is not within ``first .. stop - 1`` is passed over.
        queries: float32 ``[n, d]``, unit rows.
        allowed: which rows may be returned, by number; of length 0 it allows all.
        scores: float32 ``[n, c]``; is given cosines, the same bits wherever row and query stand.
        passes: ``[n, c]``; is told which rows are allowed, alive and available.
    """
    anything = allowed.shape[0] == 0
    for query in range(rows.shape[0]):
        for place in range(rows.shape[1]):
            number = rows[query, place]
            if number < first or number >= stop:
                continue
            row = number - first
            scores[query, place] = _cosine(vectors, row, queries, query)
            passes[query, place] = (anything or allowed[number]) and _open(
                born, died, opens, closes, row, sequence, now
            )


@numba.njit(
    types.void(
        *(*_VISIBILITY, types.int64, types.float64, reads(types.int64, 1)),
        writes(types.boolean, 1),
    ),
    **PLAIN,
)  # type: ignore[untyped-decorator]
def visible(  # noqa: PLR0913, PLR0917 - plain arrays are unpacked fastest
    born: Rows,
    died: Rows,
    opens: Doubles,
    closes: Doubles,
    sequence: int,
    now: float,
    rows: Rows,
    out: Flags,
) -> None:
    """Say which rows of a segment are alive and available; arguments as of `examine`."""
    for place in range(rows.shape[0]):
        out[place] = _open(born, died, opens, closes, rows[place], sequence, now)


@numba.njit(**SUMS)  # type: ignore[untyped-decorator]
def _score_four(vectors: Matrix, row: int, queries: Matrix, query: int, scores: Matrix) -> None:
    """Score four rows at once: each component of the query is loaded for all of them."""
    first = second = third = fourth = np.float32(0.0)
    for component in range(queries.shape[1]):
        part = queries[query, component]
        first += vectors[row, component] * part
        second += vectors[row + 1, component] * part
        third += vectors[row + 2, component] * part
        fourth += vectors[row + 3, component] * part
    for place, total in enumerate((first, second, third, fourth)):
        scores[query, row + place] = min(np.float32(1.0), max(np.float32(-1.0), total))


@numba.njit(types.void(MATRIX, MATRIX, writes(types.float32, 2)), **SUMS)  # type: ignore[untyped-decorator]
def score(vectors: Matrix, queries: Matrix, scores: Matrix) -> None:
    """Score the first rows of a segment for a few queries, by one thread.

    A matrix product of so few queries waits for memory, and if it is shared out, for its threads.

    Args:
        vectors: float32 ``[capacity, d]``.
        queries: float32 ``[n, d]``.
        scores: float32 ``[n, m]``, m <= capacity; is given the products, each the same but for
            rounding as `examine` gives.
    """
    whole = scores.shape[1] - scores.shape[1] % 4
    for row in range(0, whole, 4):
        for query in range(queries.shape[0]):
            _score_four(vectors, row, queries, query, scores)
    for row in range(whole, scores.shape[1]):
        for query in range(queries.shape[0]):
            scores[query, row] = _cosine(vectors, row, queries, query)


@numba.njit(types.void(*(MATRIX, reads(types.int64, 1), MATRIX, writes(types.float32, 1))), **SUMS)  # type: ignore[untyped-decorator]
def _rescore(vectors: Matrix, rows: Rows, queries: Matrix, out: Vector) -> None:
    for place in range(rows.shape[0]):
        out[place] = _cosine(vectors, rows[place], queries, 0)


def rescore(vectors: Matrix, rows: Rows, query: Vector) -> Vector:
    """Exact cosine similarity of some rows with a query.

    Args:
        vectors: float32 ``[n, d]``, unit rows, C-contiguous.
        rows: int64 ``[m]``, each in ``0 .. n - 1``.
        query: float32 ``[d]``, unit, C-contiguous.

    Returns:
        float32 ``[m]`` in ``-1 .. 1``; the same row and query always give the same bits.
    """
    out = np.empty(rows.shape[0], np.float32)
    _rescore(vectors, rows, query[None, :], out)
    return out
