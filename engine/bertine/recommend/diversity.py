"""The order of a list that says something new at every place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.select import mmr
from bertine.types import Matrix


def diversified(
    order: Sequence[int],
    scores: NDArray[np.float64],
    vectors: Matrix,
    novelty: float,
    count: int,
) -> list[int]:
    """The first candidates by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

    Scores are brought to 0 .. 1, the last of `order` to the best, so that the same novelty means
    the same whatever scale the channels have.

    Args:
        order: candidates that are considered, best first.
        scores: float64 ``[c]``.
        vectors: float32 ``[c, d]``, unit rows.
        novelty: 1 - lambda, 0 .. 1; at 0 the order stays.
        count: how many are wanted.
    """
    if not novelty or not order:
        return list(order[:count])
    rows = np.array(order)
    relevance = scores[rows]
    span = relevance[0] - relevance[-1]
    scaled = (relevance - relevance[-1]) / span if span > 0.0 else np.zeros(len(rows))
    chosen = np.empty(min(count, len(rows)), np.int64)
    mmr(np.ascontiguousarray(vectors[rows]), scaled, novelty, chosen)
    picked: list[int] = rows[chosen].tolist()
    return picked
