"""How a query is answered: a pure decision over a few counts."""

from __future__ import annotations

from dataclasses import dataclass

from bertine.types import Strategy

BATCH = 8
"""From so many queries on, rows are scored by matrix product."""

IVF_SHARE = 64
"""A trained index is asked for at most one row in so many; beyond that a scan is as fast."""

SLACK = 8
"""Rows kept beyond those wanted, for equal scores."""

_ALONE = 12.0
"""What an exact score costs, in codes looked at, where every query reads the vectors anew."""

_TOGETHER = 0.8
"""The same where a batch shares them."""

_MATCHES_ALWAYS = 512
_SCAN_SHARE = 4


@dataclass(frozen=True, slots=True)
class Counts:
    """What the decision stands on.

    Attributes:
        rows: of the view, dead ones included.
        matching: rows that match the filter; None without a filter.
        wanted: hits asked for.
        queries: of the batch.
        visited: share of its rows that a trained index would look at for a filtered query; None
            without one.
    """

    rows: int
    matching: int | None
    wanted: int
    queries: int
    visited: float | None


def plan(counts: Counts) -> Strategy:
    """Choose a strategy.

    Without a filter the trained index answers, unless it is asked for too large a part of its rows.
    With one it passes over what does not match, and looks at more codes than without, see `reach`:
    fewer matches than those are worth are scored exactly. Without a trained index all rows are
    scored by matrix product, or only the matches where those are a small part.

    Returns:
        ``scan`` to score every row, ``matches`` only those that match, ``ivf`` those that the
        trained index proposes.
    """
    if counts.matching is None:
        trained = counts.visited is not None
        return "ivf" if trained and counts.wanted * IVF_SHARE <= counts.rows else "scan"
    if _matches_are_cheap(counts, counts.matching):
        return "matches"
    if counts.visited is not None and counts.wanted * IVF_SHARE <= counts.matching:
        return "ivf"
    return "matches" if counts.matching * _SCAN_SHARE <= counts.rows else "scan"


def _matches_are_cheap(counts: Counts, matching: int) -> bool:
    if matching <= _MATCHES_ALWAYS:
        return True
    cost = _ALONE if counts.queries < BATCH else _TOGETHER
    return counts.visited is not None and cost * matching <= counts.visited * counts.rows
