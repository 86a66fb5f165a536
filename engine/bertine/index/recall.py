"""How well a trained index answers, from searches that were repeated exactly: pure decisions.

A query's recall is a number between 0 and 1, so its variance is at most m (1 - m) for a mean of m
(Bhatia and Davis, American Mathematical Monthly 107, 2000): that of a coin. Wilson's score interval
for a coin (Journal of the American Statistical Association 22, 1927) with one toss for each query
is therefore no narrower than it may be, and unlike the normal interval it does not shrink to
nothing where every query was answered perfectly.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

from bertine.types import Interval

CONFIDENCE = 0.95
"""With which a bound holds, each side for itself."""

WINDOW = 1_000
"""Repeated queries that an estimate stands on; older ones are forgotten."""

ENOUGH = 100
"""Repeated queries below which nothing is concluded."""

# It is asked again and again, so each answer must be wrong far more rarely than one of a table.
ALARM_CONFIDENCE = 0.9999
_SPENT_SHARE = 0.02


def wilson(total: float, count: int, confidence: float = CONFIDENCE) -> Interval:
    """The interval of a mean of `count` numbers between 0 and 1 whose sum is `total`.

    Args:
        total: 0 to `count`.
        count: not negative.
        confidence: of each bound for itself, above 0.5 and below 1.
    """
    if count == 0:
        return Interval()
    z2 = NormalDist().inv_cdf(confidence) ** 2
    mean = min(max(total / count, 0.0), 1.0)
    centre = (mean + z2 / (2 * count)) / (1 + z2 / count)
    spread = math.sqrt(mean * (1 - mean) * z2 / count + (z2 / (2 * count)) ** 2) / (1 + z2 / count)
    # At 0 and 1 the bounds meet the mean exactly; rounding may not put them past it.
    lower, upper = min(mean, centre - spread), max(mean, centre + spread)
    return Interval(mean, max(0.0, lower), min(1.0, upper), count)


def queries_needed(target: float, confidence: float = CONFIDENCE) -> int:
    """The least number of perfectly answered queries whose lower bound reaches a target below 1."""
    z2 = NormalDist().inv_cdf(confidence) ** 2
    return math.ceil(z2 * target / (1 - target))


def recall_of(found: Sequence[float], exact: Sequence[float]) -> float | None:
    """The share of the exact hits that were found; a hit that ties with the last one counts.

    Args:
        found: exact scores of what was found.
        exact: scores of the exact hits, falling.

    Returns:
        0 to 1, or None if there was nothing to find.
    """
    if not exact:
        return None
    good = sum(score >= exact[-1] for score in found)
    return min(1.0, good / len(exact))


@dataclass(slots=True)
class Estimate:
    """Recall over the latest repeated queries of one trained part."""

    _recalls: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, recall: float) -> None:
        """Take one more query's recall, 0 to 1."""
        self._recalls.append(recall)

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """What is known now, with bounds of that confidence."""
        recalls = list(self._recalls)
        return wilson(math.fsum(recalls), len(recalls), confidence)

    def misses(self, target: float) -> bool:
        """Whether recall is below a target for all that chance could do."""
        known = self.interval(ALARM_CONFIDENCE)
        return known.count >= ENOUGH and known.upper < target


@dataclass(slots=True)
class Budget:
    """Keeps repeated searches to a share of one core's time.

    Attributes:
        free_at: reading of the clock from which the next one may begin.
    """

    free_at: float = 0.0

    def allows(self, now: float) -> bool:
        """Whether one may begin at a reading of the clock."""
        return now >= self.free_at

    def spend(self, now: float, seconds: float) -> None:
        """One has ended that took so long."""
        self.free_at = now + seconds * (1 / _SPENT_SHARE - 1)
