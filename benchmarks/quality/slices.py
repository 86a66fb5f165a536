"""Where a method is good: by length of history, and by how well a target is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.cases import Row
from benchmarks.quality.evaluation import Outcome

HEAD_SHARE = 0.2
"""The head are the items that most users know, so many of those that anybody knows."""

_LENGTHS = (("0", 0, 0), ("1", 1, 1), ("2-3", 2, 3), ("4-6", 4, 6), ("7+", 7, 10**9))


def by_length(outcome: Outcome, rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Rows, HR@10 and NDCG@10 by entries of the history; lengths that do not occur are left out."""
    lengths = np.array([len(row.history) for row in rows])
    hits, gains = outcome.values("hr10"), outcome.values("ndcg10")
    return {
        f"history {name}": _means(hits, gains, (lengths >= least) & (lengths <= most))
        for name, least, most in _LENGTHS
        if ((lengths >= least) & (lengths <= most)).any()
    }


def by_target(
    outcome: Outcome, rows: Sequence[Row], known: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Targets, their hits and gains, apart for head, tail and cold items.

    A target's gain is NDCG@10 as if it were its row's only target. Cold is what nobody had before
    the window; the head see `HEAD_SHARE`.

    Args:
        outcome: of a method.
        rows: in the same order.
        known: int64 ``[items]``, users of each item before the window.
    """
    targets = np.concatenate([row.targets for row in rows])
    ranks = np.concatenate(list(outcome.ranks))
    hits = (ranks <= 10).astype(np.float64)  # noqa: PLR2004 - HR@10
    gains = np.where(hits > 0, 1.0 / np.log2(ranks + 1.0), 0.0)
    kinds = kind_of_item(known)[targets]
    return {
        kind: _means(hits, gains, kinds == kind)
        for kind in ("head", "tail", "cold")
        if (kinds == kind).any()
    }


def kind_of_item(known: NDArray[np.int64]) -> NDArray[np.str_]:
    """``head``, ``tail`` or ``cold`` of each item; equal counts by number.

    Args:
        known: int64 ``[items]``, users of each item.
    """
    kinds = np.where(known > 0, "tail", "cold")
    order = np.argsort(-known, kind="stable")
    head = order[: int(np.ceil(HEAD_SHARE * np.count_nonzero(known)))]
    kinds[head] = "head"
    return kinds


def _means(
    hits: NDArray[np.float64], gains: NDArray[np.float64], which: NDArray[np.bool_]
) -> dict[str, float]:
    return {
        "count": int(which.sum()),
        "hr10": round(float(hits[which].mean()), 6),
        "ndcg10": round(float(gains[which].mean()), 6),
    }
