"""Quality and latency as numbers: pure functions of arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks import ranking
from bertine.types import Matrix

_BLOCK = 256
_SAME_SCORE = 1e-5


def cosines(left: Matrix, right: Matrix) -> NDArray[np.float64]:
    """Cosine of each row with the row beside it.

    Args:
        left: float32 ``[n, d]``.
        right: the same shape.

    Returns:
        float64 ``[n]``.
    """
    a, b = left.astype(np.float64), right.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray(np.einsum("nd,nd->n", a, b) / norms)


def ndcg(ranked: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """Binary nDCG@k of a list, see `benchmarks.ranking.ndcg`.

    Args:
        ranked: document ids, best first.
        relevant: ids that count; at least one.
        k: ranks that are looked at.
    """
    ranks = {document: rank for rank, document in reversed([*enumerate(ranked, 1)])}
    found = sorted(ranks.get(document, np.inf) for document in relevant)
    return ranking.ndcg(np.array(found), k)


def mean_ndcg(
    rankings: Sequence[Sequence[str]], relevant: Sequence[Collection[str]], k: int = 10
) -> float:
    """Mean of `ndcg` over the queries that have a relevant document."""
    pairs = zip(rankings, relevant, strict=True)
    return float(np.mean([ndcg(ranked, wanted, k) for ranked, wanted in pairs if wanted]))


def top_rows(vectors: Matrix, queries: Matrix, k: int) -> NDArray[np.int64]:
    """Exact search by inner product.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        queries: float32 ``[m, d]``, unit rows.
        k: at most n.

    Returns:
        int64 ``[m, k]``: rows of `vectors`, best first, equal scores by row.
    """
    blocks = [
        _best(queries[start : start + _BLOCK] @ vectors.T, k)
        for start in range(0, len(queries), _BLOCK)
    ]
    return np.concatenate(blocks)


def recall(vectors: Matrix, queries: Matrix, found: Sequence[Sequence[int]], k: int = 10) -> float:
    """Recall@k against exact search; a row as good as the k-th best counts, whichever it is.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        queries: float32 ``[m, d]``, unit rows.
        found: for each query the rows that were returned.
        k: how many were wanted; at most n.
    """
    exact = top_rows(vectors, queries, k)
    hits = 0
    for query, best, rows in zip(queries, exact, found, strict=True):
        least = float(vectors[best[-1]] @ query) - _SAME_SCORE
        hits += int(np.count_nonzero(vectors[list(dict.fromkeys(rows))[:k]] @ query >= least))
    return hits / (len(queries) * k)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p90 and p99 in milliseconds."""
    p50, p90, p99 = np.percentile(np.asarray(seconds) * 1e3, (50, 90, 99))
    return {"p50": float(p50), "p90": float(p90), "p99": float(p99)}


def _best(scores: Matrix, k: int) -> NDArray[np.int64]:
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.lexsort((part, -np.take_along_axis(scores, part, axis=1)), axis=1)
    return np.take_along_axis(part, order, axis=1).astype(np.int64)
