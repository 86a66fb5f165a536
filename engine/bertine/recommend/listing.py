"""A list for one user: candidates from the index and from what was learned, scored, then ruled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import compile_filter
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.recommend.blend import Blend
from bertine.recommend.explanation import explained
from bertine.recommend.learn.channel import Numbers
from bertine.recommend.learn.taste import Candidates
from bertine.recommend.numbering import Numbering
from bertine.recommend.profile import nearer_to_disliked
from bertine.recommend.proposals import Found, Proposals, Proposer, first_size, next_size
from bertine.recommend.recency import boosts
from bertine.recommend.requests import Explanation, Source, Wish
from bertine.recommend.slate import Place, Pool, compose
from bertine.recommend.user import User
from bertine.types import Hits, SearchPlan

_ROUNDS = 3


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


@dataclass(frozen=True, slots=True)
class _Scored:
    """Candidates with their scores, and what the recency rule added to each."""

    found: Found
    boost: NDArray[np.float64]
    pool: Pool


class Listing:
    """Makes one list.

    Args:
        index: of the collection.
        numbering: of its rows.
        blend: of its channels.
        user: for whom.
        wish: what for.
        request: filter, scope with what was seen, threshold, time.
    """

    def __init__(
        self,
        index: LiveIndex,
        numbering: Numbering,
        blend: Blend,
        user: User,
        wish: Wish,
        request: Request,
    ) -> None:
        self._proposer = Proposer(index, numbering, blend, user, request)
        self._blend, self._user, self._request = blend, user, request
        self._rules, self._explains = wish.rules, wish.explain

    def run(self) -> Listed:
        """The list, best first."""
        if self._is_plain:
            [hits] = self._proposer.search(self._request)
            if len(hits.ids) == self._request.top_k or not self._backfills:
                return self._plainly(hits)
        return self._ruled()

    @property
    def _is_plain(self) -> bool:
        """Whether the list is what one search gives."""
        interests = self._user.interests
        one = interests is not None and len(interests.profiles) == 1
        return one and self._blend.alone and not (self._user.outspoken or self._rules.reorders)

    @property
    def _backfills(self) -> bool:
        return self._rules.backfill and len(self._blend.learned.channels) > 1

    def _plainly(self, hits: Hits) -> Listed:
        weight = float(self._blend.weights.max())
        if weight != 1.0:
            hits = Hits(hits.ids, [weight * score for score in hits.scores], hits.plan)
        count = len(hits.ids)
        reasons: Sequence[Explanation] = ()
        if self._explains:
            found = self._proposer.found(hits.ids)
            parts = self._explain(found.candidates, np.zeros(len(found)))
            known = dict(zip(found.named.ids, parts, strict=True))
            # Deleted since it was found: nothing is left to explain it with.
            reasons = [known.get(item_id, Explanation()) for item_id in hits.ids]
        return Listed(hits, ["personal"] * count, [0.0] * count, reasons)

    def _ruled(self) -> Listed:
        top_k = self._request.top_k
        size = first_size(top_k)
        for last in [False] * (_ROUNDS - 1) + [True]:
            proposals = self._proposer.personal(size, self._rules)
            scored = self._scored(proposals)
            places = compose(scored.pool, self._rules, top_k)
            if len(places) == top_k or last or not proposals.more:
                break
            size = next_size(size)
        if len(places) < top_k and self._backfills:
            proposals.popular = self._proposer.popular()
            scored = self._scored(proposals)
            places = compose(scored.pool, self._rules, top_k)
        return self._listed(scored, places, proposals.plan)

    def _scored(self, proposals: Proposals) -> _Scored:
        found = self._proposer.found(
            proposals.ids,
            np.concatenate([proposals.linked, proposals.popular]),
        )
        # Nothing is near or far to somebody of whom nothing is known.
        content, near = np.zeros(len(found), np.float32), np.ones(len(found), np.bool_)
        if self._user.interests is not None and self._compares:
            content = self._user.interests.nearest(found.candidates.vectors)
            near = content >= self._request.min_score
        if self._user.outspoken:
            taste = self._user.taste
            near &= ~nearer_to_disliked(found.candidates.vectors, taste.vectors, self._user.weights)
        scores = self._blend.scores(self._user, found.candidates, content)
        boost = self._boost(found)
        return _Scored(found, boost, self._pool(found, proposals, scores + boost, near))

    @property
    def _compares(self) -> bool:
        """Whether it matters how near candidates are: no cosine is below -1."""
        return self._blend.compares or self._request.min_score > -1.0

    def _boost(self, found: Found) -> NDArray[np.float64]:
        rule, named = self._rules.recency, found.named
        if rule is None:
            return np.zeros(len(found))
        attributes = named.attributes if rule.attribute else ()
        return boosts(rule, named.opens, attributes, self._request.now)

    def _pool(
        self,
        found: Found,
        proposals: Proposals,
        scores: NDArray[np.float64],
        near: NDArray[np.bool_],
    ) -> Pool:
        named = found.named
        return Pool(
            named.ids,
            scores,
            named.vectors,
            named.attributes if self._rules.caps else (),
            _personal(found, proposals) & near,
            self._promoted(found) & near,
            self._fresh(found, proposals) & near,
            _places(found.candidates.numbers, proposals.popular),
        )

    def _promoted(self, found: Found) -> NDArray[np.bool_]:
        promoted = np.zeros(len(found), np.bool_)
        if self._rules.promotion is not None:
            test = compile_filter(self._rules.promotion.filter)
            promoted[:] = [test(attributes) for attributes in found.named.attributes]
        return promoted

    def _fresh(self, found: Found, proposals: Proposals) -> NDArray[np.bool_]:
        if not proposals.fresh:
            return np.zeros(len(found), np.bool_)
        opens = found.named.opens
        since = self._request.now - self._rules.exploration_age
        young = np.greater_equal(opens, since) | np.isneginf(opens)
        unseen = self._proposer.popularity(found.candidates) <= 0.0
        return _flags(found.named.ids, proposals.fresh) & young & unseen

    def _listed(self, scored: _Scored, places: Sequence[Place], plan: SearchPlan) -> Listed:
        chosen = [place.candidate for place in places]
        pool, given = scored.pool, scored.found.candidates
        hits = Hits([pool.ids[one] for one in chosen], pool.scores[chosen].tolist(), plan)
        reasons: Sequence[Explanation] = ()
        if self._explains and chosen:
            kept = Candidates(given.numbers[chosen], given.vectors[chosen])
            reasons = self._explain(kept, scored.boost[chosen])
        return Listed(
            hits,
            [place.source for place in places],
            [place.propensity for place in places],
            reasons,
        )

    def _explain(self, candidates: Candidates, boost: NDArray[np.float64]) -> list[Explanation]:
        parts = self._blend.parts(self._user, candidates)
        names = self._blend.learned.channels
        return [
            explained(part, names, gain) for part, gain in zip(parts, boost.tolist(), strict=True)
        ]


def _personal(found: Found, proposals: Proposals) -> NDArray[np.bool_]:
    if not proposals.ruled:
        return np.ones(len(found), np.bool_)
    linked = np.isin(found.candidates.numbers, proposals.linked)
    return _flags(found.named.ids, proposals.near) | linked


def _places(numbers: Numbers, among: Numbers) -> list[int]:
    """Where some items stand, in their order."""
    if not len(among):
        return []
    places = {number: place for place, number in enumerate(numbers.tolist())}
    return [places[number] for number in among.tolist() if number in places]


def _flags(ids: Sequence[str], among: set[str]) -> NDArray[np.bool_]:
    return np.fromiter((item_id in among for item_id in ids), np.bool_, len(ids))
