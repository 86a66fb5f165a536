"""The best rows of each query as hits."""

from __future__ import annotations

from typing import Literal

from bertine.index.pool import Found
from bertine.index.view import View
from bertine.types import Hits, SearchPlan, Strategy


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
    counts, examined, _, ties = found.notes.T.tolist()
    plans = {count: SearchPlan(index, count, strategy, matching) for count in set(examined)}
    ids, scores = view.table_of_ids(found.rows[:, :top_k]), found.scores[:, :top_k].tolist()
    for place, (count, tied) in enumerate(zip(counts, ties, strict=True)):
        if tied or count < top_k:
            named = view.ids(found.rows[place, :count].tolist())
            ids[place], scores[place] = _by_id(named, found.scores[place].tolist(), top_k)
    return list(map(Hits, ids, scores, map(plans.__getitem__, examined)))


def _by_id(ids: list[str], scores: list[float], count: int) -> tuple[list[str], list[float]]:
    order = sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))[:count]
    return [ids[place] for place in order], [scores[place] for place in order]
