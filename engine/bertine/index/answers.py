"""The best rows of each query as hits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from bertine.index.pool import Found
from bertine.index.view import View
from bertine.types import Hits, SearchPlan, Strategy

_Ranked: TypeAlias = tuple[list[str], list[float]]


def hits_of(found: Found, view: View, top_k: int, strategy: Strategy, matching: int) -> list[Hits]:
    """What was found, by ids.

    Args:
        found: of n queries.
        view: whose rows they are.
        top_k: hits wanted for each query.
        strategy: that found them.
        matching: rows that match filter and allowed ids.

    Returns:
        One for each query, equal scores ordered by id.
    """
    index: Literal["exact", "ivf"] = "ivf" if strategy == "ivf" else "exact"
    examined = found.examined.tolist()
    plans = {count: SearchPlan(index, count, strategy, matching) for count in set(examined)}
    ranked = _ranked(found, view, top_k)
    return [
        Hits(ids, scores, plans[count])
        for (ids, scores), count in zip(ranked, examined, strict=True)
    ]


def _ranked(found: Found, view: View, top_k: int) -> Iterator[_Ranked]:
    rows, scores = found.rows.tolist(), found.scores.tolist()
    counts, ties = found.counts.tolist(), found.tied.tolist()
    for place, (count, tied) in enumerate(zip(counts, ties, strict=True)):
        ranked = view.ids(rows[place][:count]), scores[place][:count]
        yield _by_id(*ranked, top_k) if tied else ranked


def _by_id(ids: list[str], scores: list[float], count: int) -> _Ranked:
    order = sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))[:count]
    return [ids[place] for place in order], [scores[place] for place in order]
