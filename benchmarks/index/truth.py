"""What an exact search finds, and how much of it was found: pure functions.

A row counts as found if it is as good as the k-th best one, whichever it is: the corpus holds equal
texts, and the order of equal rows is nobody's merit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bertine.types import Matrix, Vector

TOP_K = 10

_BLOCK = 100_000
_SAME_SCORE = 1e-5


def kth_best(
    vectors: Matrix, queries: Matrix, k: int = TOP_K, rows: NDArray[np.int64] | None = None
) -> Vector:
    """The score of the k-th best row for each query.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        queries: float32 ``[m, d]``, unit rows.
        k: > 0; the worst row's score where there are fewer rows.
        rows: the only rows that count, at least one; None is all.

    Returns:
        float32 ``[m]``.
    """
    chosen = np.arange(len(vectors)) if rows is None else rows
    best: Matrix = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(chosen), _BLOCK):
        scores = queries @ vectors[chosen[start : start + _BLOCK]].T
        best = _highest(np.hstack([best, _highest(scores, k)]), k)
    return np.asarray(best.min(axis=1), np.float32)


def recall(
    vectors: Matrix, queries: Matrix, found: NDArray[np.int64], least: Vector, wanted: int = TOP_K
) -> float:
    """The share of the rows wanted that were found, the mean over queries.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        queries: float32 ``[m, d]``, unit rows.
        found: int64 ``[m, k]``, rows that were returned, -1 for none.
        least: float32 ``[m]``, see `kth_best`.
        wanted: rows wanted for each query, at most k.
    """
    good = 0
    for query, rows, score in zip(queries, found, least, strict=True):
        valid = np.unique(rows[rows >= 0])
        enough = vectors[valid] @ query >= score - _SAME_SCORE
        good += min(wanted, int(np.count_nonzero(enough)))
    return good / (len(queries) * wanted)


def _highest(scores: Matrix, k: int) -> Matrix:
    """The k highest of each row, in no order."""
    if scores.shape[1] <= k:
        return scores
    return np.partition(scores, scores.shape[1] - k, axis=1)[:, -k:]
