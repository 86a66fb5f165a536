"""Quality of rankings: pure functions of ranks and lists. State of the field, nothing of our own.

A rank is 1 for the best. Equal scores share their middle rank, so that a method that cannot tell
items apart gains nothing from the order in which they are stored.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ranks: TypeAlias = NDArray[np.float64]
"""float64 ``[t]``: of a row's targets, 1 is the best; a half where items are tied."""


def mid_ranks(scores: NDArray[np.float64], targets: NDArray[np.int64]) -> Ranks:
    """Rank of each target among all items: 1 + #{higher} + #{equal, others} / 2.

    The mid-rank of tied observations (Kendall, The treatment of ties in ranking problems, 1945).
    Items scored ``-inf`` are not candidates; a target among them has the rank ``inf``.

    Args:
        scores: float64 ``[items]``.
        targets: int64 ``[t]``, numbers of items.
    """
    wanted = scores[targets]
    higher = (scores[None, :] > wanted[:, None]).sum(axis=1)
    equal = (scores[None, :] == wanted[:, None]).sum(axis=1) - 1
    return np.where(np.isneginf(wanted), np.inf, 1.0 + higher + equal / 2.0)


def hit_rate(ranks: Ranks, k: int) -> float:
    """HR@k of a row: 1 if a target is among the k best, else 0.

    Also called hit ratio (Deshpande and Karypis, Item-based top-N recommendation algorithms, 2004).
    """
    return float((ranks <= k).any())


def ndcg(ranks: Ranks, k: int) -> float:
    """Binary NDCG@k of a row: sum of 1 / log2(rank + 1) of targets in the k best, by the best sum.

    The best sum has the targets at the ranks 1 .. min(t, k). Järvelin and Kekäläinen, Cumulated
    gain-based evaluation of IR techniques, 2002.
    """
    gains = 1.0 / np.log2(ranks[ranks <= k] + 1.0)
    ideal = 1.0 / np.log2(np.arange(1, min(len(ranks), k) + 1) + 1.0)
    return float(gains.sum() / ideal.sum())


def reciprocal_rank(ranks: Ranks) -> float:
    """1 / rank of the best target; its mean over rows is MRR.

    Voorhees, The TREC-8 question answering track report, 1999.
    """
    return float(1.0 / ranks.min())


def recall(ranks: Ranks, k: int) -> float:
    """Recall@k of a row: share of its targets among the k best. HR@k where there is one target.

    Herlocker et al., Evaluating collaborative filtering recommender systems, 2004.
    """
    return float((ranks <= k).mean())


def top(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Numbers of the k best, best first, equal scores by number; fewer if fewer are candidates.

    Args:
        scores: float64 ``[items]``, ``-inf`` for what is no candidate.
        k: at least 1.
    """
    k = min(k, len(scores))
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    near = np.flatnonzero((scores >= least) & ~np.isneginf(scores))
    return near[np.argsort(-scores[near], kind="stable")][:k].astype(np.int64)
