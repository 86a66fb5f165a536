"""Matrix factorisation of implicit feedback, with the history folded in at the call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.channels import largest_products
from bertine.kernels.fold import folded
from bertine.recommend.learn.channel import Numbers, Shares, Totals, empty
from bertine.recommend.learn.taste import LATEST, Candidates, Taste
from bertine.types import Vector

CONFIDENCE = 10.0
"""That an event adds to the confidence of 1 in what was not done (alpha)."""

REGULARIZATION = 0.05


_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
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

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        return np.asarray(candidates.take(self.items) @ self._user(taste))[None, :]

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
        user = self._user(taste)
        found = np.empty(count, np.int64)
        return found[: largest_products(self.items, user, found)]

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.gram), np.float64)

    def _user(self, taste: Taste) -> Vector:
        """A^-1 sum_h c_h y_h, folded in once: float32 ``[f]``."""
        user: Vector | None = taste.kept.get(self)
        if user is None:
            user = np.empty(self.items.shape[1], np.float32)
            entries = _counting(taste)
            extra = CONFIDENCE * taste.liking[entries]
            folded(self.items, self._inverse, taste.items[entries], extra, user)
            taste.kept[self] = user
        return user

    def _solved(self, taste: Taste) -> tuple[Numbers, NDArray[np.float64]]:
        """The entries that count, and c_h A^-1 y_h of each: float64 ``[f, entries]``."""
        entries, confidence, inverse, mixed = self._folded(taste)
        return entries, np.asarray(inverse @ np.linalg.inv(mixed) * confidence)

    def _folded(self, taste: Taste) -> tuple[Numbers, _Floats, _Floats, _Floats]:
        """The entries that count, with rows R and D = diag(c - 1): c, G^-1 R', I + D R G^-1 R'.

        By Woodbury's identity (G + R' D R)^-1 R' = G^-1 R' (I + D R G^-1 R')^-1: a system as large
        as the history, not as the factors.
        """
        entries = _counting(taste)
        rows = self.items[taste.items[entries]].astype(np.float64)
        extra = CONFIDENCE * taste.liking[entries]
        inverse = self._inverse @ rows.T
        mixed = np.eye(len(entries)) + extra[:, None] * (rows @ inverse)
        return entries, 1.0 + extra, inverse, mixed


def _counting(taste: Taste) -> Numbers:
    """The entries that count: known, and liked."""
    return np.flatnonzero((taste.items >= 0) & (taste.liking > 0))[-LATEST:]
