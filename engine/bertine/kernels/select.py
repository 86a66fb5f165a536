"""Choosing among a few hundred vectors: `bertine.kernels.cpu` says what holds for every kernel."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from bertine.kernels.cpu import MATRIX, PLAIN, SUMS, Doubles, reads, writes
from bertine.types import Matrix


@numba.njit(**SUMS)  # type: ignore[untyped-decorator]
def _product(vectors: Matrix, one: int, other: int) -> float:
    total = np.float32(0.0)
    for component in range(vectors.shape[1]):
        total += vectors[one, component] * vectors[other, component]
    return float(total)


@numba.njit(
    types.void(MATRIX, reads(types.float64, 1), types.float64, writes(types.int64, 1)), **SUMS
)  # type: ignore[untyped-decorator]
def mmr(vectors: Matrix, relevance: Doubles, novelty: float, chosen: NDArray[np.int64]) -> None:
    """Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), greedy.

    Each choice is the argmax of ``(1 - novelty) relevance_i - novelty max_{j chosen} <v_i, v_j>``;
    of equal ones it is the first.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        relevance: float64 ``[n]``.
        novelty: 1 - lambda, 0 .. 1.
        chosen: int64 ``[m]``, m <= n; is given rows in the order of choice.
    """
    count = vectors.shape[0]
    nearest = np.full(count, -1.0)
    left = np.ones(count, np.bool_)
    for place in range(chosen.shape[0]):
        best, best_value = -1, -np.inf
        for row in range(count):
            if not left[row]:
                continue
            penalty = nearest[row] if place else 0.0
            value = (1.0 - novelty) * relevance[row] - novelty * penalty
            if value > best_value:
                best, best_value = row, value
        chosen[place], left[best] = best, False
        for row in range(count):
            if left[row]:
                nearest[row] = max(nearest[row], _product(vectors, row, best))


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _spread(gram: Doubles, centres: int, labels: NDArray[np.int64]) -> None:
    """Start from the last row and, again and again, the row farthest from all that were taken."""
    count = gram.shape[0]
    nearest = np.full(count, -2.0)
    seed = count - 1
    for centre in range(centres):
        for row in range(count):
            if gram[row, seed] > nearest[row]:
                nearest[row], labels[row] = gram[row, seed], centre
        seed = np.argmin(nearest)


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _similarities(gram: Doubles, labels: NDArray[np.int64], out: Doubles) -> None:
    """Cosine of every row with the centre of every cluster, -1 for an empty one."""
    count, centres = out.shape
    squares = np.zeros(centres)
    out[:] = 0.0
    for row in range(count):
        for other in range(count):
            out[row, labels[other]] += gram[row, other]
        squares[labels[row]] += out[row, labels[row]]
    for centre in range(centres):
        for row in range(count):
            known = squares[centre] > 0.0
            out[row, centre] = out[row, centre] / np.sqrt(squares[centre]) if known else -1.0


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _within(gram: Doubles, labels: NDArray[np.int64]) -> Doubles:
    """Sum of every row's cosines with its own cluster, itself included."""
    sums = np.zeros(gram.shape[0])
    for row in range(gram.shape[0]):
        for other in range(gram.shape[0]):
            if labels[other] == labels[row]:
                sums[row] += gram[row, other]
    return sums


@numba.njit(**PLAIN)  # type: ignore[untyped-decorator]
def _silhouette(gram: Doubles, similar: Doubles, labels: NDArray[np.int64]) -> float:
    count, centres = similar.shape
    sizes, squares = np.zeros(centres, np.int64), np.zeros(centres)
    sums = _within(gram, labels)
    for row in range(count):
        sizes[labels[row]] += 1
        squares[labels[row]] += sums[row]
    total = 0.0
    for row in range(count):
        # Its own centre without itself: a row is near to whatever it is a part of.
        alone = gram[row, row]
        square = squares[labels[row]] - 2.0 * sums[row] + alone
        own = 1.0 - (sums[row] - alone) / np.sqrt(square) if square > 0.0 else 2.0
        other = 2.0
        for centre in range(centres):
            if centre != labels[row]:
                other = min(other, 1.0 - similar[row, centre])
        total += (other - own) / max(own, other, 1e-9)
    return total / count if sizes.min() > 1 else -1.0


@numba.njit(
    types.float64(reads(types.float64, 2), types.int64, types.int64, writes(types.int64, 1)),
    **PLAIN,
)  # type: ignore[untyped-decorator]
def clusters(gram: Doubles, centres: int, rounds: int, labels: NDArray[np.int64]) -> float:
    """Spherical k-means (Dhillon and Modha 2001) on a matrix of cosines, without any chance.

    Args:
        gram: float64 ``[h, h]``, ``<v_i, v_j>`` of unit rows, oldest first.
        centres: how many clusters, 2 .. h.
        rounds: at most.
        labels: int64 ``[h]``; is given each row's cluster.

    Returns:
        The mean simplified silhouette (Hruschka et al. 2004), -1 .. 1: of ``1 - cos`` to the
        nearest other centre, b, and to that of the others of its own cluster, a, the mean of
        ``(b - a) / max(a, b)``; -1 if a cluster has fewer than two rows.
    """
    similar = np.empty((gram.shape[0], centres))
    _spread(gram, centres, labels)
    for _ in range(rounds):
        _similarities(gram, labels, similar)
        moved = False
        for row in range(gram.shape[0]):
            best = np.argmax(similar[row])
            if best != labels[row]:
                labels[row], moved = best, True
        if not moved:
            break
    _similarities(gram, labels, similar)
    return float(_silhouette(gram, similar, labels))
