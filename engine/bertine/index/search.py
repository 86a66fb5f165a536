"""From candidates to hits, each scored exactly and held against the request before it leaves.

A strategy makes a pool of rows for every query, with a bound on what may be beyond the pool. The
best of the pool that pass are the answer if none of them is at or below the bound. Where they do
not settle it, all rows are scanned for a larger pool, until they do: a narrow filter or many equal
scores cost time, never results.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bertine.index.answers import hits_of
from bertine.index.crew import ALONE, Crew
from bertine.index.filters import Predicate, compile_filter
from bertine.index.planner import BATCH, SLACK, Counts, plan
from bertine.index.pool import Found, Pool, closest, pick
from bertine.index.reach import depth_of
from bertine.index.request import Request, Scope
from bertine.index.view import View
from bertine.types import Hits, Matrix, Strategy, Vector

GROWTH = 8
"""How many times more candidates each further round asks for."""

_LEAST_WANTED = 10
"""A trained index is asked for at least as many rows as for so many hits."""

_ALL = np.empty(0, np.bool_)
_SCAN_BYTES = 1 << 26
_FEW = 4
_LEAST_PART = 16
"""Fewer queries are not worth another thread."""


class Coarse(Protocol):
    """A trained index over the rows of a view's `main`."""

    def candidates(
        self,
        queries: Matrix,
        count: int,
        effort: float = 1,
        allowed: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.int64]:
        """Rows nearest to each query, ``[n, count]`` or wider, -1 where there are fewer.

        `allowed` has a bit for each row, the least significant of a byte first.
        """
        ...

    def share(self, effort: float) -> float:
        """Part of the rows that a query looks at."""
        ...

    def effort_at(self, depth: float) -> float:
        """Times the usual number of lists for rows as deep as the `depth` nearest."""
        ...


