"""What is compared: each method gives every item a score for every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.cases import Case, Row, counts
from bertine.recommend.learn.interactions import Interactions

_FARTHEST = 10

Scores = NDArray[np.float64]
"""float64 ``[rows, items]``, higher is better."""


class Method(Protocol):
    """A recommender that was made from what a case knows."""

    @property
    def name(self) -> str:
        """In tables."""

    def scores(self, rows: Sequence[Row]) -> Scores:
        """A score for every item."""


@dataclass(frozen=True)
class Popularity:
    """Every user gets what most users had: how many, for each item."""

    known: NDArray[np.int64]
    name: str = "popularity"

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`."""
        return np.tile(self.known.astype(np.float64), (len(rows), 1))


@dataclass(frozen=True)
class ItemToItem:
    """score(c) = sum over the history of decay * affinity(h, c).

    Attributes:
        name: in tables.
        affinity: float64 ``[items, items]``, from the history's item to the candidate.
        half_life: entries back from the latest after which one counts half.
    """

    name: str
    affinity: sparse.csr_matrix
    half_life: float

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`."""
        histories = history_matrix(rows, self.affinity.shape[0], self.half_life)
        return np.asarray((histories @ self.affinity).toarray(), np.float64)


def popularity(case: Case) -> Popularity:
    """Of what is known of a case."""
    return Popularity(counts(case))


def item_knn(case: Case, neighbours: int, shrinkage: float, half_life: float) -> ItemToItem:
    """Item-based filtering by cosine of co-occurrence: |a and b| / (sqrt(|a| |b|) + shrinkage).

    |a| are the users of a. Sarwar et al., Item-based collaborative filtering recommendation
    algorithms, 2001; the shrinkage as in Ferrari Dacrema et al., Are we really making much
    progress?, 2019.

    Args:
        case: what is known of it counts.
        neighbours: of each item that are kept.
        shrinkage: see above.
        half_life: of the history.
    """
    users = user_matrix(case.known, len(case.catalog))
    together = (users.T @ users).tocoo()
    sizes = np.asarray(users.sum(axis=0)).ravel()
    norms = np.sqrt(sizes[together.row] * sizes[together.col]) + shrinkage
    values = np.where(together.row == together.col, 0.0, together.data / norms)
    affinity = sparse.csr_matrix((values, (together.row, together.col)), together.shape)
    return ItemToItem("item-kNN", _strongest(affinity, neighbours), half_life)


def sequential(case: Case, popularity_power: float, half_life: float) -> ItemToItem:
    """How often c came after h: sum over users and pairs of 1 / distance, by popularity^power.

    Sequential rules (Ludewig and Jannach, Evaluation of session-based recommendation algorithms,
    2018), pairs at most ten apart.

    Args:
        case: what is known of it counts.
        popularity_power: 0 counts alone; 1 the share of those who had c.
        half_life: of the history.
    """
    items = len(case.catalog)
    followed = _followed(case.known, items)
    sizes = np.maximum(counts(case), 1).astype(np.float64)
    scaled = followed @ sparse.diags(sizes**-popularity_power)
    return ItemToItem("sequential counts", sparse.csr_matrix(scaled), half_life)


def history_matrix(rows: Sequence[Row], items: int, half_life: float) -> sparse.csr_matrix:
    """Liked entries, each with its weight by position: float64 ``[rows, items]``."""
    places, columns, values = [], [], []
    for place, row in enumerate(rows):
        liked = row.history[row.weights > 0]
        back = np.arange(len(liked) - 1, -1, -1, dtype=np.float64)
        places.append(np.full(len(liked), place))
        columns.append(liked)
        values.append(np.exp2(-back / half_life))
    entries = np.concatenate(values), (np.concatenate(places), np.concatenate(columns))
    return sparse.csr_matrix(entries, (len(rows), items))


def user_matrix(known: Interactions, items: int) -> sparse.csr_matrix:
    """1 where a user liked an item: float64 ``[users, items]``."""
    liked = known.weights > 0
    pairs = np.unique(np.stack([known.users[liked], known.items[liked]]), axis=1)
    shape = (int(known.users.max(initial=0)) + 1, items)
    return sparse.csr_matrix((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape)


def _followed(known: Interactions, items: int) -> sparse.csr_matrix:
    liked = known.where(known.weights > 0)
    total = sparse.csr_matrix((items, items))
    for distance in range(1, _FARTHEST + 1):
        left, right = slice(None, -distance), slice(distance, None)
        same = (liked.users[left] == liked.users[right]) & (liked.items[left] != liked.items[right])
        pair = liked.items[left][same], liked.items[right][same]
        values = np.full(len(pair[0]), 1.0 / distance)
        total = total + sparse.csr_matrix((values, pair), (items, items))
    return total


def _strongest(affinity: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """Only the largest values of each row."""
    kept = affinity.tolil()
    for row, (columns, values) in enumerate(zip(kept.rows, kept.data, strict=True)):
        if len(values) > count:
            order = np.argsort(-np.array(values), kind="stable")[:count]
            kept.rows[row] = [columns[place] for place in sorted(order)]
            kept.data[row] = [values[place] for place in sorted(order)]
    return kept.tocsr()
