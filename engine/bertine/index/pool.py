"""Pools of rows, one for each query of a batch, and the best of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.top import COUNT, EXAMINED, SETTLED, TIED, choose, nearest
from bertine.types import Matrix, Vector

SCAN_ERROR = np.float32(1e-6)
"""A matrix product's scores differ from the exact ones by less."""


class Pool(NamedTuple):
    """Rows that may be the answer.

    Attributes:
        rows: int64 ``[n, c]`` of a view, C-contiguous, -1 for none.
        bounds: float32 ``[n]``; no row that may be returned and is not in the pool scores higher.
        proposed: how many of the columns, from the first, were chosen by approximate scores that
            carry no bound.
    """

    rows: NDArray[np.int64]
    bounds: Vector
    proposed: int = 0

    def of(self, numbers: NDArray[np.int64]) -> Pool:
        """The same pool, where its rows were places in a list of rows."""
        rows = np.full(self.rows.shape, -1)
        valid = self.rows >= 0
        rows[valid] = numbers[self.rows[valid]]
        return Pool(rows, self.bounds, self.proposed)


class Found(NamedTuple):
    """The best rows of a pool, by falling score.

    Attributes:
        rows: int64 ``[n, w]``.
        scores: float32 ``[n, w]``, exact.
        notes: int64 ``[n, 4]``, see `kernels.top.COUNT`.
        unsettled: queries that are not settled.
        proposed: of the pool's columns, see `Pool`.
    """

    rows: NDArray[np.int64]
    scores: Matrix
    notes: NDArray[np.int64]
    unsettled: int
    proposed: int = 0

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many of the columns are used: int64 ``[n]``."""
        return self.notes[:, COUNT]

    @property
    def examined(self) -> NDArray[np.int64]:
        """How many rows were scored: int64 ``[n]``."""
        return self.notes[:, EXAMINED]

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Whether no row beyond the pool belongs to those wanted: bool ``[n]``."""
        return self.notes[:, SETTLED] > 0

    @property
    def tied(self) -> NDArray[np.bool_]:
        """Whether equal scores are still to be ordered: bool ``[n]``."""
        return self.notes[:, TIED] > 0

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which cells of `rows` are used: bool ``[n, w]``."""
        return np.less(np.arange(self.rows.shape[1]), self.counts[:, None])


def closest(scores: Matrix, usable: NDArray[np.bool_], width: int) -> Pool:
    """The columns with the best scores.

    Args:
        scores: float32 ``[n, m]``, by matrix product.
        usable: bool ``[m]``, columns that count.
        width: columns wanted for each query, > 0.

    Returns:
        A pool whose rows are columns.
    """
    shape = len(scores), min(width, max(len(usable), 1))
    best, columns = np.empty(shape, np.float32), np.empty(shape, np.int64)
    bounds = np.empty(len(scores), np.float32)
    nearest(scores, usable, best, columns, bounds)
    return Pool(columns, bounds + SCAN_ERROR)


def pick(
    pool: Pool,
    scores: Matrix,
    passes: NDArray[np.bool_],
    top_k: int,
    width: int,
    min_score: float,
) -> Found:
    """The best rows of a pool that pass.

    Args:
        pool: of n queries.
        scores: float32 ``[n, c]``, exact.
        passes: bool ``[n, c]``, which rows may be returned.
        top_k: rows wanted for each query.
        width: rows to keep, > `top_k`.
        min_score: that a row must reach.
    """
    shape = len(pool.rows), min(width, max(pool.rows.shape[1], top_k) + 1)
    rows, best = np.empty(shape, np.int64), np.empty(shape, np.float32)
    notes = np.empty((len(pool.rows), 4), np.int64)
    unsettled = choose(
        *(pool.rows, scores, passes, pool.proposed, pool.bounds, min_score, top_k),
        *(rows, best, notes),
    )
    return Found(rows, best, notes, unsettled, pool.proposed)
