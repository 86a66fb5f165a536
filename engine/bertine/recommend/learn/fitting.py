"""How much each channel counts: weights of at least 0 that would have served the rows best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bertine.recommend.learn.validation import Scored

PENALTY = 1e-3
"""On the squares of the weights, of channels scaled to a variance of 1."""

_TOP = 10
_ROUNDS = 2
_FACTORS = (0.0, 0.6, 1.6)
_SHARES = (0.1, 0.3)

Weights = NDArray[np.float64]


def fit(rows: Scored) -> Weights:
    """Weights by listwise softmax, then by steps of one weight at a time on NDCG@10.

    The first minimises the cross-entropy of the targets among each row's candidates (ListNet's
    top-one loss; Cao et al. 2007, Learning to Rank: From Pairwise to Listwise Approach), which is
    convex; the second is coordinate ascent (Metzler and Croft 2007, Linear Feature-Based Models).

    Returns:
        float64 ``[channels]``, at least 0.
    """
    spread = rows.values.std(axis=0).astype(np.float64)
    single = np.eye(len(spread)) / np.maximum(spread, 1e-9)
    # No worse than the best channel alone, whatever the cross-entropy prefers.
    starts = [_listwise(rows), *single[spread > 0]]
    return _ascend(rows, max(starts, key=lambda weights: ndcg(rows, weights)), spread)


def ndcg(rows: Scored, weights: Weights) -> float:
    """Mean NDCG@10, of binary relevance; a target that was not proposed is a miss.

    DCG = sum over targets at rank r (from 1) of 1 / log2(r + 1), over the DCG of the best order
    (Jaervelin and Kekaelaeinen 2002). Ties count as half a rank.
    """
    scores = rows.values @ weights.astype(np.float32)
    ranks = _ranks(rows, scores)
    gains = np.where(rows.found & (ranks <= _TOP), 1.0 / np.log2(ranks + 1.0), 0.0)
    sums = np.bincount(rows.target_rows, gains, len(rows.starts))
    discounts = np.cumsum(1.0 / np.log2(np.arange(2, _TOP + 2)))
    return float((sums / discounts[np.minimum(rows.target_counts, _TOP) - 1]).mean())


def _ranks(rows: Scored, scores: NDArray[np.float32]) -> NDArray[np.float64]:
    stops = np.append(rows.starts[1:], len(scores))
    ranks = np.empty(len(rows.targets))
    for n, (target, row) in enumerate(zip(rows.targets, rows.target_rows, strict=True)):
        line, own = scores[rows.starts[row] : stops[row]], scores[target]
        above = np.count_nonzero(line > own)
        ranks[n] = 1 + above + (np.count_nonzero(line == own) - 1) / 2
    return ranks


def _listwise(rows: Scored) -> Weights:
    spread = rows.values.std(axis=0).astype(np.float64)
    scale = np.where(spread > 0, 1.0 / np.maximum(spread, 1e-9), 0.0)
    values = rows.values * scale.astype(np.float32)
    sizes = np.diff(np.append(rows.starts, len(values)))
    shares = 1.0 / (rows.target_counts[rows.target_rows] * len(rows.starts))
    wanted = (values[rows.targets] * shares[:, None]).sum(axis=0, dtype=np.float64)

    def loss(weights: Weights) -> tuple[float, Weights]:
        scores = values @ weights.astype(np.float32)
        scores = scores.astype(np.float64)
        tops = np.maximum.reduceat(scores, rows.starts)
        powers = np.exp(scores - np.repeat(tops, sizes))
        sums = np.add.reduceat(powers, rows.starts)
        likely = powers / np.repeat(sums, sizes) / len(sums)
        expected = values.T @ likely.astype(np.float32)
        entropy = float((np.log(sums) + tops).mean()) - float(wanted @ weights)
        penalty = PENALTY * float(weights @ weights)
        return entropy + penalty, expected.astype(np.float64) - wanted + 2 * PENALTY * weights

    count = values.shape[1]
    start = np.full(count, 0.1)
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * count
    )
    return np.asarray(found.x * scale, np.float64)


def _ascend(rows: Scored, weights: Weights, spread: Weights) -> Weights:
    best = ndcg(rows, weights)
    for _ in range(_ROUNDS):
        for channel in np.argsort(-weights * spread, kind="stable"):
            for weight in _steps(weights, spread, int(channel)):
                tried = weights.copy()
                tried[channel] = weight
                reached = ndcg(rows, tried)
                if reached > best:
                    best, weights = reached, tried
    return weights


def _steps(weights: Weights, spread: Weights, channel: int) -> list[float]:
    """What a weight is tried as; one that is 0 is tried as shares of the largest."""
    if spread[channel] <= 0:
        return []
    if weights[channel] > 0:
        return [factor * float(weights[channel]) for factor in _FACTORS]
    largest = float((weights * spread).max())
    return [share * largest / float(spread[channel]) for share in _SHARES]
