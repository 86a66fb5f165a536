"""How a query is answered: a pure decision over a few counts."""

from __future__ import annotations

from dataclasses import dataclass

from bertine.types import Strategy

EXACT_MATCHES = 4_096
"""So few matches are scored exactly faster than a trained index proposes any."""

IVF_SHARE = 64
"""A trained index is asked for at most one row in so many; beyond that a scan is as fast."""

_SCAN_SHARE = 4


@dataclass(frozen=True, slots=True)
class Counts:
    """What the decision stands on.

    Attributes:
        rows: of the view, dead ones included.
        matching: rows that match the filter; None without a filter.
        wanted: candidates that would do if every candidate passed.
        trained: there is a trained index.
    """

    rows: int
    matching: int | None
    wanted: int
    trained: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer.

    Attributes:
        strategy: ``scan`` scores every row, ``matches`` only those that match, ``ivf`` those that
            the trained index proposes.
        wanted: candidates to ask for.
    """

    strategy: Strategy
    wanted: int


def plan(counts: Counts) -> Plan:
    """Choose a strategy.

    Few matches are scored one by one. Many are found by asking the trained index for more
    candidates, by as much as the filter is narrow. In between, and without a trained index, all
    rows are scored by matrix product, or only the matches where those are a small part.
    """
    if counts.matching is None:
        if counts.trained and counts.wanted * IVF_SHARE <= counts.rows:
            return Plan("ivf", counts.wanted)
        return Plan("scan", counts.wanted)
    if counts.matching <= EXACT_MATCHES:
        return Plan("matches", counts.wanted)
    widened = -(-counts.wanted * counts.rows // counts.matching)
    if counts.trained and widened * IVF_SHARE <= counts.rows:
        return Plan("ivf", widened)
    few = counts.matching * _SCAN_SHARE <= counts.rows
    return Plan("matches" if few else "scan", counts.wanted)
