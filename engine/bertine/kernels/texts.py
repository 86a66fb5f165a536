"""Loops over sparse rows of words: `bertine.kernels.cpu` says what holds for every kernel."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from bertine.kernels.cpu import PLAIN, Rows, reads, writes
from bertine.kernels.top import offer
from bertine.types import Vector

Columns = NDArray[np.int32]

_SPARSE = reads(types.int64, 1), reads(types.int32, 1), reads(types.float32, 1)


@numba.njit(
    types.void(*_SPARSE, *_SPARSE, writes(types.int32, 2), writes(types.float32, 2)), **PLAIN
)  # type: ignore[untyped-decorator]
def nearest_rows(  # noqa: PLR0913, PLR0917 - plain arrays are unpacked fastest
    starts: Rows,
    words: Columns,
    weights: Vector,
    word_starts: Rows,
    rows: Columns,
    row_weights: Vector,
    numbers: Columns,
    values: Vector,
) -> None:
    """The rows with the largest positive inner products with each row of a sparse matrix.

    Args:
        starts: int64 ``[n + 1]``, where each row's words begin.
        words: int32 ``[nonzero]``, of row after row.
        weights: float32 ``[nonzero]``, of them.
        word_starts: int64 ``[words + 1]``, the same matrix by words.
        rows: int32 ``[nonzero]``, in which each word is.
        row_weights: float32 ``[nonzero]``, of them.
        numbers: int32 ``[n, k]``, filled with -1; is given the rows, in no order, a row itself
            among them.
        values: float32 ``[n, k]``, zeros; is given the products.
    """
    n, width = numbers.shape
    sums, touched = np.zeros(n, np.float32), np.empty(n, np.int64)
    best, found = np.empty(width, np.float32), np.empty(width, np.int64)
    for row in range(n):
        count = 0
        for place in range(starts[row], starts[row + 1]):
            word, weight = words[place], weights[place]
            for other in range(word_starts[word], word_starts[word + 1]):
                if sums[rows[other]] == 0.0:
                    touched[count] = rows[other]
                    count += 1
                sums[rows[other]] += weight * row_weights[other]
        kept = 0
        for place in range(count):
            other = touched[place]
            if kept < width or sums[other] > best[0]:
                kept = offer(best, found, kept, sums[other], other)
            sums[other] = 0.0
        for place in range(kept):
            numbers[row, place], values[row, place] = found[place], best[place]
