"""A method on the rows of a case: ranks of all targets, the lists, and every figure of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import ranking
from benchmarks.quality.bootstrap import Estimate, estimate
from benchmarks.quality.cases import Case, Items, Row
from benchmarks.quality.methods import Method
from benchmarks.ranking import Ranks

TOP_K = 10
_BLOCK = 128

PER_ROW: dict[str, Callable[[Ranks], float]] = {
    "hr5": lambda ranks: ranking.hit_rate(ranks, 5),
    "hr10": lambda ranks: ranking.hit_rate(ranks, 10),
    "ndcg5": lambda ranks: ranking.ndcg(ranks, 5),
    "ndcg10": lambda ranks: ranking.ndcg(ranks, 10),
    "mrr": ranking.reciprocal_rank,
    "recall10": lambda ranks: ranking.recall(ranks, 10),
    "recall50": lambda ranks: ranking.recall(ranks, 50),
}
"""A figure of one row by the ranks of its targets; means over rows are what is reported."""


@dataclass(frozen=True)
class Outcome:
    """What a method did.

    Attributes:
        name: of the method.
        ranks: of each row's targets.
        lists: the best of each row, best first.
        users: int64 ``[rows]``.
    """

    name: str
    ranks: Sequence[Ranks]
    lists: Sequence[Items]
    users: NDArray[np.int64]

    def values(self, metric: str) -> NDArray[np.float64]:
        """A figure of `PER_ROW` for each row."""
        return np.array([PER_ROW[metric](ranks) for ranks in self.ranks])

    def mean(self, metric: str) -> float:
        """Over all rows."""
        return float(self.values(metric).mean())

    def estimate(self, metric: str) -> Estimate:
        """Mean and interval over users."""
        return estimate(self.values(metric), self.users)


def evaluate(
    method: Method,
    case: Case,
    rows: Sequence[Row],
    on_done: Callable[[int], None] = lambda _: None,
    *,
    k: int = TOP_K,
) -> Outcome:
    """Rank all items for each row.

    Args:
        method: is asked block by block.
        case: whose rule about seen items holds.
        rows: of the case.
        on_done: told how many more rows are done.
        k: length of the lists.
    """
    ranks: list[Ranks] = []
    lists: list[Items] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        for row, scores in zip(block, method.scores(block), strict=True):
            allowed = candidates(scores, row, new_only=case.new_only)
            ranks.append(ranking.mid_ranks(allowed, row.targets))
            lists.append(ranking.top(allowed, k))
        on_done(len(block))
    return Outcome(method.name, ranks, lists, np.array([row.user for row in rows], np.int64))


def candidates(scores: NDArray[np.float64], row: Row, *, new_only: bool) -> NDArray[np.float64]:
    """The same scores, ``-inf`` for what the user had if only new items are asked for."""
    if new_only and len(row.history):
        scores = scores.copy()
        scores[row.history] = -np.inf
    return scores
