"""Matrix factorisation of implicit feedback, with the history folded in at the call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, empty, largest
from bertine.recommend.learn.lags import strengths
from bertine.recommend.learn.taste import Candidates, Taste

CONFIDENCE = 10.0
"""That an event adds to the confidence of 1 in what was not done (alpha)."""

REGULARIZATION = 0.05

_LATEST = 100


@dataclass(frozen=True)
class Factors:
    """Hu, Koren and Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets.

    With Y the items' factors, c_h = 1 + alpha * strength_h and
    A = Y'Y + lambda I + sum_h (c_h - 1) y_h y_h', the user is A^-1 sum_h c_h y_h, so that
    value(c) = sum_h c_h <y_c, A^-1 y_h>: a sum over the history (their section 5).

    Attributes:
        items: float32 ``[items, f]``; zero for an item without an event.
        gram: float64 ``[f, f]``, Y'Y + lambda I.
    """

    items: NDArray[np.float32]
    gram: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return ("factors",)

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 1)
        entries, solved = self._solved(taste)
        known = np.flatnonzero(candidates.numbers >= 0)
        if len(entries) and len(known):
            values = self.items[candidates.numbers[known]] @ solved
            shares[known[:, None], 0, entries] = values
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """See `View`."""
        entries, solved = self._solved(taste)
        if not len(entries):
            return NOTHING
        user = solved.sum(axis=1).astype(np.float32)
        return largest((self.items @ user).astype(np.float64), count)

    def _solved(self, taste: Taste) -> tuple[Numbers, NDArray[np.float64]]:
        """The entries that count, and c_h A^-1 y_h of each: float64 ``[f, entries]``."""
        liked = strengths(taste)
        entries = np.flatnonzero((taste.items >= 0) & (liked > 0))[-_LATEST:]
        rows = self.items[taste.items[entries]].astype(np.float64)
        extra = CONFIDENCE * liked[entries]
        left = self.gram + (rows.T * extra) @ rows
        solved = np.linalg.solve(left, rows.T * (1.0 + extra))
        return entries.astype(np.int64), np.asarray(solved, np.float64)
