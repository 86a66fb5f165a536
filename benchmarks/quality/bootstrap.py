"""How sure a mean over rows is: users are drawn again with replacement, all rows of each.

Efron and Tibshirani, An introduction to the bootstrap, 1993; rows of one user are no independent
observations, so users are the unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
LEVEL = 0.95
_BLOCK = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over rows, and the percentile interval of 95 % about it."""

    mean: float
    low: float
    high: float


def estimate(values: NDArray[np.float64], users: NDArray[np.int64], seed: int = 0) -> Estimate:
    """The mean of rows and its interval.

    Args:
        values: float64 ``[rows]``.
        users: int64 ``[rows]``, whose row it is.
        seed: of the draws.
    """
    means = resampled(values[:, None], users, seed)[:, 0]
    return Estimate(float(values.mean()), *_interval(means))


def ratio(
    over: NDArray[np.float64], under: NDArray[np.float64], users: NDArray[np.int64], seed: int = 0
) -> Estimate:
    """The ratio of two means on the same rows, both from the same draws."""
    means = resampled(np.stack([over, under], axis=1), users, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = means[:, 0] / means[:, 1]
        return Estimate(float(over.mean() / under.mean()), *_interval(ratios))


def resampled(
    values: NDArray[np.float64], users: NDArray[np.int64], seed: int, count: int = RESAMPLES
) -> NDArray[np.float64]:
    """Means of each column in each resample: float64 ``[count, columns]``.

    Args:
        values: float64 ``[rows, columns]``.
        users: int64 ``[rows]``.
        seed: of the draws.
        count: of resamples.
    """
    _, places = np.unique(users, return_inverse=True)
    people = int(places.max()) + 1
    sums = np.stack([np.bincount(places, column, people) for column in values.T], axis=1)
    rows = np.bincount(places, minlength=people)
    random = np.random.default_rng(seed)
    blocks = []
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        drawn = random.multinomial(people, np.full(people, 1.0 / people), size).astype(np.float64)
        blocks.append((drawn @ sums) / (drawn @ rows)[:, None])
    return np.concatenate(blocks)


def _interval(means: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.nanquantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return float(low), float(high)
