"""The trained part of an index: FAISS IVF over 4-bit product-quantised codes.

FAISS proposes candidates; exact scores come from the vectors themselves. Why FastScan PQ: see
docs/decisions/0005. The API is that of
https://github.com/facebookresearch/faiss/wiki/Faiss-indexes, with a per-call nprobe
(`SearchParametersIVF`) that other threads do not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bertine.kernels.cpu import rescore
from bertine.types import Matrix

REFINE = 8
"""Candidates taken from the codes for each result wanted, before exact scoring."""

MARGIN = 4
"""Times the tuned nprobe. Queries of users lie farther from the items than held-out items do: what
gives those .975 gave real queries .92; four times as many lists gave .98 (docs/LOG.md)."""

_TRAIN_PER_LIST = 64
_TUNE_QUERIES = 256
_TUNE_K = 10


@dataclass(frozen=True, slots=True)
class Ivf:
    """An immutable trained index over a segment's first rows.

    Attributes:
        faiss_index: inner product; ids are rows of the segment.
        kind: FAISS's own description.
        nprobe: lists visited for each query: `MARGIN` times the least that reached the target
            recall on held-out rows.
        recall: recall@10 measured on them, before the margin.
    """

    faiss_index: Any
    kind: str
    nprobe: int
    recall: float

    def candidates(self, queries: Matrix, count: int, effort: int = 1) -> NDArray[np.int64]:
        """The rows whose codes are nearest to each query.

        Args:
            queries: float32 ``[n, d]``, unit rows.
            count: rows wanted for each.
            effort: times the usual number of lists to visit.

        Returns:
            int64 ``[n, count]``; -1 where fewer rows were found.
        """
        nprobe = min(self.nprobe * effort, self.faiss_index.nlist)
        parameters = faiss.SearchParametersIVF(nprobe=nprobe)  # type: ignore[call-arg]
        _, rows = self.faiss_index.search(queries, count, params=parameters)
        return np.asarray(rows, np.int64)


def list_count(items: int) -> int:
    """How many inverted lists: the power of two nearest to 4 sqrt(n), as FAISS advises."""
    return int(2 ** round(math.log2(max(4.0 * math.sqrt(items), 1.0))))


def describe(items: int, dimensions: int) -> str:
    """FAISS's factory description of the index for a collection of that size."""
    codes = f"PQ{dimensions // 2}x4fs" if dimensions % 2 == 0 else "SQfp16"
    return f"IVF{list_count(items)},{codes}"


def build(vectors: Matrix, *, target_recall: float, threads: int, seed: int = 0) -> Ivf | None:
    """Train on the vectors, add them, and choose the least nprobe that reaches the target.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        target_recall: recall@10 against exact search that held-out rows must reach.
        threads: of FAISS while building; one leaves the rest of the machine to serving.
        seed: of the samples.

    Returns:
        The index, or None if no setting reached the target: exact search then goes on.
    """
    faiss.omp_set_num_threads(threads)
    kind = describe(*vectors.shape)
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(_sample(vectors, list_count(len(vectors)) * _TRAIN_PER_LIST, seed))
    index.add(vectors)
    return _tune(index, kind, vectors, target_recall, seed)


def single_threaded() -> None:
    """Let the calling thread's searches use one core: many run side by side."""
    faiss.omp_set_num_threads(1)


def _sample(vectors: Matrix, count: int, seed: int) -> Matrix:
    if count >= len(vectors):
        return vectors
    return vectors[np.random.default_rng(seed).choice(len(vectors), count, replace=False)]


def _tune(index: Any, kind: str, vectors: Matrix, target: float, seed: int) -> Ivf | None:
    queries = np.ascontiguousarray(_sample(vectors, _TUNE_QUERIES, seed + 1))
    truth = _exact(vectors, queries)
    nprobe = 8
    while nprobe <= index.nlist:
        found = Ivf(index, kind, nprobe, 0.0).candidates(queries, (_TUNE_K + 1) * REFINE)
        recall = _recall(vectors, queries, found, truth)
        if recall >= target:
            return Ivf(index, kind, min(nprobe * MARGIN, index.nlist), recall)
        nprobe *= 2
    return None


def _exact(vectors: Matrix, queries: Matrix) -> NDArray[np.int64]:
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    return np.asarray(flat.search(queries, _TUNE_K + 1)[1], np.int64)


def _recall(
    vectors: Matrix, queries: Matrix, found: NDArray[np.int64], truth: NDArray[np.int64]
) -> float:
    """Recall@10 after exact scoring; the first hit, the query itself, is not counted."""
    hits = 0
    for query, rows, expected in zip(queries, found, truth, strict=True):
        valid = rows[rows >= 0]
        best = valid[np.argsort(-rescore(vectors, valid, query), kind="stable")[: _TUNE_K + 1]]
        hits += len(np.intersect1d(best[1:], expected[1:]))
    return hits / (len(queries) * _TUNE_K)
