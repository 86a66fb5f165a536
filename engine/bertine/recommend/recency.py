"""Newer items score higher."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Attributes
from bertine.recommend.rules import Recency


def boosts(
    rule: Recency, opens: NDArray[np.float64], attributes: Sequence[Attributes], now: float
) -> NDArray[np.float64]:
    """What each candidate gains: ``weight * 2^(-age / half_life)``, float64 ``[c]``.

    An item without a time gains nothing, one of the future as much as one of this moment.

    Args:
        rule: whose weight and half-life.
        opens: float64 ``[c]``, `available_from`, -inf for none.
        attributes: of each candidate.
        now: seconds since the epoch.
    """
    times = opens if not rule.attribute else _times(rule.attribute, attributes)
    age = np.maximum(now - times, 0.0)
    return np.asarray(rule.weight * np.exp2(-age / rule.half_life))


def _times(name: str, attributes: Sequence[Attributes]) -> NDArray[np.float64]:
    values = (each.get(name) for each in attributes)
    known = (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) else -np.inf
        for value in values
    )
    return np.fromiter(known, np.float64, len(attributes))
