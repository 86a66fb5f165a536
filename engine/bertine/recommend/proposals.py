"""Who is proposed for a list: by the index, by what was learned, and by rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import AllOf
from bertine.index.live import LiveIndex
from bertine.index.named import Named, allowed
from bertine.index.request import Request
from bertine.recommend.blend import Blend
from bertine.recommend.learn.channel import NOTHING, Numbers
from bertine.recommend.learn.taste import Candidates
from bertine.recommend.numbering import Numbering
from bertine.recommend.rules import Rules
from bertine.recommend.user import User, stranger
from bertine.types import Hits, SearchPlan

LEAST_CANDIDATES = 40
"""Of each proposer."""

_TIMES_WANTED = 4
_GROWTH = 8
_LOOKS = 3
_NO_PLAN = SearchPlan("exact", 0)


@dataclass(slots=True)
class Proposals:
    """Items by their ids, as the index names them, or by their numbers in what was learned.

    Attributes:
        near: nearest to the user's interests.
        linked: of the channels, some more than once.
        promoted: nearest of those that are promoted.
        fresh: nearest of a wider circle, for exploration.
        popular: the most popular first.
        plan: of the search for `near`.
        more: there may be more that are near.
    """

    near: set[str] = field(default_factory=set)
    linked: Numbers = field(default_factory=lambda: NOTHING)
    promoted: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    popular: Numbers = field(default_factory=lambda: NOTHING)
    plan: SearchPlan = _NO_PLAN
    more: bool = False

    @property
    def ids(self) -> set[str]:
        """Those that are known by their ids."""
        return self.near.union(self.promoted, self.fresh) if self.ruled else self.near

    @property
    def ruled(self) -> bool:
        """Whether some are here for another reason than that they suit the user."""
        return bool(self.promoted or self.fresh or len(self.popular))


@dataclass(frozen=True, slots=True)
class Found:
    """Items that may be returned.

    Attributes:
        named: what the index knows of them.
        candidates: what channels are told of them.
    """

    named: Named
    candidates: Candidates

    def __len__(self) -> int:
        return len(self.named.ids)


class Proposer:
    """Proposes items for one list.

    Args:
        index: of the collection.
        numbering: of its rows.
        blend: of its channels.
        user: for whom.
        request: filter, scope with what was seen, threshold, time.
    """

    def __init__(
        self, index: LiveIndex, numbering: Numbering, blend: Blend, user: User, request: Request
    ) -> None:
        self._index, self._numbering, self._blend = index, numbering, blend
        self._user, self._request = user, request
        self._stranger = stranger(user.taste.situation, index.dimensions)

    def search(self, request: Request) -> list[Hits]:
        """What is nearest to each interest."""
        interests = self._user.interests
        return [] if interests is None else self._index.search(interests.queries, request)

    def personal(self, size: int, rules: Rules) -> Proposals:
        """At most `size` of each interest and channel, and what the rules ask for beside them."""
        found, interests = Proposals(), self._user.interests
        if interests is None:
            return found
        nearest = self.search(replace(self._request, top_k=size))
        for hits, quota in zip(nearest, interests.quotas(size), strict=True):
            found.near.update(hits.ids[:quota])
        found.plan = _together([hits.plan for hits in nearest])
        found.more = any(len(hits.ids) == size for hits in nearest)
        if not self._blend.alone:
            found.linked = self._blend.propose(self._user.taste, size)
        if rules.promotion is not None:
            both = (node for node in (self._request.filter, rules.promotion.filter) if node)
            found.promoted = self._nearest(replace(self._request, filter=AllOf(tuple(both))), size)
        if rules.exploration:
            found.fresh = self._nearest(self._request, size * _TIMES_WANTED)
        return found

    def _nearest(self, request: Request, size: int) -> set[str]:
        nearest = self.search(replace(request, top_k=size))
        return {item_id for hits in nearest for item_id in hits.ids}

    def popular(self) -> Numbers:
        """Popular items in the user's situation, the most popular first; enough if there are."""
        size = first_size(self._request.top_k)
        while True:
            numbers = np.unique(self._blend.learned.propose(self._stranger, size))
            candidates = self.found((), numbers).candidates
            if len(candidates) >= self._request.top_k or len(numbers) < size:
                break
            size = next_size(size)
        # Numbers rise with ids.
        falling = np.lexsort((candidates.numbers, -self.popularity(candidates)))
        return candidates.numbers[falling]

    def popularity(self, candidates: Candidates) -> NDArray[np.float64]:
        """What items are worth to somebody of whom nothing is known; 0 if nobody has seen one."""
        return np.asarray(self._blend.learned.score(self._stranger, candidates).sum(axis=1))

    def found(self, ids: Iterable[str], numbers: Numbers = NOTHING) -> Found:
        """Those of the items that may be returned, by rising row."""
        for _ in range(_LOOKS):
            view = self._index.view()
            known = self._numbering.numbers(self._blend.learned, view)
            rows = np.concatenate([self._index.rows_of(ids, view), known.rows(numbers)])
            # Else an item has just moved to a row that came since, or a rebuild has moved all.
            if rows.max(initial=-1) < view.count:
                break
        named = allowed(view, rows, self._request)
        return Found(named, Candidates(known.of(named.rows), named.vectors))


def first_size(top_k: int) -> int:
    """How many each proposer is asked for at first."""
    return max(LEAST_CANDIDATES, _TIMES_WANTED * top_k)


def next_size(size: int) -> int:
    """And then, if those were not enough."""
    return size * _GROWTH


def _together(plans: list[SearchPlan]) -> SearchPlan:
    if len(plans) == 1:
        return plans[0]
    examined = sum(plan.examined for plan in plans)
    return replace(plans[0], examined=examined, truncated=any(plan.truncated for plan in plans))
