"""More channels of the items' vectors: what is near in another sense than the profile's cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, Totals, View, empty
from bertine.recommend.learn.content import TINY
from bertine.recommend.learn.taste import Candidates, Taste
from bertine.types import Matrix, Vector

SHRINKAGE = 0.3
"""Share of the mean variance that is added to every direction before it is evened out."""

_BEST_DECAY = 0.85


@dataclass(frozen=True)
class Refined:
    """Three channels.

    - ``content_latest``: <v_h, v_c> of the latest entry that was liked.
    - ``content_best``: the largest decay^lag * <v_h, v_c> of the liked entries.
    - ``content_even``: cosine of the profile and the candidate after all directions of the
      catalog's vectors were given nearly equal variance (whitening; Su et al. 2021, Whitening
      Sentence Representations), so that what all items have in common does not count.

    Attributes:
        mean: float32 ``[d]``, of the catalog's vectors.
        metric: float32 ``[d, d]``, inverse of their shrunk covariance.
        lengths: float32 ``[items]``, of the known items' rows in that metric.
    """

    mean: Vector
    metric: Matrix
    lengths: Vector

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return ("content_latest", "content_best", "content_even")

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        if not len(taste):
            return np.zeros((3, len(candidates)))
        # All in float32: the metric would be copied for a product with float64.
        weights = taste.weights.astype(np.float32)
        profile = weights @ taste.vectors - weights.sum() * self.mean
        moved = profile @ self.metric
        totals, even = _compared(taste, candidates, moved)
        totals[2] = (even - moved @ self.mean) * self._scale(profile @ moved, candidates)
        return totals

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 3)
        if not len(taste):
            return shares
        liked = np.flatnonzero(taste.liking > 0)
        if len(liked):
            similar = candidates.vectors @ taste.vectors[liked].T
            shares[:, 0, liked[-1]] = similar[:, -1]
            aged = similar * _BEST_DECAY ** taste.lags[liked]
            best = aged.argmax(axis=1)
            rows = np.arange(len(candidates))
            shares[rows, 1, liked[best]] = aged[rows, best]
        entries = (taste.vectors - self.mean) * taste.weights[:, None].astype(np.float32)
        moved = entries @ self.metric
        scale = self._scale(entries.sum(axis=0) @ moved.sum(axis=0), candidates)
        even = candidates.vectors @ moved.T - moved @ self.mean
        shares[:, 2, :-1] = even * scale[:, None]
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """None: the index finds them."""
        del taste, count
        return NOTHING

    def _scale(self, square: float, candidates: Candidates) -> Vector:
        """What makes cosines of products with a profile of that square length: float32 ``[c]``."""
        length = np.float32(max(square, 0.0)) ** 0.5
        if length <= TINY:
            return np.zeros(len(candidates), np.float32)
        return np.asarray(1.0 / (length * self._lengths(candidates)), np.float32)

    def _lengths(self, candidates: Candidates) -> Vector:
        """Looked up where the item is known: a product with the metric takes milliseconds."""
        lengths = candidates.take(self.lengths)
        if not candidates.all_known:
            unknown = ~candidates.known
            lengths[unknown] = _lengths(candidates.vectors[unknown], self.mean, self.metric)
        return lengths


@dataclass(frozen=True)
class Compared:
    """`Refined` without its third channel, which is 0 for all: the metric is not read.

    Attributes:
        whole: all three.
    """

    whole: Refined

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return self.whole.names

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        if not len(taste):
            return np.zeros((3, len(candidates)))
        return _compared(taste, candidates, self.whole.mean)[0]

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = self.whole.shares(taste, candidates)
        shares[:, 2] = 0.0
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """See `View`."""
        return self.whole.best(taste, count)


def counting(view: View, weights: NDArray[np.float64]) -> View:
    """A view, or one that takes less time and is the same but for channels that do not count.

    Args:
        view: any.
        weights: of its channels.
    """
    return Compared(view) if isinstance(view, Refined) and not weights[2] else view


def _compared(
    taste: Taste, candidates: Candidates, other: Vector
) -> tuple[NDArray[np.float64], Vector]:
    """All three channels, the third 0, and the products with one more row."""
    liked = taste.liking > 0
    similar, products = _products(taste.vectors[liked], other, candidates.vectors)
    totals = np.zeros((3, len(candidates)))
    if len(similar):
        totals[0] = similar[-1]
        aged = (_BEST_DECAY ** taste.lags[liked]).astype(np.float32)
        totals[1] = (similar * aged[:, None]).max(axis=0)
    return totals, products


def _products(entries: Matrix, other: Vector, vectors: Matrix) -> tuple[Matrix, Vector]:
    """Of entries and one more row with vectors: float32 ``[entries, c]`` and ``[c]``."""
    count = len(entries)
    # OpenBLAS takes a third longer for 11 rows than for 12: it takes four at a time.
    rows = np.zeros((-(-(count + 1) // 4) * 4, len(other)), np.float32)
    rows[:count], rows[count] = entries, other
    products = rows @ vectors.T
    return products[:count], products[count]


def refine(vectors: Matrix) -> Refined | None:
    """Learn from the catalog's vectors; None if there are fewer than two.

    Args:
        vectors: float32 ``[n, d]``; zero rows are left out.
    """
    rows = vectors[np.any(vectors != 0, axis=1)]
    if len(rows) < 2:  # noqa: PLR2004
        return None
    centre, covariance = _covariance(rows)
    metric = np.linalg.inv(_shrunk(covariance, SHRINKAGE)).astype(np.float32)
    mean = centre.astype(np.float32)
    return Refined(mean, metric, _lengths(vectors, mean, metric))


def whitened(vectors: Matrix, shrinkage: float) -> Matrix:
    """Unit rows after nearly equal variance in all directions; zero rows stay zero.

    Args:
        vectors: float32 ``[n, d]``.
        shrinkage: as `SHRINKAGE`.
    """
    given = np.any(vectors != 0, axis=1)
    if not given.any():
        return vectors
    mean, covariance = _covariance(vectors[given])
    values, directions = np.linalg.eigh(_shrunk(covariance, shrinkage))
    rows = (vectors - mean) @ (directions / np.sqrt(values))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), TINY)
    return np.asarray(rows * given[:, None], np.float32)


def _covariance(rows: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    return mean, centred.T @ centred / len(rows)


def _shrunk(covariance: NDArray[np.float64], shrinkage: float) -> NDArray[np.float64]:
    spread = float(np.trace(covariance)) / len(covariance)
    return np.asarray(covariance + (shrinkage * spread + TINY) * np.eye(len(covariance)))


def _lengths(vectors: Matrix, mean: Vector, metric: Matrix) -> Vector:
    rows = vectors - mean
    squares = np.einsum("cd,cd->c", rows @ metric, rows)
    return np.asarray(np.sqrt(squares.clip(TINY)), np.float32)
