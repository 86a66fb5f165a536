"""What many users want: in all the time, lately, and just now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, Totals, empty, largest
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.taste import Candidates, Taste

SPANS = {"popularity": 1.0, "popularity_recent": 1 / 16, "trending": 1 / 128}
"""Half-life of an event by channel, as a share of the time that the events span."""


@dataclass(frozen=True)
class Popular:
    """value(c) = log(1 + sum of weight * 2^(-age / half-life) over the events of c).

    Attributes:
        names: of the channels, by falling half-life.
        values: float32 ``[items, channels]``.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        del taste
        return candidates.take(self.values).T

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, len(self.names))
        shares[:, :, -1] = self.totals(taste, candidates).T
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """See `View`."""
        del taste
        if not len(self.values):
            return NOTHING
        return np.concatenate([largest(column, count) for column in self.values.T])


def popular(interactions: Interactions) -> Popular:
    """Count the events that were liked."""
    liked = interactions.weights > 0
    items = interactions.items[liked]
    times, weights = interactions.times[liked], interactions.weights[liked]
    latest, first = times.max(initial=-np.inf), times.min(initial=np.inf)
    span = max(latest - first, 1.0) if len(times) else 1.0
    count = len(interactions.item_ids)
    columns = [
        np.log1p(np.bincount(items, weights * np.exp2((times - latest) / (span * share)), count))
        for share in SPANS.values()
    ]
    return Popular(tuple(SPANS), np.stack(columns, axis=1).astype(np.float32))
