"""The channel of the items' vectors: it knows every item, and needs no events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, Totals, empty
from bertine.recommend.learn.taste import Candidates, Taste

TINY = 1e-6


@dataclass(frozen=True)
class Content:
    """sim(u, c) = sum_h w_h <v_h, v_c> / |sum_h w_h v_h|, with the weights of the profile."""

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return ("content",)

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        if not len(taste):
            return np.zeros((1, len(candidates)))
        profile = (_weights(taste) @ taste.vectors).astype(np.float32)
        return np.asarray(candidates.vectors @ profile)[None, :]

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 1)
        if len(taste):
            shares[:, 0, :-1] = (candidates.vectors @ taste.vectors.T) * _weights(taste)
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """None: the index finds them."""
        del taste, count
        return NOTHING


def _weights(taste: Taste) -> NDArray[np.float64]:
    """w_h / |sum_h w_h v_h|, zeros of a history that cancels out: float64 ``[h]``."""
    norm = float(np.linalg.norm(taste.weights @ taste.vectors))
    if norm <= TINY * max(float(np.abs(taste.weights).sum()), TINY):
        return np.zeros(len(taste))
    return np.asarray(taste.weights / norm)
