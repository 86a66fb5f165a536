"""What was had before: some things are bought again, others never."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bertine.kernels.channels import repeated
from bertine.recommend.learn.channel import Numbers, Shares, Totals, empty
from bertine.recommend.learn.taste import Candidates, Taste

_DECAY = 0.7


@dataclass(frozen=True)
class Repeats:
    """Two channels: what speaks for an item of the history, and what against.

    - ``repeat``: sum_h strength_h * 0.7^lag_h over the entries that are the candidate.
    - ``seen``: -1 for an item of the history, shared equally by the entries that are it.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return ("repeat", "seen")

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        totals = np.zeros((2, len(candidates)))
        repeated(taste.items, taste.faded(_DECAY), candidates.numbers, totals)
        return totals

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 2)
        same = (candidates.numbers[:, None] == taste.items) & (taste.items >= 0)
        shares[:, 0, :-1] = same * taste.faded(_DECAY)
        shares[:, 1, :-1] = np.negative(same / np.maximum(same.sum(axis=1, keepdims=True), 1))
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """The items of the history, the latest first to be kept."""
        known = taste.items[(taste.items >= 0) & (taste.liking > 0)]
        return known[-count:]
