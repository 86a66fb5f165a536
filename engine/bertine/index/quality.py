"""What live queries teach about an index: a sample to tune it on, and how well it answers."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bertine.index.queries import Reservoir
from bertine.index.recall import Estimate, recall_of
from bertine.index.request import Request, Scope
from bertine.index.search import Search
from bertine.index.tuning import enough
from bertine.index.view import View
from bertine.types import Hits, Interval, Matrix

_MAX_WAITING = 8


@dataclass(frozen=True, slots=True)
class _Answered:
    """A query, and what the trained index found for it in a view."""

    view: View
    request: Request
    scope: Scope
    query: Matrix
    found: Hits


class Quality:
    """Recall of the searches of one trained part. Safe for threads.

    Args:
        dimensions: of the vectors.
        share: of the queries, how many are repeated; 0 is none.
        seed: of the lots.

    Attributes:
        queries: the latest ones.
    """

    def __init__(self, dimensions: int, share: float, seed: int | None = None) -> None:
        self.queries = Reservoir(dimensions, seed)
        self._share = share
        self._random = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._waiting: deque[_Answered] = deque(maxlen=_MAX_WAITING)
        self._plain, self._filtered = Estimate(), Estimate()

    @property
    def plain(self) -> Interval:
        """Recall of queries without a filter."""
        return self._plain.interval()

    @property
    def filtered(self) -> Interval:
        """Recall of queries with a filter or allowed ids."""
        return self._filtered.interval()

    def misses(self, target: float) -> bool:
        """Whether queries without a filter fall short: nprobe is tuned on such queries."""
        return self._plain.misses(target)

    def calls_for_tuning(self, target: float) -> bool:
        """Whether they fall short, and there are queries on which to do better."""
        return self.misses(target) and enough(len(self.queries), target, 1)

    def answered(
        self, view: View, request: Request, scope: Scope, queries: Matrix, found: Sequence[Hits]
    ) -> None:
        """Searches were answered; some of them are taken to be repeated."""
        self.queries.add(queries)
        if request.nprobe:  # what somebody asked for says nothing about the index
            return
        for position, hits in enumerate(found):
            if hits.plan.index == "ivf" and self._random.random() < self._share:
                query = queries[position : position + 1].copy()
                self._waiting.append(_Answered(view, request, scope, query, hits))

    def repeat(self) -> bool:
        """Repeat one of the searches that were taken; returns whether there was one."""
        try:
            one = self._waiting.popleft()
        except IndexError:
            return False
        plain, filtered = self._plain, self._filtered
        [exact] = Search(one.view, replace(one.request, exact=True), scope=one.scope).run(one.query)
        recall = recall_of(one.found.scores, exact.scores)
        if recall is not None:
            unlimited = one.request.filter is None and one.request.only is None
            (plain if unlimited else filtered).add(recall)
        return True

    def forget(self) -> None:
        """Another trained part answers from now on: what was learnt of this one is void."""
        self._waiting.clear()
        self._plain, self._filtered = Estimate(), Estimate()
