"""Hot loops on a GPU, with the signatures and the results of those on the CPU. Not run on a GPU.

    rescore   as `bertine.kernels.cpu.rescore`
    mmr       as `bertine.kernels.select.mmr`
    pooled    as `bertine.recommend.profile.build`, of rows of a table

Arrays may lie on the host, then each call copies them, or be numba's device arrays, which it does
not. One block of threads adds up the components of a row in one fixed order, so equal rows get
equal bits, as on the CPU. Semantics of ``numba.cuda``: https://numba.readthedocs.io, "CUDA Kernels"
and "Memory Management"; its simulator runs the same code without a GPU ("Debugging CUDA Python with
the CUDA Simulator").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import config, cuda, float32, float64, int64
from numpy.typing import NDArray

from bertine.errors import Unavailable
from bertine.types import Matrix, Vector

WARP = 32
"""Threads that share a row's components, and of every block."""

_TINY = 1e-6
_CHOSEN = 3.0
"""Beyond any cosine."""

# A list of a few hundred rows never fills a GPU; that is no reason to warn of every call.
config.CUDA_LOW_OCCUPANCY_WARNINGS = 0


@cuda.jit  # type: ignore[untyped-decorator]
def rescore_kernel(vectors: Matrix, rows: NDArray[np.int64], query: Vector, scores: Vector) -> None:
    """Score a row by each block: float32 ``[n, d]``, int64 ``[m]``, float32 ``[d]`` and ``[m]``."""
    parts = cuda.shared.array(WARP, float32)
    thread, place = cuda.threadIdx.x, cuda.blockIdx.x
    part = float32(0.0)
    for component in range(thread, query.shape[0], WARP):
        part += vectors[rows[place], component] * query[component]
    parts[thread] = part
    cuda.syncthreads()
    if thread == 0:
        total = float32(0.0)
        for other in range(WARP):
            total += parts[other]
        # numba's min and max ask a device how to compile them.
        total = float32(1.0) if total > float32(1.0) else total  # noqa: FURB136
        scores[place] = float32(-1.0) if total < float32(-1.0) else total  # noqa: FURB136


@cuda.jit  # type: ignore[untyped-decorator]
def mmr_kernel(  # noqa: C901 - a function of its own is not compiled without a GPU
    vectors: Matrix,
    relevance: NDArray[np.float64],
    novelty: float,
    nearest: NDArray[np.float64],
    chosen: NDArray[np.int64],
) -> None:
    """Choose by one block: as `mmr`, with float64 ``[n]`` for each row's nearest choice."""
    values = cuda.shared.array(WARP, float64)
    rows = cuda.shared.array(WARP, int64)
    thread, count = cuda.threadIdx.x, vectors.shape[0]
    for place in range(chosen.shape[0]):
        value_best, row_best = -np.inf, -1
        for row in range(thread, count, WARP):
            if nearest[row] == _CHOSEN:
                continue
            penalty = nearest[row] if place else 0.0
            value = (1.0 - novelty) * relevance[row] - novelty * penalty
            if value > value_best:
                value_best, row_best = value, row
        values[thread], rows[thread] = value_best, row_best
        cuda.syncthreads()
        for other in range(WARP):
            first = values[other] == value_best and 0 <= rows[other] < row_best
            if values[other] > value_best or first:
                value_best, row_best = values[other], rows[other]
        for row in range(thread, count, WARP):
            if row == row_best:
                chosen[place], nearest[row] = row, _CHOSEN
            elif nearest[row] != _CHOSEN:
                similar = float32(0.0)
                for component in range(vectors.shape[1]):
                    similar += vectors[row, component] * vectors[row_best, component]
                nearest[row] = similar if similar > nearest[row] else nearest[row]  # noqa: FURB136
        cuda.syncthreads()


@cuda.jit  # type: ignore[untyped-decorator]
def pool_kernel(
    vectors: Matrix,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Sum up a component by each thread: float32 ``[n, d]``, ``[h]``, ``[h]``, float64 ``[d]``."""
    component = cuda.grid(1)
    if component < sums.shape[0]:
        total = float64(0.0)
        for entry in range(rows.shape[0]):
            total += weights[entry] * vectors[rows[entry], component]
        sums[component] = total


def rescore(vectors: Any, rows: NDArray[np.int64], query: Vector) -> Vector:
    """Exact cosine similarity of some rows with a query.

    Args:
        vectors: float32 ``[n, d]``, unit rows, C-contiguous.
        rows: int64 ``[m]``, each in ``0 .. n - 1``.
        query: float32 ``[d]``, unit, C-contiguous.

    Returns:
        float32 ``[m]`` in ``-1 .. 1``; the same row and query always give the same bits.
    """
    if not len(rows):
        return np.empty(0, np.float32)
    scores = cuda.device_array(len(rows), np.float32)
    rescore_kernel[len(rows), WARP](*map(_there, (vectors, rows, query)), scores)
    return np.asarray(scores.copy_to_host(), np.float32)


def mmr(
    vectors: Any, relevance: NDArray[np.float64], novelty: float, chosen: NDArray[np.int64]
) -> None:
    """Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), greedy.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        relevance: float64 ``[n]``.
        novelty: 1 - lambda, 0 .. 1.
        chosen: int64 ``[m]``, m <= n; is given rows in the order of choice.
    """
    nearest = cuda.to_device(np.full(len(relevance), -1.0))
    picked = cuda.device_array(len(chosen), np.int64)
    mmr_kernel[1, WARP](_there(vectors), _there(relevance), novelty, nearest, picked)
    picked.copy_to_host(chosen)


def pooled(
    vectors: Any, rows: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[Vector, float] | None:
    """The unit vector of weighted rows and the length of their sum; None if they cancel out.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        rows: int64 ``[h]``, each in ``0 .. n - 1``.
        weights: float64 ``[h]``.
    """
    dimensions = vectors.shape[1]
    sums = cuda.to_device(np.zeros(dimensions))
    if len(rows):
        given = map(_there, (vectors, rows, weights))
        pool_kernel[-(-dimensions // WARP), WARP](*given, sums)
    total = sums.copy_to_host()
    norm = float(np.linalg.norm(total))
    if norm <= _TINY * max(float(np.abs(weights).sum()), _TINY):
        return None
    return (total / norm).astype(np.float32), norm


def _there(array: Any) -> Any:
    """The array on the device. A kernel given one of the host would copy it back as well."""
    return cuda.to_device(array) if isinstance(array, np.ndarray) else array


def free_bytes(device: int) -> int:
    """Bytes of a GPU's memory that nobody uses (``Context.get_memory_info``).

    Raises:
        Unavailable: the driver does not say.
    """
    try:
        with cuda.gpus[device]:
            return int(cuda.current_context().get_memory_info().free)
    except Exception as error:  # numba's errors have no base of their own
        raise Unavailable(f"cuda:{device} does not say how much memory it has: {error}") from error
