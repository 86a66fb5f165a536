"""The highest open-loop rate that keeps a latency: goodput's knee."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_GROWTH = 1.3
_PRECISION = 0.04
_LOWEST_SHARE = 0.02
_HIGHEST_SHARE = 4.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate that was tried.

    Attributes:
        rate: calls a second.
        kept: whether the latency was kept.
    """

    rate: float
    kept: bool


@dataclass(slots=True)
class Knee:
    """What a search found.

    Attributes:
        rate: the highest that was kept, 0 if none was.
        trials: in order.
        votes: of each trial, the percentiles in seconds that decided it.
    """

    rate: float = 0.0
    trials: list[Trial] = field(default_factory=list)
    votes: list[list[float]] = field(default_factory=list)


def next_rate(trials: Sequence[Trial], first: float) -> float | None:
    """The rate to try next; None if the search is over.

    From `first` up or down by `_GROWTH` until one rate was kept and a higher one was not; then
    their geometric mean, until the two are within `_PRECISION`.

    Args:
        trials: so far.
        first: where to begin, > 0.
    """
    kept = max((trial.rate for trial in trials if trial.kept), default=None)
    lost = min((trial.rate for trial in trials if not trial.kept), default=None)
    if kept is None and lost is None:
        return first
    if lost is None:
        return _within(kept * _GROWTH if kept else first, first)
    if kept is None:
        return _within(lost / _GROWTH, first)
    return math.sqrt(kept * lost) if lost > kept * (1 + _PRECISION) else None


def majority(measure: Callable[[int], float], limit: float) -> tuple[bool, list[float]]:
    """Measure until two of at most three agree whether a limit is kept.

    Args:
        measure: a percentile in seconds; told how often it was called before.
        limit: inclusive.

    Returns:
        Whether it is kept, and what was measured.
    """
    measured: list[float] = []
    votes: Counter[bool] = Counter()
    while max(votes.values(), default=0) <= 1:
        measured.append(measure(len(measured)))
        votes[measured[-1] <= limit] += 1
    return votes[True] > 1, measured


def find(measure: Callable[[float, int], float], first: float, limit: float) -> Knee:
    """Search for the knee.

    Args:
        measure: offers a rate and returns the percentile in seconds; the number is a seed.
        first: rate to begin at.
        limit: of the percentile, seconds.
    """
    knee = Knee()
    while (rate := next_rate(knee.trials, first)) is not None:
        kept, votes = majority(lambda number, rate=rate: measure(rate, number), limit)  # type: ignore[misc]
        knee.trials.append(Trial(rate, kept))
        knee.votes.append(votes)
        if kept:
            knee.rate = max(knee.rate, rate)
    return knee


def _within(rate: float, first: float) -> float | None:
    """None beyond what can be meant: the first rate was no guess at all."""
    return rate if first * _LOWEST_SHARE <= rate <= first * _HIGHEST_SHARE else None