class Search:
    """One request against one view.

    Args:
        view: what to search.
        request: what a hit must satisfy.
        coarse: trained index over the view's main rows, or None to scan.
        refine: candidates taken from `coarse` for each row wanted.
        scope: where the request names ids, their rows.
        crew: helps with many queries.
    """

    def __init__(
        self,
        view: View,
        request: Request,
        coarse: Coarse | None = None,
        refine: int = 1,
        scope: Scope | None = None,
        crew: Crew = ALONE,
    ) -> None:
        self.view = view
        self.request = request
        self.coarse = None if request.exact else coarse
        self.refine = refine
        self.crew = crew
        node = request.filter
        self.predicate: Predicate | None = None if node is None else compile_filter(node)
        self.allowed = self._allowed(scope or Scope())
        named = node is not None or request.only is not None
        self.matching = int(np.count_nonzero(self.allowed)) if named else None
        if scope is not None and scope.exclude is not None:
            self.allowed[scope.exclude] = False

    def run(self, queries: Matrix) -> list[Hits]:
        """The best hits for each query.

        Args:
            queries: float32 ``[n, d]``, unit rows, C-contiguous.

        Returns:
            One `Hits` for each query; equal scores are ordered by id.
        """
        strategy = self._plan(len(queries))
        if len(queries) == 1:
            return self._answer(queries, strategy)
        size = self._part_size(len(queries), strategy)

        def work(part: int) -> list[Hits]:
            return self._answer(queries[part * size : (part + 1) * size], strategy)

        parts = self.crew.map(work, -(-len(queries) // size))
        return [hits for part in parts for hits in part]

    def _plan(self, queries: int) -> Strategy:
        visited = None if self.coarse is None else self.coarse.share(self._effort)
        return plan(Counts(self.view.count, self.matching, self.request.top_k, queries, visited))

    @cached_property
    def _effort(self) -> float:
        if self.coarse is None or self.request.nprobe:
            return 1.0
        depth = depth_of(self.view.count, self.matching, self.request.top_k)
        return self.coarse.effort_at(depth)

    def _part_size(self, queries: int, strategy: Strategy) -> int:
        """Queries of a part: even parts, as large as the memory for their scores allows.

        A trained index looks through a list once for all queries of a part, so large parts are
        cheaper.
        """
        even = -(-queries // (1 + self.crew.helpers))
        return max(1, min(max(even, _LEAST_PART), self._most(strategy)))

    def _most(self, strategy: Strategy) -> int:
        scored = self.view.delta_count if strategy == "ivf" else self.view.count
        return max(1, _SCAN_BYTES // (4 * max(scored, 1)))

    def _allowed(self, scope: Scope) -> NDArray[np.bool_]:
        """Rows that match filter and allowed ids; of length 0 where the request forbids nothing."""
        node, only, count = self.request.filter, self.request.only, self.view.count
        if node is None and only is None:
            return np.ones(count, np.bool_) if self.request.exclude else _ALL
        allowed = np.ones(count, np.bool_) if node is None else self.view.matching(node)
        if only is not None:
            among = np.zeros(count, np.bool_)
            among[self.view.rows_of(only) if scope.only is None else scope.only] = True
            allowed &= among
        return allowed

    def _answer(self, queries: Matrix, strategy: Strategy) -> list[Hits]:
        found = self._found(queries, strategy, self.request.top_k + SLACK)
        hits = self._hits(found, strategy)
        if not found.unsettled:
            return hits
        weak = self._asked_again(queries, found, hits)
        exact = self._exact()
        for start in range(0, len(weak), self._most(exact)):
            part = weak[start : start + self._most(exact)]
            for place, answer in self._settled(queries, part, exact):
                hits[place] = answer
        return hits

    def _asked_again(self, queries: Matrix, found: Found, hits: list[Hits]) -> NDArray[np.int64]:
        """Queries that are still not settled, once the trained index has proposed more for some.

        Where there are enough hits and equal scores unsettle them, a few more candidates tell for a
        thousandth of what a scan costs.
        """
        weak = np.flatnonzero(~found.settled)
        equal = weak[found.tied[weak] & (found.counts[weak] >= self.request.top_k)]
        if self.coarse is None or not found.proposed or not len(equal):
            return weak
        more = self._found(queries[equal], "ivf", (self.request.top_k + SLACK) * GROWTH)
        settled = equal[more.settled]
        again = self._hits(more, "ivf")
        for place, answer, done in zip(equal.tolist(), again, more.settled.tolist(), strict=True):
            if done:
                hits[place] = answer
        return np.setdiff1d(weak, settled, assume_unique=True)

    def _exact(self) -> Strategy:
        """The exact strategy for what another one could not settle."""
        matching = self.view.count if self.matching is None else self.matching
        return "matches" if matching * _FEW <= self.view.count else "scan"

    def _settled(
        self, queries: Matrix, weak: NDArray[np.int64], strategy: Strategy
    ) -> Iterator[tuple[int, Hits]]:
        """Answers of some queries, by place, from pools that grow until they are settled."""
        wanted = self.request.top_k + SLACK
        while len(weak):
            wanted *= GROWTH
            found = self._found(queries[weak], strategy, wanted)
            for place, answer, settled in zip(
                weak.tolist(), self._hits(found, strategy), found.settled.tolist(), strict=True
            ):
                if settled:
                    yield place, answer
            weak = weak[~found.settled]

    def _found(self, queries: Matrix, strategy: Strategy, wanted: int) -> Found:
        """The best rows of a strategy's pool, none of which the request forbids."""
        while True:
            pool = self._pool(queries, strategy, wanted)
            examined = self.view.examine(pool.rows, queries, self.allowed, self.request.now)
            found = pick(pool, *examined, self.request.top_k, wanted, self.request.min_score)
            forbidden = self._forbidden(found)
            if not forbidden:
                return found
            # Lists and rows of ids should have left them out: now they do.
            self.allowed[forbidden] = False

    def _pool(self, queries: Matrix, strategy: Strategy, wanted: int) -> Pool:
        make = {"ivf": self._proposed, "matches": self._among, "scan": self._scanned}
        return make[strategy](queries, wanted)

    def _forbidden(self, found: Found) -> list[int]:
        if not len(self.allowed):
            return []
        rows = found.rows[found.valid].tolist()
        ids = self.view.ids(rows)
        if self.matching is None and self.request.exclude.isdisjoint(ids):
            return []
        pairs = zip(rows, ids, strict=True)
        return [row for row, item_id in pairs if not self._permits(row, item_id)]

    def _permits(self, row: int, item_id: str) -> bool:
        request = self.request
        if item_id in request.exclude or (request.only is not None and item_id not in request.only):
            return False
        return self.predicate is None or self.predicate(self.view.attributes(row))

    def _proposed(self, queries: Matrix, wanted: int) -> Pool:
        """What the trained index proposes, and the best of the rows that it does not know."""
        if self.coarse is None:
            return self._scanned(queries, wanted)
        times = wanted // (self.request.top_k + SLACK)
        count = max(self.request.top_k, _LEAST_WANTED) * self.refine * times
        bits = self._bits if len(self.allowed) else None
        rows = self.coarse.candidates(queries, count, self._effort, bits)
        pool = Pool(rows, _unbounded(len(rows)), rows.shape[1])
        if not self.view.delta_count:
            return pool
        scores = self.view.scan(queries, delta_only=True)
        fresh = closest(scores, self._fresh, wanted).of(self._fresh_rows)
        return Pool(np.hstack([rows, fresh.rows]), fresh.bounds, pool.proposed)

    def _among(self, queries: Matrix, wanted: int) -> Pool:
        rows = self._matches
        if len(queries) < BATCH:
            pool = np.repeat(rows[None, :], len(queries), axis=0)
            return Pool(pool, _unbounded(len(queries)))
        scores = queries @ self._vectors.T
        return closest(scores, np.ones(len(rows), np.bool_), wanted).of(rows)

    def _scanned(self, queries: Matrix, wanted: int) -> Pool:
        return closest(self.view.scan(queries), self._usable, wanted)

    @cached_property
    def _bits(self) -> NDArray[np.uint8]:
        return np.packbits(self.allowed[: self.view.main_count], bitorder="little")

    @cached_property
    def _usable(self) -> NDArray[np.bool_]:
        usable = self.view.visible(np.arange(self.view.count), self.request.now)
        return usable & self.allowed if len(self.allowed) else usable

    @cached_property
    def _fresh_rows(self) -> NDArray[np.int64]:
        return np.arange(self.view.main_count, self.view.count)

    @cached_property
    def _fresh(self) -> NDArray[np.bool_]:
        usable = self.view.visible(self._fresh_rows, self.request.now)
        return usable & self.allowed[self._fresh_rows] if len(self.allowed) else usable

    @cached_property
    def _matches(self) -> NDArray[np.int64]:
        rows = np.flatnonzero(self.allowed)
        return rows[self.view.visible(rows, self.request.now)]

    @cached_property
    def _vectors(self) -> Matrix:
        return self.view.vectors(self._matches)

    def _hits(self, found: Found, strategy: Strategy) -> list[Hits]:
        return hits_of(found, self.view, self.request.top_k, strategy, self.matching or 0)


def _unbounded(count: int) -> Vector:
    """Bounds of pools beyond which nothing is known."""
    bounds: Vector = np.empty(count, np.float32)
    bounds.fill(-np.inf)
    return bounds
