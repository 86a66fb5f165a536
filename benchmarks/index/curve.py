"""Speed at equal recall, read from a measured curve: pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of an index, measured.

    Attributes:
        recall: 0 to 1.
        rate: queries a second, > 0.
    """

    recall: float
    rate: float


def front(points: Iterable[Point]) -> list[Point]:
    """The points that no other beats in both, by rising recall and falling rate."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (-point.recall, -point.rate)):
        if not kept or point.rate > kept[-1].rate:
            kept.append(point)
    return kept[::-1]


def rate_at(points: Sequence[Point], recall: float) -> float | None:
    """The rate at a recall, between the two nearest points of the front.

    The logarithm of the rate is taken as linear in recall. Nothing is continued beyond what was
    measured: below the least recall of the front its rate counts, which is the fastest there is.

    Returns:
        None if no point reaches the recall.
    """
    curve = front(points)
    if not curve or curve[-1].recall < recall:
        return None
    if recall <= curve[0].recall:
        return curve[0].rate
    left, right = next(pair for pair in pairwise(curve) if pair[1].recall >= recall)
    share = (recall - left.recall) / (right.recall - left.recall)
    rate = math.exp((1 - share) * math.log(left.rate) + share * math.log(right.rate))
    # Rounding may not put it past its neighbours.
    return min(left.rate, max(right.rate, rate))


def ratios_at(
    ours: Sequence[Sequence[Point]], theirs: Sequence[Sequence[Point]], recall: float
) -> list[float] | None:
    """Our rate by theirs at a recall, within each round.

    Args:
        ours: a curve for each round.
        theirs: the same, of as many rounds.
        recall: 0 to 1.

    Returns:
        None if they never reach the recall; 0.0 for a round in which we do not.
    """
    pairs = [
        (rate_at(left, recall), rate_at(right, recall))
        for left, right in zip(ours, theirs, strict=True)
    ]
    if any(right is None for _, right in pairs):
        return None
    return [(left or 0.0) / right for left, right in pairs if right is not None]
