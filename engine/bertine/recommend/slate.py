"""From scored candidates to a list: the rules, one after the other.

Every step takes a list of places and gives another. What a request forbids (its filter, its scope,
what was seen, the threshold) has been left out before, and caps hold at every step: promotion and
exploration take what fits.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Attributes
from bertine.recommend.caps import Counts, capped
from bertine.recommend.diversity import diversified
from bertine.recommend.requests import Source
from bertine.recommend.rules import Rules
from bertine.types import Matrix

_LEAST_WINDOW = 100


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates, all of which may be returned.

    Attributes:
        ids: of the items.
        scores: float64 ``[c]``, recency boost included.
        vectors: float32 ``[c, d]``, unit rows.
        attributes: of each.
        personal: bool ``[c]``, may take a place by its score.
        promoted: bool ``[c]``, see `Promotion`.
        fresh: bool ``[c]``, may be explored.
        popular: candidates that may fill what is left open, the most popular first.
    """

    ids: Sequence[str]
    scores: NDArray[np.float64]
    vectors: Matrix
    attributes: Sequence[Attributes]
    personal: NDArray[np.bool_]
    promoted: NDArray[np.bool_]
    fresh: NDArray[np.bool_]
    popular: Sequence[int] = ()


class Place(NamedTuple):
    """One place of the list.

    Attributes:
        candidate: of the pool.
        source: why it is here.
        propensity: with which probability exploration put it here, given the places before;
            0 for others.
    """

    candidate: int
    source: Source = "personal"
    propensity: float = 0.0


@dataclass(slots=True)
class _Draft:
    """A list under way, with what its caps count."""

    places: list[Place]
    counts: Counts
    taken: set[int] = field(default_factory=set)

    def put(self, position: int, place: Place) -> bool:
        """Put a candidate in the place of another if the caps allow; says whether they did."""
        old = self.places[position].candidate
        self.counts.remove(old)
        if not self.counts.fits(place.candidate):
            self.counts.add(old)
            return False
        self.counts.add(place.candidate)
        self.taken = self.taken - {old} | {place.candidate}
        self.places[position] = place
        return True


def compose(pool: Pool, rules: Rules, top_k: int) -> list[Place]:
    """The list.

    Args:
        pool: of candidates.
        rules: see `Rules`.
        top_k: places, >= 1.

    Returns:
        At most `top_k` places, no candidate twice.
    """
    counts = Counts(rules.caps, pool.attributes)
    best = capped(_order(pool, rules, top_k), counts, top_k)
    draft = _Draft([Place(candidate) for candidate in best], counts, set(best))
    if rules.promotion is not None:
        _promote(draft, pool, min(rules.promotion.at_least, top_k), top_k)
    if rules.exploration:
        _explore(draft, pool, rules, top_k)
    if rules.backfill:
        _fill(draft, pool, top_k)
    return draft.places


def _order(pool: Pool, rules: Rules, top_k: int) -> list[int]:
    """Personal candidates in the order in which they are offered a place."""
    window = _window(top_k) if rules.diversity else top_k
    order = ranked(pool, np.flatnonzero(pool.personal), None if rules.caps else window)
    if not rules.diversity:
        return order
    near, rest = order[: _window(top_k)], order[_window(top_k) :]
    wanted = len(near) if rules.caps else top_k
    return diversified(near, pool.scores, pool.vectors, rules.diversity, wanted) + rest


def _window(top_k: int) -> int:
    """How many of the best diversity chooses among."""
    return max(_LEAST_WINDOW, 2 * top_k)


def ranked(pool: Pool, among: NDArray[np.int64], count: int | None = None) -> list[int]:
    """Candidates by falling score, equal ones by id.

    Args:
        pool: whose scores and ids.
        among: candidates to be ranked.
        count: the first so many are enough; None is all.
    """
    scores = pool.scores[among]
    if count is not None and count < len(among):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        kept = scores >= least
        among, scores = among[kept], scores[kept]
    falling = np.argsort(-scores, kind="stable")
    numbers, values = among[falling].tolist(), scores[falling].tolist()
    if len(set(values)) < len(values):
        numbers.sort(key=lambda one: (-pool.scores[one], pool.ids[one]))
    chosen: list[int] = numbers[:count]
    return chosen


