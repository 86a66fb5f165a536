"""What is done after what, and together with what: counts over users, and links made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bertine.recommend.learn import regression
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.neighbours import Linked, by_number, strongest, width
from bertine.types import Matrix

SEQUENCES = ("sequence", "sequence_log", "sequence_even", "sequence_near")
REGRESSED = ("sequence_linear",)
TOGETHER = ("together", "linear")
"""Names of the channels that each function makes."""

WINDOW = 10
"""Entries back that an item is held to follow."""

NEAR_ITEMS = 20_000
"""With more items than this, counts are not spread over near ones: it would take too long."""

_PRIOR = 3.0
_LONGEST = 200
_NEAR = 20
_SPREAD = 30
_SHARPNESS = 4.0
_LOG_SCALE = 50.0


def sequences(interactions: Interactions) -> Any:
    """Sparse ``[items, items]``: how often the column followed the row, each time by 1 / lag.

    The weight by lag is that of sequential rules (Ludewig and Jannach 2018, Evaluation of
    Session-based Recommendation Algorithms). Entries of one moment follow each other both ways.
    """
    liked = interactions.where(interactions.weights > 0)
    count = len(liked.item_ids)
    counts = sparse.csr_matrix((count, count), dtype=np.float64)
    for lag in range(1, WINDOW + 1):
        same = liked.users[lag:] == liked.users[:-lag]
        source, target = liked.items[:-lag][same], liked.items[lag:][same]
        at_once = (liked.times[lag:] == liked.times[:-lag])[same]
        rows = np.concatenate([source, target[at_once]])
        columns = np.concatenate([target, source[at_once]])
        weights = np.full(len(rows), 1.0 / lag)
        counts = counts + sparse.csr_matrix((weights, (rows, columns)), shape=(count, count))
    counts.setdiag(0.0)
    return counts


def users_items(interactions: Interactions) -> Any:
    """Sparse ``[users, items]`` of 1 where a user liked an item, the latest 200 of each user."""
    liked = interactions.where(interactions.weights > 0)
    stops = np.searchsorted(liked.users, liked.users, side="right")
    late = stops - np.arange(len(liked)) <= _LONGEST
    shape = (int(liked.users.max(initial=-1)) + 1, len(liked.item_ids))
    ones = np.ones(int(late.sum()))
    matrix = sparse.csr_matrix((ones, (liked.users[late], liked.items[late])), shape=shape)
    matrix.data[:] = 1.0
    return matrix


def sequence_views(interactions: Interactions, vectors: Matrix) -> list[Linked]:
    """Links by what was done after what."""
    counts = sequences(interactions)
    sources = np.asarray(counts.sum(axis=1)).ravel()
    targets = np.asarray(counts.sum(axis=0)).ravel()
    likely = sparse.diags(1.0 / (sources + _PRIOR)) @ counts
    even = sparse.diags((sources + 1) ** -0.5) @ counts @ sparse.diags((targets + 1) ** -0.5)
    views = [
        _linked("sequence", 0.5, likely),
        _linked("sequence_log", 0.6, (likely * _LOG_SCALE).log1p()),
        _linked("sequence_even", 0.85, even),
    ]
    if len(vectors) <= NEAR_ITEMS:
        views.append(_linked("sequence_near", 0.6, _spread(likely, vectors)))
    return views


def together_views(matrix: Any) -> list[Linked]:
    """Links by which users had both.

    ``together`` is the cosine of the items' users (item-kNN; Sarwar et al. 2001), ``linear`` a
    regression (`regression.together`).

    Args:
        matrix: see `users_items`.
    """
    gram = (matrix.T @ matrix).tocsr()
    sizes = gram.diagonal()
    scale = sparse.diags(1.0 / np.sqrt(sizes + 1.0))
    views = [_linked("together", 0.8, scale @ (gram - sparse.diags(sizes)) @ scale)]
    known = regression.frequent(sizes)
    if len(known) > 1:
        views.append(_linked("linear", 0.9, regression.together(gram, known)))
    return views


def regressed_view(interactions: Interactions, vectors: Matrix, matrix: Any) -> Linked | None:
    """Links by regression of what is done next (`regression.next_items`); None of too little.

    Args:
        interactions: sorted by user and time.
        vectors: float32 ``[items, d]``.
        matrix: see `users_items`.
    """
    count = len(vectors)
    known = regression.frequent(np.asarray(matrix.sum(axis=0)).ravel())
    if len(known) < 2 or count > NEAR_ITEMS:  # noqa: PLR2004
        return None
    links = regression.next_items(interactions, vectors, known)
    columns, values = regression.strongest_columns(links, width(count))
    numbers = np.where(values > 0, known[columns], -1).astype(np.int32)
    return Linked("sequence_linear", 0.6, *by_number(numbers, values))


def _spread(likely: Any, vectors: Matrix) -> Any:
    """What followed items with near texts, and what is near to what followed."""
    near = _near(vectors)
    numbers, values = strongest(likely, _SPREAD)
    pruned = _sparse(numbers, values, likely.shape)
    return near @ pruned + pruned @ near.T


def _near(vectors: Matrix) -> Any:
    """Sparse ``[n, n]``: the nearest items of each, weights of each sum to 1."""
    count = len(vectors)
    nearest = min(_NEAR, count - 1)
    numbers = np.full((count, max(nearest, 1)), -1, np.int32)
    values = np.zeros(numbers.shape, np.float32)
    for start in range(0, count if nearest > 0 else 0, 1024):
        similar = vectors[start : start + 1024] @ vectors.T
        own = np.arange(len(similar))
        similar[own, start + own] = -1.0
        found = np.argpartition(-similar, nearest - 1, axis=1)[:, :nearest]
        numbers[start : start + 1024] = found
        values[start : start + 1024] = np.take_along_axis(similar, found, axis=1)
    values = np.maximum(values, np.float32(0.0)) ** np.float32(_SHARPNESS)
    values /= np.maximum(values.sum(axis=1, keepdims=True), 1e-9)
    return _sparse(numbers, values, (count, count))


def _sparse(numbers: NDArray[np.int32], values: NDArray[np.float32], shape: tuple[int, int]) -> Any:
    rows, places = np.nonzero((numbers >= 0) & (values > 0))
    return sparse.csr_matrix((values[rows, places], (rows, numbers[rows, places])), shape=shape)


def _linked(name: str, decay: float, matrix: Any) -> Linked:
    numbers, values = strongest(matrix, width(matrix.shape[0]))
    return Linked(name, decay, numbers, values)
