"""A list for one user: candidates from the index and from what was learned, scored, then ruled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import AllOf, compile_filter
from bertine.index.live import LiveIndex
from bertine.index.named import Named
from bertine.index.request import Request
from bertine.recommend.blend import Blend
from bertine.recommend.explanation import explained
from bertine.recommend.learn.taste import Candidates
from bertine.recommend.profile import nearer_to_disliked
from bertine.recommend.recency import boosts
from bertine.recommend.requests import Explanation, Source, Wish
from bertine.recommend.slate import Place, Pool, compose
from bertine.recommend.user import User, stranger
from bertine.types import Hits, SearchPlan

LEAST_CANDIDATES = 50
"""Of each proposer."""

_TIMES_WANTED = 4
_GROWTH = 8
_ROUNDS = 3
_NO_PLAN = SearchPlan("exact", 0)


@dataclass(frozen=True, slots=True)
class Listed:
    """The list.

    Attributes:
        hits: ids and scores.
        sources: of each hit.
        propensities: of each hit.
        explanations: of each hit, if asked for.
    """

    hits: Hits
    sources: Sequence[Source]
    propensities: Sequence[float]
    explanations: Sequence[Explanation] = ()


@dataclass(slots=True)
class _Proposals:
    """Ids, and who proposed them."""

    personal: dict[str, None] = field(default_factory=dict)
    promoted: dict[str, None] = field(default_factory=dict)
    fresh: dict[str, None] = field(default_factory=dict)
    popular: dict[str, None] = field(default_factory=dict)
    plan: SearchPlan = _NO_PLAN
    more: bool = False

    def all(self) -> dict[str, None]:
        """Each id once."""
        return self.personal | self.promoted | self.fresh | self.popular


class Listing:
    """Makes one list.

    Args:
        index: of the collection.
        blend: of its channels.
        user: for whom.
        wish: what for.
        request: filter, scope with what was seen, threshold, time.
    """

    def __init__(
        self, index: LiveIndex, blend: Blend, user: User, wish: Wish, request: Request
    ) -> None:
        self._index = index
        self._blend = blend
        self._user = user
        self._wish = wish
        self._request = request
        self._numbers = blend.learned.number

    def run(self) -> Listed:
        """The list, best first."""
        if self._is_plain:
            [hits] = self._index.search(self._queries, self._request)
            if len(hits.ids) == self._request.top_k or not self._backfills:
                return self._plainly(hits)
        return self._ruled()

    @property
    def _queries(self) -> NDArray[np.float32]:
        interests = self._user.interests
        return (
            np.empty((0, self._index.dimensions), np.float32)
            if interests is None
            else (interests.queries)
        )

    @property
    def _is_plain(self) -> bool:
        """Whether the list is what one search gives."""
        user, interests = self._user, self._user.interests
        one = interests is not None and len(interests.profiles) == 1
        return one and self._blend.alone and not (user.outspoken or self._wish.rules.reorders)

    @property
    def _backfills(self) -> bool:
        return self._wish.rules.backfill and len(self._blend.learned.channels) > 1

    def _plainly(self, hits: Hits) -> Listed:
        weight = float(self._blend.weights.max())
        if weight != 1.0:
            hits = Hits(hits.ids, [weight * score for score in hits.scores], hits.plan)
        count = len(hits.ids)
        reasons: Sequence[Explanation] = ()
        if self._wish.explain:
            found = self._index.named(hits.ids, self._request)
            known = dict(zip(found.ids, self._explain(found, np.zeros(count)), strict=True))
            # Deleted since it was found: nothing is left to explain it with.
            reasons = [known.get(item_id, Explanation()) for item_id in hits.ids]
        return Listed(hits, ["personal"] * count, [0.0] * count, reasons)

    def _ruled(self) -> Listed:
        top_k = self._request.top_k
        size = max(LEAST_CANDIDATES, _TIMES_WANTED * top_k)
        for last in [False] * (_ROUNDS - 1) + [True]:
            proposals = self._proposals(size)
            scored = self._scored(proposals)
            places = compose(scored.pool, self._wish.rules, top_k)
            if len(places) == top_k or last or not proposals.more:
                break
            size *= _GROWTH
        if len(places) < top_k and self._backfills:
            proposals.popular = self._popular(top_k)
            scored = self._scored(proposals)
            places = compose(scored.pool, self._wish.rules, top_k)
        return self._listed(scored, places, proposals.plan)

    def _proposals(self, size: int) -> _Proposals:
        found = _Proposals()
        self._ask_index(found, size)
        learned = self._blend.learned
        if self._user.interests is not None and not self._blend.alone:
            weights = self._blend.weights
            numbers = learned.propose(self._user.taste, size, weights).tolist()
            found.personal |= dict.fromkeys(learned.item_ids[number] for number in numbers)
        return found

    def _ask_index(self, found: _Proposals, size: int) -> None:
        interests, rules = self._user.interests, self._wish.rules
        if interests is None:
            return
        nearest = self._index.search(self._queries, replace(self._request, top_k=size))
        for hits, quota in zip(nearest, interests.quotas(size), strict=True):
            found.personal |= dict.fromkeys(hits.ids[:quota])
        found.plan = _together([hits.plan for hits in nearest])
        found.more = any(len(hits.ids) == size for hits in nearest)
        if rules.promotion is not None:
            both = (node for node in (self._request.filter, rules.promotion.filter) if node)
            found.promoted = self._nearest(replace(self._request, filter=AllOf(tuple(both))), size)
        if rules.exploration:
            found.fresh = self._nearest(self._request, size * _TIMES_WANTED)

    def _nearest(self, request: Request, size: int) -> dict[str, None]:
        nearest = self._index.search(self._queries, replace(request, top_k=size))
        return dict.fromkeys(item_id for hits in nearest for item_id in hits.ids)

    def _popular(self, top_k: int) -> dict[str, None]:
        """Popular items in the user's situation, the most popular first; enough if there are."""
        learned = self._blend.learned
        taste = stranger(self._user.taste.situation, self._index.dimensions)
        size = max(LEAST_CANDIDATES, _TIMES_WANTED * top_k)
        while True:
            numbers = learned.propose(taste, size).tolist()
            found = self._index.named([learned.item_ids[one] for one in numbers], self._request)
            if len(found.ids) >= top_k or len(numbers) < size:
                break
            size *= _GROWTH
        falling = (-self._popularity(found)).tolist()
        return dict.fromkeys(item_id for _, item_id in sorted(zip(falling, found.ids, strict=True)))

    def _candidates(self, found: Named) -> Candidates:
        numbers = map(self._numbers, found.ids)
        return Candidates(np.fromiter(numbers, np.int64, len(found.ids)), found.vectors)

    def _content(self, found: Named) -> NDArray[np.float32]:
        interests = self._user.interests
        if interests is None:
            return np.zeros(len(found.ids), np.float32)
        return np.asarray(interests.similarities(found.vectors).max(axis=1, initial=-1.0))

    def _scored(self, proposals: _Proposals) -> _Scored:
        found = self._index.named(proposals.all(), self._request)
        content = self._content(found)
        scores = self._blend.scores(self._user, self._candidates(found), content)
        boost = np.zeros(len(scores))
        if self._wish.rules.recency is not None:
            boost = boosts(
                self._wish.rules.recency, found.opens, found.attributes, self._request.now
            )
        near = content >= self._request.min_score
        if self._user.outspoken:
            taste = self._user.taste
            near &= ~nearer_to_disliked(found.vectors, taste.vectors, self._user.weights)
        return _Scored(found, boost, self._pool(found, proposals, scores + boost, near))

    def _pool(
        self,
        found: Named,
        proposals: _Proposals,
        scores: NDArray[np.float64],
        near: NDArray[np.bool_],
    ) -> Pool:
        rules = self._wish.rules
        promoted = np.zeros(len(found.ids), np.bool_)
        if rules.promotion is not None:
            test = compile_filter(rules.promotion.filter)
            promoted[:] = [test(attributes) for attributes in found.attributes]
        if self._user.interests is None:
            # Nothing is near or far to somebody of whom nothing is known.
            near = np.ones(len(found.ids), np.bool_)
        return Pool(
            found.ids,
            scores,
            found.vectors,
            found.attributes,
            _flags(found.ids, proposals.personal) & near,
            promoted & near,
            self._fresh(found, proposals) & near,
            _places(found.ids, proposals.popular),
        )

    def _fresh(self, found: Named, proposals: _Proposals) -> NDArray[np.bool_]:
        if not proposals.fresh:
            return np.zeros(len(found.ids), np.bool_)
        since = self._request.now - self._wish.rules.exploration_age
        young = np.greater_equal(found.opens, since) | np.isneginf(found.opens)
        unseen = self._popularity(found) <= 0.0
        return _flags(found.ids, proposals.fresh) & young & unseen

    def _popularity(self, found: Named) -> NDArray[np.float64]:
        """What items are worth to somebody of whom nothing is known; 0 if nobody has seen one."""
        taste = stranger(self._user.taste.situation, self._index.dimensions)
        return np.asarray(self._blend.learned.score(taste, self._candidates(found)).sum(axis=1))

    def _listed(self, scored: _Scored, places: Sequence[Place], plan: SearchPlan) -> Listed:
        chosen = [place.candidate for place in places]
        pool = scored.pool
        hits = Hits([pool.ids[one] for one in chosen], pool.scores[chosen].tolist(), plan)
        reasons: Sequence[Explanation] = ()
        if self._wish.explain and chosen:
            kept = Named([pool.ids[one] for one in chosen], pool.vectors[chosen], (), np.empty(0))
            reasons = self._explain(kept, scored.boost[chosen])
        return Listed(
            hits,
            [place.source for place in places],
            [place.propensity for place in places],
            reasons,
        )

    def _explain(self, found: Named, boost: NDArray[np.float64]) -> list[Explanation]:
        parts = self._blend.parts(self._user, self._candidates(found))
        names = self._blend.learned.channels
        return [
            explained(part, names, gain) for part, gain in zip(parts, boost.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Scored:
    """Candidates with their scores, and what the recency rule added to each."""

    found: Named
    boost: NDArray[np.float64]
    pool: Pool


def _places(ids: Sequence[str], among: Iterable[str]) -> list[int]:
    """Where some items stand, in their order."""
    wanted = list(among)
    places = {item_id: place for place, item_id in enumerate(ids)} if wanted else {}
    return [places[item_id] for item_id in wanted if item_id in places]


def _flags(ids: Sequence[str], among: Iterable[str]) -> NDArray[np.bool_]:
    return np.fromiter((item_id in among for item_id in ids), np.bool_, len(ids))


def _together(plans: Sequence[SearchPlan]) -> SearchPlan:
    examined = sum(plan.examined for plan in plans)
    return replace(plans[0], examined=examined, truncated=any(plan.truncated for plan in plans))
