"""Hot loops on the CPU."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bertine.types import Matrix, Vector

# Reassociation is allowed so that the sum vectorises. Every row runs the same instructions, so
# equal rows get equal scores, which BLAS does not promise across the edges of its blocks.
_fast = numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})


@_fast  # type: ignore[untyped-decorator]
def _rescore(vectors: Matrix, rows: NDArray[np.int64], query: Vector, out: Vector) -> None:
    for position in range(rows.shape[0]):
        row = rows[position]
        total = np.float32(0.0)
        for component in range(query.shape[0]):
            total += vectors[row, component] * query[component]
        out[position] = min(np.float32(1.0), max(np.float32(-1.0), total))


def rescore(vectors: Matrix, rows: NDArray[np.int64], query: Vector) -> Vector:
    """Exact cosine similarity of some rows with a query.

    Args:
        vectors: float32 ``[n, d]``, unit rows, C-contiguous.
        rows: int64 ``[m]``, each in ``0 .. n - 1``.
        query: float32 ``[d]``, unit, C-contiguous.

    Returns:
        float32 ``[m]`` in ``-1 .. 1``; the same row and query always give the same bits.
    """
    out = np.empty(rows.shape[0], np.float32)
    _rescore(vectors, rows, query, out)
    return out
