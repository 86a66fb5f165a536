"""From candidates to hits, each scored exactly and held against the request before it leaves.

A source proposes its best rows. Too few of them pass: it is asked for more, until k are found or
there are no more. A trained index that would have to give too much of itself is given up for the
exact scan, so a narrow filter costs time, never results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Predicate
from bertine.index.view import View
from bertine.types import Hit, Hits, Matrix, SearchPlan, Vector

GROWTH = 8
"""How many times more candidates each further round asks for."""

_SLACK = 8
_FILTER_SLACK = 4
_FILTER_EFFORT = 4
_SCAN_BYTES = 1 << 26
_IVF_SHARE = 64
_SCAN_ERROR = 1e-6


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a search.

    Attributes:
        top_k: hits wanted, > 0.
        min_score: least similarity of a hit.
        predicate: what its attributes must satisfy; None is anything.
        exclude: ids that are left out.
        now: time at which a hit must be available.
    """

    top_k: int
    min_score: float = -1.0
    predicate: Predicate | None = None
    exclude: frozenset[str] = frozenset()
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
        exhausted: the view has no other rows.
    """

    rows: NDArray[np.int64]
    scores: Vector
    exhausted: bool

    def upper_half(self) -> Ranked:
        """The better half of the rows."""
        half = (len(self.rows) + 1) // 2
        return Ranked(self.rows[:half], self.scores[:half], exhausted=False)


def search(
    view: View, queries: Matrix, request: Request, coarse: Coarse | None, refine: int
) -> list[Hits]:
    """The best hits for each query.

    Args:
        view: what to search.
        queries: float32 ``[n, d]``, unit rows, C-contiguous.
        request: what a hit must satisfy.
        coarse: trained index over the view's main rows, or None to scan.
        refine: candidates taken from `coarse` for each row wanted.

    Returns:
        One `Hits` for each query; equal scores are ordered by id.
    """
    wanted = request.top_k + len(request.exclude) + _SLACK
    wanted *= _FILTER_SLACK if request.predicate else 1
    if coarse is None or wanted * _IVF_SHARE > view.count:
        return list(_search_exact(view, queries, request, wanted))
    found = list(_search_ivf(view, queries, request, coarse, (wanted, refine)))
    weak = [position for position, hits in enumerate(found) if hits is None]
    if weak:
        rest = _search_exact(view, queries[weak], request, wanted * GROWTH)
        for position, hits in zip(weak, rest, strict=True):
            found[position] = hits
    return [hits for hits in found if hits is not None]


def _search_exact(view: View, queries: Matrix, request: Request, wanted: int) -> Iterator[Hits]:
    block = max(1, _SCAN_BYTES // (4 * max(view.count, 1)))
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        for query, scores in zip(part, view.scan(part), strict=True):
            yield _grow(view, query, request, scores, wanted)


def _grow(view: View, query: Vector, request: Request, scores: Vector, wanted: int) -> Hits:
    while True:
        ranked = _rank(view, query, _best(scores, wanted), exhausted=wanted >= view.count)
        hits = _verify(view, ranked, request)
        if hits is not None:
            return Hits(hits, SearchPlan("exact", len(ranked.rows)))
        wanted *= GROWTH


def _search_ivf(
    view: View, queries: Matrix, request: Request, coarse: Coarse, sizes: tuple[int, int]
) -> Iterator[Hits | None]:
    wanted, refine = sizes
    # What matches a filter lies farther from the query than what is nearest to it.
    effort = _FILTER_EFFORT if request.predicate else 1
    proposed = coarse.candidates(queries, wanted * refine, effort)
    fresh = view.scan(queries, delta_only=True)
    for query, rows, scores in zip(queries, proposed, fresh, strict=True):
        pool = np.concatenate([rows[rows >= 0], _best(scores, wanted) + view.main_count])
        # The lower half of what the codes propose misses rows as good as its own.
        ranked = _rank(view, query, pool, exhausted=False).upper_half()
        hits = _verify(view, ranked, request)
        yield None if hits is None else Hits(hits, SearchPlan("ivf", len(pool)))


def _best(scores: Vector, count: int) -> NDArray[np.int64]:
    """Positions of the `count` highest scores, in no order."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(scores, len(scores) - count)[len(scores) - count :]


def _rank(view: View, query: Vector, rows: NDArray[np.int64], *, exhausted: bool) -> Ranked:
    scores = view.score(rows, query)
    order = np.lexsort((rows, -scores))
    return Ranked(rows[order], scores[order], exhausted)


def _verify(view: View, ranked: Ranked, request: Request) -> tuple[Hit, ...] | None:
    """The hits among ranked rows; None if rows beyond them could change the answer."""
    passing = view.visible(ranked.rows, request.now) & (ranked.scores >= request.min_score)
    positions = np.flatnonzero(passing)
    hits = _collect(view, ranked, request, positions)
    return _cut(hits, ranked, request)


def _collect(
    view: View, ranked: Ranked, request: Request, positions: NDArray[np.int64]
) -> list[Hit]:
    """Hits in order of score, and past the k-th all that tie with it."""
    hits: list[Hit] = []
    for position in positions.tolist():
        score = float(ranked.scores[position])
        if len(hits) >= request.top_k and score < hits[-1].score:
            break
        row = int(ranked.rows[position])
        if view.id(row) in request.exclude:
            continue
        if request.predicate is None or request.predicate(view.attributes(row)):
            hits.append(Hit(view.id(row), score))
    return hits


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
