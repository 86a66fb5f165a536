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
    """

    mean: Vector
    metric: Matrix

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
        entries = (taste.vectors - self.mean) * taste.weights[:, None]
        profile = entries.sum(axis=0)
        moved = entries @ self.metric
        length = np.sqrt(max(float(profile @ self.metric @ profile), 0.0))
        if length <= TINY:
            return np.zeros((len(candidates), len(taste)))
        rows = (candidates.vectors - self.mean).astype(np.float32)
        lengths = np.sqrt(np.einsum("cd,cd->c", rows @ self.metric, rows).clip(TINY))
        return np.asarray((rows @ moved.T) / (length * lengths[:, None]), np.float64)


def refine(vectors: Matrix) -> Refined | None:
    """Learn from the catalog's vectors; None if there are fewer than two.

    Args:
        vectors: float32 ``[n, d]``; zero rows are left out.
    """
    rows = vectors[np.any(vectors != 0, axis=1)]
    if len(rows) < 2:  # noqa: PLR2004
        return None
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    covariance = centred.T @ centred / len(rows)
    spread = float(np.trace(covariance)) / len(covariance)
    shrunk = covariance + (SHRINKAGE * spread + TINY) * np.eye(len(covariance))
    return Refined(mean.astype(np.float32), np.linalg.inv(shrunk).astype(np.float32))
