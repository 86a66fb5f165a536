"""What to ask of an index on a GPU, and what to believe of its answer: pure functions on arrays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bertine.types import Matrix

CLASSIC_LIMIT = 2_048
"""Most rows, and most lists, of a search without cuVS (``GPU_MAX_SELECTION_K``,
faiss/gpu/utils/DeviceDefs.cuh). Beyond it an index of scalar codes aborts the process even where
cuVS is built in, since its own check then goes by cuVS's limit."""

CUVS_LIMIT = 16_384
"""The same with cuVS (``getMaxKSelection``, faiss/gpu/impl/IndexUtils.cu)."""

_SPARE = 3.0
"""Deviations by which an answer may hold fewer allowed rows than are to be expected."""

_SPARSE_BYTES = 24


def allowed_rows(allowed: NDArray[np.uint8]) -> int:
    """How many bits are set."""
    return int(np.bitwise_count(allowed).sum())


def wanted(count: int, rows: int, matching: int, limit: int) -> int | None:
    """Rows to ask for, where the index takes no heed of which are allowed.

    As if allowed rows came by chance, so that of m to be expected m - 3 sqrt(m) surely come
    (Poisson's deviation). Where fewer come than were wanted, a search scans all rows.

    Args:
        count: allowed rows that are wanted.
        rows: of the index.
        matching: of them that are allowed.
        limit: of one search.

    Returns:
        None if the limit is too low to expect as many.
    """
    if not matching:
        return None
    expected = ((_SPARE + math.sqrt(_SPARE**2 + 4 * count)) / 2) ** 2
    many = math.ceil(expected * rows / matching)
    return min(many, rows) if min(many, rows) <= limit else None


def at_once(temporary: int, dimensions: int, count: int, nprobe: int, matching: int | None) -> int:
    """Queries of one search that keep within the memory for it.

    For each query and list, lists of codes take a centroid, ``count`` scores of four bytes and ids
    of eight, and six numbers (faiss/gpu/impl/IVFFlat.cu, ``search``, and
    faiss/gpu/impl/scan/IVFInterleavedScanKernelTemplate.cu). A flat index with a filter takes a
    sparse matrix with a cell for each query and matching row (cuvs,
    cpp/src/neighbors/detail/knn_brute_force.cuh, ``brute_force_search_filtered``).

    Args:
        temporary: bytes of it.
        dimensions: of the vectors.
        count: rows asked for.
        nprobe: lists visited; 0 for a flat index.
        matching: rows that a filter allows; None without one.
    """
    each = 12 * count + nprobe * (4 * dimensions + 12 * count + 24)
    if not nprobe and matching is not None:
        each += _SPARSE_BYTES * matching
    return max(1, temporary // max(each, 1))


def sieve(
    rows: NDArray[np.int64],
    scores: Matrix,
    count: int,
    total: int,
    allowed: NDArray[np.uint8] | None,
) -> NDArray[np.int64]:
    """Keep what can be an answer.

    cuVS fills up an answer of too few rows with forbidden ones of the lowest score there is, or
    with whatever was in memory: an id is believed if it is one of a row, its score is a cosine, its
    row is allowed, and it was not there before.

    Args:
        rows: int64 ``[n, k]``, best first.
        scores: float32 ``[n, k]``.
        count: rows wanted for each query.
        total: rows of the index.
        allowed: a bit for each row, the least significant of a byte first; None allows all.

    Returns:
        int64 ``[n, count]``, the first that are left; -1 beyond the last.
    """
    good = (rows >= 0) & (rows < total) & (np.abs(scores) < 2.0)  # noqa: PLR2004 - beyond a cosine
    if allowed is not None:
        known = np.where(good, rows, 0)
        good &= (allowed[known >> 3] >> (known & 7)) & 1 > 0
        good &= _first(np.where(good, rows, -1))
    if rows.shape[1] == count and good.all():
        return rows
    order = np.argsort(~good, axis=1, kind="stable")[:, :count]
    kept = np.where(np.take_along_axis(good, order, 1), np.take_along_axis(rows, order, 1), -1)
    return np.pad(kept, ((0, 0), (0, count - kept.shape[1])), constant_values=-1)


def _first(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which cells are the first of their value in their line."""
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, 1)
    fresh = np.ones(rows.shape, np.bool_)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    out = np.empty_like(fresh)
    np.put_along_axis(out, order, fresh, 1)
    return out