def _promote(draft: _Draft, pool: Pool, at_least: int, top_k: int) -> None:
    """Give the last places to the best promoted candidates until there are enough of them."""
    missing = at_least - sum(1 for place in draft.places if pool.promoted[place.candidate])
    if missing <= 0:
        return
    waiting = [one for one in ranked(pool, np.flatnonzero(pool.promoted)) if one not in draft.taken]
    chosen: list[int] = []
    for candidate in waiting:
        if len(chosen) == missing:
            break
        if _take(draft, pool, Place(candidate, "promoted"), top_k):
            chosen.append(candidate)
    _last(draft, chosen)


def _take(draft: _Draft, pool: Pool, place: Place, top_k: int) -> bool:
    """Take an open place, or that of the last candidate that is not promoted."""
    if len(draft.places) < top_k:
        return _append(draft, place)
    for position in range(len(draft.places) - 1, -1, -1):
        if not pool.promoted[draft.places[position].candidate]:
            return draft.put(position, place)
    return False


def _append(draft: _Draft, place: Place) -> bool:
    if not draft.counts.fits(place.candidate):
        return False
    draft.counts.add(place.candidate)
    draft.taken.add(place.candidate)
    draft.places.append(place)
    return True


def _last(draft: _Draft, chosen: Sequence[int]) -> None:
    """Move what was promoted to the end, best first."""
    moved = set(chosen)
    kept = [place for place in draft.places if place.candidate not in moved]
    draft.places = [*kept, *(Place(candidate, "promoted") for candidate in chosen)]


def _explore(draft: _Draft, pool: Pool, rules: Rules, top_k: int) -> None:
    """Draw fresh candidates into the last personal places.

    The share of places is right in the mean: what is left of a whole number is drawn for.
    """
    chance = random.Random(rules.seed)  # noqa: S311 - equal calls must have equal answers
    whole, rest = divmod(rules.exploration * top_k, 1.0)
    odds = [1.0] * int(whole) + ([rest] if rest > 0.0 else [])
    by_id = sorted(np.flatnonzero(pool.fresh).tolist(), key=lambda one: pool.ids[one])
    for odd in odds:
        _explore_once(draft, by_id, chance, odd, top_k)


def _explore_once(
    draft: _Draft, fresh: Sequence[int], chance: random.Random, odd: float, top_k: int
) -> None:
    position = _explorable(draft, top_k)
    # Both are drawn at every place: whether one comes out does not move the draws after it.
    goes, lot = chance.random() < odd, chance.random()
    if position is None:
        return
    eligible = [one for one in fresh if one not in draft.taken and _would_fit(draft, position, one)]
    if not (goes and eligible):
        return
    picked = eligible[int(lot * len(eligible))]
    place = Place(picked, "exploration", odd / len(eligible))
    if position < len(draft.places):
        draft.put(position, place)
    else:
        _append(draft, place)


def _explorable(draft: _Draft, top_k: int) -> int | None:
    """An open place, or the last personal one."""
    if len(draft.places) < top_k:
        return len(draft.places)
    positions = range(len(draft.places) - 1, -1, -1)
    return next((one for one in positions if draft.places[one].source == "personal"), None)


def _would_fit(draft: _Draft, position: int, candidate: int) -> bool:
    if position == len(draft.places):
        return draft.counts.fits(candidate)
    old = draft.places[position].candidate
    draft.counts.remove(old)
    fits = draft.counts.fits(candidate)
    draft.counts.add(old)
    return fits


def _fill(draft: _Draft, pool: Pool, top_k: int) -> None:
    for candidate in pool.popular:
        if len(draft.places) == top_k:
            return
        if candidate not in draft.taken:
            _append(draft, Place(candidate, "backfill"))
