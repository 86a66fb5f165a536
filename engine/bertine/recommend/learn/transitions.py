"""What is done after what, and together with what: counts over users, and links made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.neighbours import Linked, strongest, width
from bertine.types import Matrix

WINDOW = 10
"""Entries back that an item is held to follow."""

NEAR_ITEMS = 20_000
"""With more items than this, counts are not spread over near ones: it would take too long."""

EASE_ITEMS = 5_000
"""With more items than this there is no channel `linear`: it inverts a matrix of their square."""

_PRIOR = 3.0
_LONGEST = 200
_NEAR = 20
_SPREAD = 30
_SHARPNESS = 4.0
_RIDGE = 5.0
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

    ``together`` is the cosine of the items' users (item-kNN; Sarwar et al. 2001). ``linear`` is
    the item-item regression in closed form, B = I - P / diag P with P = (X'X + lambda I)^-1
    (EASE; Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data).

    Args:
        matrix: see `users_items`.
    """
    gram = (matrix.T @ matrix).tocsr()
    sizes = gram.diagonal()
    scale = sparse.diags(1.0 / np.sqrt(sizes + 1.0))
    cosine = (scale @ gram @ scale).tolil()
    cosine.setdiag(0.0)
    views = [_linked("together", 0.9, cosine)]
    known = np.flatnonzero(sizes)
    if 1 < len(known) <= EASE_ITEMS:
        views.append(_linked("linear", 0.9, _regression(gram, known)))
    return views


def _regression(gram: Any, known: NDArray[np.int64]) -> Any:
    dense = gram[known][:, known].toarray()
    ridge = _RIDGE * float(np.trace(dense)) / len(known)
    inverse = np.linalg.inv(dense + ridge * np.eye(len(known)))
    links = -inverse / np.diag(inverse)
    np.fill_diagonal(links, 0.0)
    # The least that is kept: the rest would fill a dense matrix and never be in a list.
    rows, columns = np.nonzero(links > links.max(initial=0.0) * 1e-4)
    shape = gram.shape
    return sparse.csr_matrix((links[rows, columns], (known[rows], known[columns])), shape=shape)


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
