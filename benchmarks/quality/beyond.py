"""What accuracy does not say of recommended lists: coverage, novelty, diversity, concentration.

A list is int64, numbers of items, best first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.cases import Items
from bertine.types import Matrix

Likeness = Callable[[Items], NDArray[np.float64]]
"""Similarities of the items of a list to each other: float64 ``[k, k]``."""


def coverage(lists: Sequence[Items], items: int) -> float:
    """Share of the catalog that is in at least one list.

    Catalog coverage (Herlocker et al., 2004; Ge et al., Beyond accuracy, 2010).
    """
    return len(np.unique(np.concatenate(lists))) / items


def self_information(users_of_item: NDArray[np.int64], users: int) -> NDArray[np.float64]:
    """-log2 p(i) of each item, p(i) the share of users who know it: float64 ``[items]``, bits.

    Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems, 2010. One
    user is added on both sides, since an item that nobody knows would be infinitely surprising.
    """
    return np.asarray(-np.log2((users_of_item + 1.0) / (users + 1.0)))


def novelty(lists: Sequence[Items], information: NDArray[np.float64]) -> float:
    """Mean self-information of the items of a list, mean over lists that are not empty; bits.

    0 if all are empty.

    Vargas and Castells, Rank and relevance in novelty and diversity metrics, 2011, without ranks.
    """
    means = [information[listed].mean() for listed in lists if len(listed)]
    return float(np.mean(means)) if means else 0.0


def list_diversity(listed: Items, likeness: Likeness) -> float:
    """Mean of 1 - similarity over the pairs of a list of at least two items, else nan.

    Intra-list diversity (Ziegler et al., Improving recommendation lists through topic
    diversification, 2005; Smyth and McClave, Similarity vs. diversity, 2001).
    """
    if len(listed) < 2:  # noqa: PLR2004 - a pair
        return float("nan")
    upper = np.triu_indices(len(listed), 1)
    return float(1.0 - likeness(listed)[upper].mean())


def diversity(lists: Sequence[Items], likeness: Likeness) -> float:
    """Mean of `list_diversity` over the lists of at least two items, 0 if there is none."""
    pairs = [list_diversity(listed, likeness) for listed in lists if len(listed) > 1]
    return float(np.mean(pairs)) if pairs else 0.0


def gini(lists: Sequence[Items], items: int) -> float:
    """Gini index of how often each item is listed: 0 all alike, near 1 if few have everything.

    sum_j (2j - n - 1) x_j / (n sum x), counts x ascending, j from 1, items never listed included
    (Gini 1912; for recommendations Fleder and Hosanagar, Blockbuster culture's next rise or fall,
    2009).
    """
    counts = np.sort(np.bincount(np.concatenate(lists), minlength=items)).astype(np.float64)
    places = 2.0 * np.arange(1, items + 1) - items - 1.0
    return float(places @ counts / (items * max(counts.sum(), 1.0)))


def by_vectors(vectors: Matrix) -> Likeness:
    """Cosine in the encoder's space. A list of an item without a vector finds it unlike all.

    Args:
        vectors: float32 ``[items, d]``, unit rows or zero.
    """

    def likeness(listed: Items) -> NDArray[np.float64]:
        rows = vectors[listed].astype(np.float64)
        return np.asarray(rows @ rows.T)

    return likeness


def by_attributes(attributes: Sequence[frozenset[str]]) -> Likeness:
    """Jaccard index |a and b| / |a or b| of attribute sets (Jaccard 1901); 0 of two empty sets."""

    def likeness(listed: Items) -> NDArray[np.float64]:
        sets = [attributes[item] for item in listed]
        return np.array([[_jaccard(a, b) for b in sets] for a in sets])

    return likeness


def by_users(users: NDArray[np.int64], items: NDArray[np.int64], count: int) -> Likeness:
    """Cosine of the sets of users of two items: |a and b| / sqrt(|a| |b|); 0 without users.

    The similarity of item-based filtering (Sarwar et al. 2001), which knows no text.

    Args:
        users: int64 ``[n]``, of the events.
        items: int64 ``[n]``.
        count: of all items.
    """
    pairs = np.unique(np.stack([items, users]), axis=1)
    shape = (count, int(users.max(initial=0)) + 1)
    table = sparse.csr_matrix((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=shape)
    norms = np.sqrt(np.maximum(np.asarray(table.sum(axis=1)).ravel(), 1.0))

    def likeness(listed: Items) -> NDArray[np.float64]:
        rows = table[listed]
        return np.asarray((rows @ rows.T).toarray() / np.outer(norms[listed], norms[listed]))

    return likeness


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    union = len(left | right)
    return len(left & right) / union if union else 0.0
