"""How much each channel counts: weights of at least 0 that would have served the rows best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.links import ranks
from bertine.recommend.learn.validation import Scored

LEAST_GAIN = 2e-4
"""NDCG that a channel has to add, else it is left out."""

_TOP = 10
_ROUNDS = 2
_FACTORS = (0.0, 0.6, 0.8, 1.25, 1.6)
_ADDED = (0.05, 0.15, 0.4, 1.0)

Weights = NDArray[np.float64]
Columns = NDArray[np.float32]
"""float32 ``[channels, n]``, contiguous."""


def fit(rows: Scored) -> Weights:
    """Add the channel that helps most, and again, as long as NDCG@10 grows by `LEAST_GAIN`.

    After each addition the weights are moved one at a time (coordinate ascent; Metzler and Croft
    2007, Linear Feature-Based Models for Information Retrieval). Few channels carry over to what
    comes later better than many: channels that tell nearly the same get no weight of their own.

    Returns:
        float64 ``[channels]``, at least 0.
    """
    spread = rows.values.std(axis=0, dtype=np.float64)
    columns = np.ascontiguousarray(rows.values.T)
    return _ascend(rows, columns, _grow(rows, columns, spread), spread, _ROUNDS)


def ndcg(rows: Scored, weights: Weights) -> float:
    """Mean NDCG@10, of binary relevance; a target that was not proposed is a miss.

    DCG = sum over targets at rank r (from 1) of 1 / log2(r + 1), over the DCG of the best order
    (Jaervelin and Kekaelaeinen 2002). Ties count as half a rank.
    """
    return _reached(rows, rows.values @ weights.astype(np.float32))


def _reached(rows: Scored, scores: NDArray[np.float32]) -> float:
    """NDCG@10 of the order by some scores, float32 ``[n]``."""
    places = np.empty(len(rows.targets))
    ranks(scores, np.append(rows.starts, len(scores)), rows.targets, rows.target_rows, places)
    gains = np.where(rows.found & (places <= _TOP), 1.0 / np.log2(places + 1.0), 0.0)
    sums = np.bincount(rows.target_rows, gains, len(rows.starts))
    discounts = np.cumsum(1.0 / np.log2(np.arange(2, _TOP + 2)))
    return float((sums / discounts[np.minimum(rows.target_counts, _TOP) - 1]).mean())


def _grow(rows: Scored, columns: Columns, spread: Weights) -> Weights:
    """Add one channel after another, each time the one that helps most (forward selection)."""
    weights = np.zeros(len(spread))
    best = 0.0
    while True:
        gain, weights_then = _best_addition(rows, columns, spread, weights)
        if gain < best + LEAST_GAIN:
            return weights
        best, weights = gain, _ascend(rows, columns, weights_then, spread, 1)


def _best_addition(
    rows: Scored, columns: Columns, spread: Weights, weights: Weights
) -> tuple[float, Weights]:
    scores = columns.T @ weights.astype(np.float32)
    unit = float((weights * spread).max()) or 1.0
    best, found = 0.0, weights
    for channel in np.flatnonzero((weights == 0) & (spread > 0)):
        for share in _ADDED if weights.any() else (1.0,):
            weight = share * unit / float(spread[channel])
            reached = _reached(rows, scores + np.float32(weight) * columns[channel])
            if reached > best:
                best, found = reached, weights.copy()
                found[channel] = weight
    return best, found


def _ascend(
    rows: Scored, columns: Columns, weights: Weights, spread: Weights, rounds: int
) -> Weights:
    """Steps of one weight at a time."""
    scores = columns.T @ weights.astype(np.float32)
    best = _reached(rows, scores)
    weights = weights.copy()
    for _ in range(rounds):
        for channel in np.argsort(-weights * spread, kind="stable"):
            for weight in _steps(weights, int(channel)):
                moved = scores + np.float32(weight - weights[channel]) * columns[channel]
                reached = _reached(rows, moved)
                if reached > best:
                    best, scores, weights[channel] = reached, moved, weight
    return weights


def _steps(weights: Weights, channel: int) -> list[float]:
    return [factor * float(weights[channel]) for factor in _FACTORS if weights[channel] > 0]
