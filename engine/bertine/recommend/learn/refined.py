"""More channels of the items' vectors: what is near in another sense than the profile's cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, empty
from bertine.recommend.learn.content import TINY
from bertine.recommend.learn.lags import lags, strengths
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

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 3)
        liked = np.flatnonzero(strengths(taste) > 0)
        if not len(candidates) or not len(taste):
            return shares
        if len(liked):
            similar = candidates.vectors @ taste.vectors[liked].T
            shares[:, 0, liked[-1]] = similar[:, -1]
            aged = similar * _BEST_DECAY ** lags(taste.times)[liked].astype(np.float64)
            best = aged.argmax(axis=1)
            rows = np.arange(len(candidates))
            shares[rows, 1, liked[best]] = aged[rows, best]
        shares[:, 2, :-1] = self._even(taste, candidates)
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """None: the index finds them."""
        del taste, count
        return NOTHING

    def _even(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        # All in float32: the metric would be copied for a product with float64.
        entries = (taste.vectors - self.mean) * taste.weights[:, None].astype(np.float32)
        profile = entries.sum(axis=0)
        moved = entries @ self.metric
        length = np.sqrt(max(float(profile @ self.metric @ profile), 0.0))
        if length <= TINY:
            return np.zeros((len(candidates), len(taste)))
        similar = candidates.vectors @ moved.T - self.mean @ moved.T
        return np.asarray(similar / (length * self._lengths(candidates)[:, None]), np.float64)

    def _lengths(self, candidates: Candidates) -> Vector:
        """Looked up where the item is known: a product with the metric takes milliseconds."""
        lengths = np.ones(len(candidates), np.float32)
        known = candidates.numbers >= 0
        lengths[known] = self.lengths[candidates.numbers[known]]
        unknown = candidates.vectors[~known]
        if len(unknown):
            lengths[~known] = _lengths(unknown, self.mean, self.metric)
        return lengths


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
