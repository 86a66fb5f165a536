"""How much each channel counts: weights of at least 0 that would have served the rows best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertine.kernels.links import ranks
from bertine.recommend.learn.validation import Scored

LEAST_GAIN = 2e-4
"""NDCG that a channel has to add, else it is left out."""

STEADY_ROWS = 1_000
"""Rows from which on a fit needs no help."""

_USUAL = 0.25
_TOP = 10
_DRAWS = 32
_DRAWN_ROWS = 250
_MERGED, _LEAST_MERGED = 16, 4
_FACTORS = (0.0, 0.6, 0.8, 1.25, 1.6)
_ADDED = (0.05, 0.15, 0.4, 1.0)
_KEPT = (1.0, 0.4, 0.15, 0.05, 0.02)

Weights = NDArray[np.float64]
Columns = NDArray[np.float32]
"""float32 ``[channels, n]``, contiguous."""


def fit(rows: Scored, content: NDArray[np.bool_], seed: int = 0) -> Weights:
    """Weights with a high NDCG@10 that do not hang on which rows there are.

    A greedy choice of channels ends where no single step helps, and a few other rows lead it
    elsewhere. So it is made on many samples of the rows, and those are summed that together do
    best on all of them. Then what adds nothing is left out.

    Args:
        rows: what to fit to.
        content: bool ``[channels]``, those that know items without an event. One of them counts in
            any case, else nobody would ever be shown what is new.
        seed: of the samples.

    Returns:
        float64 ``[channels]``, at least 0.
    """
    spread = rows.values.std(axis=0, dtype=np.float64)
    generator = np.random.default_rng(seed)
    drawn = [_chosen(_some(rows, generator), spread) for _ in range(_DRAWS)]
    return _with_content(rows, _pruned(rows, _merged(rows, drawn)), spread, content)


def steadied(weights: Weights, usual: Weights, rows: Scored) -> Weights:
    """Weights a quarter of which are usual ones, where they were fitted to few rows.

    Args:
        weights: float64 ``[channels]``, as they were fitted.
        usual: float64 ``[channels]``, what serves most catalogs; it is scaled to add as much.
        rows: what was fitted to.
    """
    spread = rows.values.std(axis=0, dtype=np.float64)
    usual = np.where(spread > 0, usual, 0.0)
    added = float(usual @ spread)
    if len(rows) >= STEADY_ROWS or not added:
        return weights
    return (1.0 - _USUAL) * weights + _USUAL * float(weights @ spread) / added * usual


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
    sums = np.bincount(rows.target_rows, gains, len(rows))
    discounts = np.cumsum(1.0 / np.log2(np.arange(2, _TOP + 2)))
    return float((sums / discounts[np.minimum(rows.target_counts, _TOP) - 1]).mean())


def _some(rows: Scored, generator: np.random.Generator) -> Scored:
    """A sample of the rows without repeats: half of them, or `_DRAWN_ROWS` if that is less."""
    count = min(-(-len(rows) // 2), _DRAWN_ROWS)
    chosen = np.zeros(len(rows), np.bool_)
    chosen[generator.choice(len(rows), count, replace=False)] = True
    return rows.of_rows(chosen)


def _chosen(rows: Scored, spread: Weights) -> Weights:
    """Add the channel that helps most, and again, as long as NDCG@10 grows by `LEAST_GAIN`.

    After each addition, and twice in the end, the weights are moved one at a time (coordinate
    ascent; Metzler and Croft 2007, Linear Feature-Based Models for Information Retrieval).

    Returns:
        float64 ``[channels]``; the weighted spreads sum to 1, if any channel helps.
    """
    columns = np.ascontiguousarray(rows.values.T)
    weights, best = np.zeros(len(spread)), 0.0
    while True:
        gain, added = _best_addition(rows, columns, spread, weights)
        if gain < best + LEAST_GAIN:
            break
        best, weights = gain, _ascend(rows, columns, added, spread)
    for _ in range(2):
        weights = _ascend(rows, columns, weights, spread)
    return weights / (float(weights @ spread) or 1.0)


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


def _ascend(rows: Scored, columns: Columns, weights: Weights, spread: Weights) -> Weights:
    """One round of steps, of one weight at a time."""
    scores = columns.T @ weights.astype(np.float32)
    best = _reached(rows, scores)
    weights = weights.copy()
    for channel in np.argsort(-weights * spread, kind="stable"):
        for factor in _FACTORS if weights[channel] > 0 else ():
            weight = factor * float(weights[channel])
            moved = scores + np.float32(weight - weights[channel]) * columns[channel]
            reached = _reached(rows, moved)
            if reached > best:
                best, scores, weights[channel] = reached, moved, weight
    return weights


def _merged(rows: Scored, drawn: Sequence[Weights]) -> Weights:
    """The mean of those that together reach most, each counted as often as it helps.

    Ensemble selection (Caruana et al. 2004, Ensemble Selection from Libraries of Models): a choice
    that went wrong on its sample is not among them, as it is in a mean of all.
    """
    total, best = np.zeros_like(drawn[0]), 0.0
    for count in range(_MERGED):
        reached = [ndcg(rows, total + weights) for weights in drawn]
        if max(reached) <= best and count >= _LEAST_MERGED:
            return total / count
        best = max(best, *reached)
        total = total + drawn[int(np.argmax(reached))]
    return total / _MERGED


def _pruned(rows: Scored, weights: Weights) -> Weights:
    """Without the channels, one after another, that do not add `LEAST_GAIN`."""
    best = ndcg(rows, weights)
    while True:
        without = [np.where(np.arange(len(weights)) == n, 0.0, weights) for n in _used(weights)]
        reached = [ndcg(rows, left) for left in without]
        if not reached or max(reached) < best - LEAST_GAIN:
            return weights
        weights = without[int(np.argmax(reached))]
        best = max(best, *reached)


def _used(weights: Weights) -> NDArray[np.int64]:
    return np.flatnonzero(weights)


def _with_content(
    rows: Scored, weights: Weights, spread: Weights, content: NDArray[np.bool_]
) -> Weights:
    """With as much of one content channel as costs no more than `LEAST_GAIN`, if none counts."""
    usable = np.flatnonzero(content & (spread > 0))
    if weights[content].any() or not len(usable):
        return weights
    least = ndcg(rows, weights) - LEAST_GAIN
    unit = float((weights * spread).max()) or 1.0
    added = weights
    for share in _KEPT:
        added = weights.copy()
        added[usable[0]] = share * unit / float(spread[usable[0]])
        if ndcg(rows, added) >= least:
            break
    return added
