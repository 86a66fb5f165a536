"""From candidates to hits, each scored exactly and held against the request before it leaves.

A source proposes its best rows. Too few of them pass: it is asked for more, until k are found or
there are no more. A trained index that proposed too few is given up for the scan, so a narrow
filter costs time, never results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Filter, Predicate, compile_filter
from bertine.index.planner import Counts, Plan, plan
from bertine.index.view import View
from bertine.types import Hit, Hits, Matrix, SearchPlan, Strategy, Vector

GROWTH = 8
"""How many times more candidates each further round asks for."""

_SLACK = 8
_FILTER_EFFORT = 4
_SCAN_BYTES = 1 << 26
_SCAN_ERROR = 1e-6


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a search.

    Attributes:
        top_k: hits wanted, > 0.
        min_score: least similarity of a hit.
        filter: what its attributes must satisfy; None is anything.
        exclude: ids that are left out.
        only: ids of which there is nothing else; None is anything.
        exact: score every row that may be returned.
        now: time at which a hit must be available.
    """

    top_k: int
    min_score: float = -1.0
    filter: Filter | None = None
    exclude: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    exact: bool = False
    now: float = 0.0


class Coarse(Protocol):
    """A trained index over the rows of a view's `main`."""

    def candidates(self, queries: Matrix, count: int, effort: int = 1) -> NDArray[np.int64]:
        """Rows nearest to each query, ``[n, count]``, -1 where there are fewer."""
        ...


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows by falling score, equal scores by rising row.

    Attributes:
        rows: int64 ``[m]`` of the view.
        scores: float32 ``[m]``, exact.
        exhausted: no other rows could pass.
    """

    rows: NDArray[np.int64]
    scores: Vector
    exhausted: bool

    def upper_half(self) -> Ranked:
        """The better half of the rows."""
        half = (len(self.rows) + 1) // 2
        return Ranked(self.rows[:half], self.scores[:half], exhausted=False)


class Search:
    """One request against one view.

    Args:
        view: what to search.
        request: what a hit must satisfy.
        coarse: trained index over the view's main rows, or None to scan.
        refine: candidates taken from `coarse` for each row wanted.
        allowed: rows of the ids in `Request.only`, if it is set.
    """

    def __init__(
        self,
        view: View,
        request: Request,
        coarse: Coarse | None = None,
        refine: int = 1,
        allowed: NDArray[np.int64] | None = None,
    ) -> None:
        self.view = view
        self.request = request
        self.coarse = None if request.exact else coarse
        self.refine = refine
        node = request.filter
        self.predicate: Predicate | None = None if node is None else compile_filter(node)
        self.matching = None if node is None else view.matching(node)
        if allowed is not None:
            known = self.matching
            self.matching = allowed if known is None else np.intersect1d(known, allowed)

    def run(self, queries: Matrix) -> list[Hits]:
        """The best hits for each query.

        Args:
            queries: float32 ``[n, d]``, unit rows, C-contiguous.

        Returns:
            One `Hits` for each query; equal scores are ordered by id.
        """
        chosen = self._plan()
        if chosen.strategy == "matches" and self.matching is not None:
            return [self._among(query, self.matching) for query in queries]
        if chosen.strategy == "ivf" and self.coarse is not None:
            return self._with_fallback(queries, self.coarse, chosen.wanted)
        return list(self._scan(queries, chosen.wanted))

    def _plan(self) -> Plan:
        wanted = self.request.top_k + len(self.request.exclude) + _SLACK
        matching = None if self.matching is None else len(self.matching)
        return plan(Counts(self.view.count, matching, wanted, self.coarse is not None))

    def _with_fallback(self, queries: Matrix, coarse: Coarse, wanted: int) -> list[Hits]:
        found = list(self._propose(queries, coarse, wanted))
        weak = [position for position, hits in enumerate(found) if hits is None]
        rest = self._scan(queries[weak], wanted * GROWTH)
        for position, hits in zip(weak, rest, strict=True):
            found[position] = hits
        return [hits for hits in found if hits is not None]

    def _propose(self, queries: Matrix, coarse: Coarse, wanted: int) -> Iterator[Hits | None]:
        # What matches a filter lies farther from the query than what is nearest to it.
        effort = _FILTER_EFFORT if self.predicate else 1
        proposed = coarse.candidates(queries, wanted * self.refine, effort)
        fresh = self.view.scan(queries, delta_only=True)
        for query, rows, scores in zip(queries, proposed, fresh, strict=True):
            pool = np.concatenate([rows[rows >= 0], _best(scores, wanted) + self.view.main_count])
            # The lower half of what the codes propose misses rows as good as its own.
            ranked = self._rank(query, pool, exhausted=False).upper_half()
            hits = self._verify(ranked)
            yield None if hits is None else self._hits(hits, len(pool), "ivf")

    def _scan(self, queries: Matrix, wanted: int) -> Iterator[Hits]:
        block = max(1, _SCAN_BYTES // (4 * max(self.view.count, 1)))
        for start in range(0, len(queries), block):
            part = queries[start : start + block]
            for query, scores in zip(part, self.view.scan(part), strict=True):
                yield self._grow(query, scores, wanted)

    def _grow(self, query: Vector, scores: Vector, wanted: int) -> Hits:
        """Take more and more of the best scores until the answer is settled."""
        rows = self.matching
        if rows is not None:
            scores = scores[rows]
        while True:
            best = _best(scores, wanted)
            pool = best if rows is None else rows[best]
            ranked = self._rank(query, pool, exhausted=wanted >= len(scores))
            hits = self._verify(ranked)
            if hits is not None:
                return self._hits(hits, len(pool), "scan")
            wanted *= GROWTH

    def _among(self, query: Vector, rows: NDArray[np.int64]) -> Hits:
        hits = self._verify(self._rank(query, rows, exhausted=True))
        return self._hits(hits or (), len(rows), "matches")

    def _hits(self, hits: tuple[Hit, ...], examined: int, strategy: Strategy) -> Hits:
        matching = 0 if self.matching is None else len(self.matching)
        index: Literal["exact", "ivf"] = "ivf" if strategy == "ivf" else "exact"
        return Hits(hits, SearchPlan(index, examined, strategy, matching))

    def _rank(self, query: Vector, rows: NDArray[np.int64], *, exhausted: bool) -> Ranked:
        scores = self.view.score(rows, query)
        order = np.lexsort((rows, -scores))
        return Ranked(rows[order], scores[order], exhausted)

    def _verify(self, ranked: Ranked) -> tuple[Hit, ...] | None:
        """The hits among ranked rows; None if rows beyond them could change the answer."""
        visible = self.view.visible(ranked.rows, self.request.now)
        passing = visible & (ranked.scores >= self.request.min_score)
        hits = self._collect(ranked, np.flatnonzero(passing))
        return _cut(hits, ranked, self.request)

    def _collect(self, ranked: Ranked, positions: NDArray[np.int64]) -> list[Hit]:
        """Hits in order of score, and past the k-th all that tie with it."""
        hits: list[Hit] = []
        for position in positions.tolist():
            score = float(ranked.scores[position])
            if len(hits) >= self.request.top_k and score < hits[-1].score:
                break
            row = int(ranked.rows[position])
            if self._allows(row):
                hits.append(Hit(self.view.id(row), score))
        return hits

    def _allows(self, row: int) -> bool:
        item_id, request = self.view.id(row), self.request
        if item_id in request.exclude or (request.only is not None and item_id not in request.only):
            return False
        return self.predicate is None or self.predicate(self.view.attributes(row))


def _best(scores: Vector, count: int) -> NDArray[np.int64]:
    """Positions of the `count` highest scores, in no order."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(scores, len(scores) - count)[len(scores) - count :]


def _cut(hits: Sequence[Hit], ranked: Ranked, request: Request) -> tuple[Hit, ...] | None:
    last = float(ranked.scores[-1]) if len(ranked.scores) else -1.0
    below = last < request.min_score
    # A scan's scores differ from the exact ones in the last bits: only a clear lead is settled.
    settled = len(hits) >= request.top_k and hits[request.top_k - 1].score > last + _SCAN_ERROR
    if not (ranked.exhausted or below or settled):
        return None
    return tuple(sorted(hits, key=_by_score_then_id)[: request.top_k])


def _by_score_then_id(hit: Hit) -> tuple[float, str]:
    return -hit.score, hit.id
