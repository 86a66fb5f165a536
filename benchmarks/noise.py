"""Whether two sets of rounds differ by more than chance: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from statistics import median
from typing import Literal, TypeAlias

LEVEL = 0.05
"""A difference counts if chance alone would show it less often than this."""

LEAST_CHANGE = 0.02
"""What is less than two per cent is called the same, however sure it is."""

FEW_ROUNDS = 4
"""Fewer on a side can never be ranked so far apart that chance is below `LEVEL`."""

FEW_CHANGE = 0.10
"""What a figure with few rounds must change by, with no round among the other side's."""

Verdict: TypeAlias = Literal["same", "noise", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a figure changed.

    Attributes:
        change: new by old, less 1.
        chance: probability of such ranks by chance, two-sided; None of few rounds.
        verdict: ``same`` is small, ``noise`` is large but may be chance.
    """

    change: float
    chance: float | None
    verdict: Verdict


def difference(old: Sequence[float], new: Sequence[float]) -> Difference:
    """Compare rounds by rank (Mann and Whitney, 1947), medians for the size.

    Args:
        old: at least one value.
        new: the same; with few values on a side there is no test, see `FEW_CHANGE`.
    """
    before, after = median(old), median(new)
    change = (after - before) / abs(before) if before else float(after != before)
    few = min(len(old), len(new)) < FEW_ROUNDS
    chance = None if few else rank_chance(old, new)
    if abs(change) < LEAST_CHANGE:
        return Difference(change, chance, "same")
    apart = max(old) < min(new) or max(new) < min(old)
    sure = apart and abs(change) >= FEW_CHANGE if chance is None else chance < LEVEL
    return Difference(change, chance, "changed" if sure else "noise")


def rank_chance(old: Sequence[float], new: Sequence[float]) -> float:
    """Two-sided exact probability of ranks at least as far apart, if nothing had changed.

    Equal values count half for each side, which makes it slightly too cautious.
    """
    wins = sum((a < b) + 0.5 * (a == b) for a in old for b in new)
    fewer = int(min(wins, len(old) * len(new) - wins))
    ways = sum(_ways(len(old), len(new), number) for number in range(fewer + 1))
    return min(1.0, 2 * ways / comb(len(old) + len(new), len(old)))


@cache
def _ways(left: int, right: int, wins: int) -> int:
    """Orders of so many values of each side in which the right wins so many pairs."""
    if wins < 0:
        return 0
    if left == 0 or right == 0:
        return int(wins == 0)
    return _ways(left - 1, right, wins) + _ways(left, right - 1, wins - left)
