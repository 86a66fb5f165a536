"""The channel of the items' vectors: it knows every item, and needs no events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, empty
from bertine.recommend.learn.taste import Candidates, Taste

TINY = 1e-6


@dataclass(frozen=True)
class Content:
    """sim(u, c) = sum_h w_h <v_h, v_c> / |sum_h w_h v_h|, with the weights of the profile."""

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return ("content",)

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 1)
        if not len(taste) or not len(candidates):
            return shares
        norm = float(np.linalg.norm(taste.weights @ taste.vectors))
        if norm > TINY * max(float(np.abs(taste.weights).sum()), TINY):
            similar = candidates.vectors @ taste.vectors.T
            shares[:, 0, :-1] = similar * (taste.weights / norm)
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """None: the index finds them."""
        del taste, count
        return NOTHING
