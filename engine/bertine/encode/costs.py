"""What a batch costs: seconds as a function of its shape, fitted to a few that were timed.

    seconds(rows, length) = batch + token * rows * length + square * rows * length**2

The first term is what every call of the session costs, the second the matrix products with the
weights, the third attention. None is negative, so a larger batch is never predicted to be faster.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np
from numpy.typing import NDArray

# Seconds that a batch costs outside the session (planning, padding, handing out): 0.1 ms for one
# job of 16 rows, 0.3 for 16 jobs of one, measured with a session that does nothing.
_OUTSIDE = 0.0002
# What is left to gain by larger batches; below it they only make everybody wait longer.
_WORTH_IT = 0.02
_KNEE_LENGTH = 32
_KNEE_SECONDS = 0.02
_KNEE_TOKENS = (256, 65_536)
# The weight of the latest batch in what batches take beside their prediction.
_LEARNING = 0.05
_DRIFT_BOUNDS = (0.1, 10.0)


@dataclass(frozen=True, slots=True)
class Timing:
    """A batch that was timed: ``rows`` of ``length`` tokens, ``seconds`` in the session."""

    rows: int
    length: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CostModel:
    """Seconds of a batch; all zero is a model of which nothing is known.

    Attributes:
        batch: seconds of any batch.
        token: seconds of one token, padding counted.
        square: seconds of one token and each token of its row.
    """

    batch: float = 0.0
    token: float = 0.0
    square: float = 0.0

    def seconds(self, rows: int, length: float) -> float:
        """How long ``rows`` of ``length`` tokens take; grows with both."""
        return self.batch + rows * self.row_seconds(length)

    def row_seconds(self, length: float) -> float:
        """What one more row of ``length`` tokens adds."""
        return length * (self.token + self.square * length)

    def rows_within(self, seconds: float, length: float) -> int:
        """The most rows of ``length`` tokens that take no longer than ``seconds``, at least 1."""
        row = self.row_seconds(length)
        if row <= 0 or (rows := (seconds - self.batch) / row) >= sys.maxsize:
            return sys.maxsize
        return max(1, int(rows))

    def queue_seconds(self, rows: int, tokens: int, max_rows: int, max_tokens: int) -> float:
        """How long rows take that wait, in batches as large as allowed.

        Args:
            rows: that wait.
            tokens: of them all together, at least one each.
            max_rows: of a batch.
            max_tokens: of a batch.
        """
        if not rows:
            return 0.0
        length = tokens / rows
        together = max(1.0, min(max_rows, max_tokens / length))
        return ceil(rows / together) * self.batch + rows * self.row_seconds(length)

    def scaled(self, factor: float) -> CostModel:
        """The same on a device that takes ``factor`` times as long."""
        return CostModel(self.batch * factor, self.token * factor, self.square * factor)


def fit(timings: Sequence[Timing]) -> CostModel:
    """The cost model nearest to what was timed, by non-negative least squares of relative errors.

    With three coefficients every choice of those that are not zero can be tried, which is exact.

    Args:
        timings: any number; shapes that differ in tokens and in length tell the terms apart.
    """
    if not timings:
        return CostModel()
    shapes = [(1.0, t.rows * t.length, t.rows * t.length**2) for t in timings]
    seconds = np.array([max(t.seconds, 1e-9) for t in timings])
    relative = np.array(shapes, dtype=np.float64) / seconds[:, None]
    chosen = [free for size in (1, 2, 3) for free in combinations(range(3), size)]
    tried = [_least_squares(relative, list(free)) for free in chosen]
    errors = [float(((relative @ found - 1) ** 2).sum()) for found in tried]
    return CostModel(*(float(value) for value in tried[int(np.argmin(errors))]))


def _least_squares(relative: NDArray[np.float64], free: list[int]) -> NDArray[np.float64]:
    """Coefficients of which only ``free`` differ from zero; all zero if one would be negative."""
    found = np.zeros(3)
    solution = np.linalg.lstsq(relative[:, free], np.ones(len(relative)), rcond=None)[0]
    if (solution >= 0).all():
        found[free] = solution
    return found


def best_tokens(costs: CostModel) -> int:
    """The smallest budget of a batch, in tokens, that has all but 2 % of the best throughput.

    A larger one gains nothing and lets every row wait for more others; so does one that takes
    above 20 ms.
    """
    token = _token_seconds(costs)
    smallest, largest = _KNEE_TOKENS
    if token <= 0:
        return largest
    knee = (costs.batch + _OUTSIDE) / token * (1 / _WORTH_IT - 1)
    bound = (_KNEE_SECONDS - costs.batch) / token
    return round(min(max(min(knee, bound), smallest), largest))


def free_padding(costs: CostModel) -> int:
    """Tokens of padding that cost as much as one more batch."""
    token = _token_seconds(costs)
    return round((costs.batch + _OUTSIDE) / token) if token > 0 else 0


def attention(costs: CostModel) -> float:
    """What a token costs for each token of its row, as a part of what it costs without them."""
    return costs.square / costs.token if costs.token > 0 else 0.0


def _token_seconds(costs: CostModel) -> float:
    return costs.row_seconds(_KNEE_LENGTH) / _KNEE_LENGTH


class Forecast:
    """A cost model that follows what batches really take.

    A machine is slower when others use it too, and faster than it was while it warmed up.

    Args:
        fitted: the model as timed.

    Attributes:
        costs: the model as it holds now.
    """

    def __init__(self, fitted: CostModel) -> None:
        self._fitted = fitted
        self._factor = 1.0
        self.costs = fitted

    def learn(self, rows: int, length: int, seconds: float) -> None:
        """Take note of what a batch took."""
        expected = self._fitted.seconds(rows, length)
        if expected <= 0:
            return
        least, most = _DRIFT_BOUNDS
        seen = min(max(seconds / expected, least), most)
        self._factor += _LEARNING * (seen - self._factor)
        self.costs = self._fitted.scaled(self._factor)
