"""A history folded into a factorisation: `bertine.kernels.cpu` says what holds for kernels."""

from __future__ import annotations

import numba
import numpy as np
from numba import types

from bertine.kernels.cpu import MATRIX, SUMS, Doubles, Rows, reads, writes
from bertine.types import Matrix, Vector

_FLOAT64S = reads(types.float64, 1)


@numba.njit(**SUMS)  # type: ignore[untyped-decorator]
def _solve(system: Doubles, right: Doubles) -> None:
    """Gaussian elimination of a positive definite system, of which the upper half is read.

    Both are changed; the solution comes into `right`.
    """
    count = right.shape[0]
    for step in range(count):
        for row in range(step + 1, count):
            factor = system[step, row] / system[step, step]
            for column in range(row, count):
                system[row, column] -= factor * system[step, column]
            right[row] -= factor * right[step]
    for step in range(count - 1, -1, -1):
        for column in range(step + 1, count):
            right[step] -= system[step, column] * right[column]
        right[step] /= system[step, step]


@numba.njit(**SUMS)  # type: ignore[untyped-decorator]
def _products(one: Doubles, other: Doubles, into: Doubles) -> None:
    """The upper half of a symmetric product, ``one @ other.T``: ``[h, f]`` twice, ``[h, h]``."""
    for row in range(into.shape[0]):
        for column in range(row, into.shape[1]):
            total = 0.0
            for factor in range(one.shape[1]):
                total += one[row, factor] * other[column, factor]
            into[row, column] = total


@numba.njit(
    types.void(
        *(MATRIX, reads(types.float64, 2), reads(types.int64, 1), _FLOAT64S),
        writes(types.float32, 1),
    ),
    **SUMS,
)  # type: ignore[untyped-decorator]
def folded(items: Matrix, inverse: Doubles, entries: Rows, extra: Doubles, user: Vector) -> None:
    """The user's factors: G^-1 R' S x with (I + S R G^-1 R' S) x = S^-1 c, where S^2 = diag(c - 1).

    It is what `bertine.recommend.learn.factors` says, with a system that is symmetric; in double
    precision, then rounded to single.

    Args:
        items: float32 ``[n, f]``, with rows R of the history.
        inverse: float64 ``[f, f]``, G^-1, symmetric.
        entries: int64 ``[h]``, rows of `items`.
        extra: float64 ``[h]``, c - 1 of each, > 0.
        user: float32 ``[f]``; is given them.
    """
    count, factors = entries.shape[0], user.shape[0]
    rows, moved = np.empty((count, factors)), np.zeros((count, factors))
    for h in range(count):
        rows[h] = items[entries[h]]
        for factor in range(factors):
            for other in range(factors):
                moved[h, other] += rows[h, factor] * inverse[factor, other]
    roots, system, sums = np.sqrt(extra), np.empty((count, count)), np.zeros(factors)
    _products(rows, moved, system)
    for h in range(count):
        system[h] *= roots[h] * roots
        system[h, h] += 1.0
    solved = 1.0 / roots + roots
    _solve(system, solved)
    for h in range(count):
        sums += solved[h] * roots[h] * moved[h]
    user[:] = sums
