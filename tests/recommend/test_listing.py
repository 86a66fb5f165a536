"""Lists from a real index and from what was learned: nothing leaks, everything adds up."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.errors import InvalidInput
from bertine.index.filters import OneOf
from bertine.index.live import LiveIndex
from bertine.index.named import allowed
from bertine.index.request import Request
from bertine.recommend.blend import blend
from bertine.recommend.history import usable
from bertine.recommend.learn.content import Content
from bertine.recommend.learn.learned import UNTRAINED, Learned
from bertine.recommend.learn.taste import Candidates, Situation, Taste
from bertine.recommend.listing import Listed, Listing
from bertine.recommend.numbering import Numbering
from bertine.recommend.profile import ProfileOptions
from bertine.recommend.requests import Wanted, Wish
from bertine.recommend.rules import NO_RULES, Cap, Promotion, Rules
from bertine.recommend.user import user_of
from bertine.types import HistoryEntry, Item
from tests.recommend.pools import unit

COUNT, DIMENSIONS, NOW = 300, 8, 1_000.0
IDS = [f"i{number:03}" for number in range(COUNT)]
VECTORS = unit(7, COUNT, DIMENSIONS)


@dataclass(frozen=True)
class Follows:
    """A channel whose value is larger the sooner an item follows one of the history."""

    names: tuple[str, ...] = ("follows",)

    def totals(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        return np.asarray(self.shares(taste, candidates).sum(axis=2).T)

    def shares(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        gaps = candidates.numbers[:, None] - taste.items[None, :]
        shares = np.zeros((len(candidates), 1, len(taste) + 1))
        shares[:, 0, :-1] = np.where((gaps > 0) & (gaps < 5), 1.0 / np.maximum(gaps, 1), 0.0)
        return shares

    def best(self, taste: Taste, count: int) -> NDArray[np.int64]:
        after = (taste.items[:, None] + np.arange(1, 5)).ravel()
        return np.unique(after[after < COUNT + 3])[:count]


@dataclass(frozen=True)
class Popular:
    """The higher the number of an item the more popular it is; a third is known to nobody."""

    names: tuple[str, ...] = ("popularity",)

    def totals(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        return np.asarray(self.shares(taste, candidates).sum(axis=2).T)

    def shares(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        shares = np.zeros((len(candidates), 1, len(taste) + 1))
        known = (candidates.numbers >= 0) & (candidates.numbers % 3 > 0)
        shares[:, 0, -1] = np.where(known, candidates.numbers / 1_000.0, 0.0)
        return shares

    def best(self, taste: Taste, count: int) -> NDArray[np.int64]:
        numbers = np.arange(COUNT + 3)
        return np.empty(0, np.int64) if len(taste) else numbers[numbers % 3 > 0][-count:]


# Three items that were learned of are in no index any more.
LEARNED = Learned(
    [*IDS, "gone-1", "gone-2", "gone-3"],
    (Content(), Follows(), Popular()),
    np.array([1.0, 0.5, 0.1]),
)


@pytest.fixture(scope="module")
def index() -> LiveIndex:
    live = LiveIndex(DIMENSIONS)
    items = [
        Item(
            item_id,
            attributes={"brand": f"b{number % 7}"},
            available_from=NOW + 1 if number % 11 == 0 else None,
        )
        for number, item_id in enumerate(IDS)
    ]
    live.upsert(items, VECTORS, 1)
    live.delete(IDS[::13], 2)
    return live


def listed(
    index: LiveIndex,
    history: list[str],
    request: Request,
    rules: Rules = NO_RULES,
    learned: Learned = LEARNED,
    weights: dict[str, float] | None = None,
) -> Listed:
    entries = [HistoryEntry(item_id) for item_id in history]
    vectors = [index.vector(item_id) for item_id in history]
    options = ProfileOptions(interests=1)
    known = usable(entries, vectors, range(len(history)))
    user = user_of(known, options, Situation(), learned.number)
    wish = Wish(entries, Wanted(), options, explain=True, rules=rules)
    return Listing(index, Numbering(), blend(learned, weights or {}), user, wish, request).run()


RULES = st.builds(
    Rules,
    caps=st.sampled_from([(), (Cap("brand", 2),)]),
    promotion=st.sampled_from([None, Promotion(OneOf("brand", ("b3",)), 3)]),
    diversity=st.sampled_from([0.0, 0.3]),
    exploration=st.sampled_from([0.0, 0.2]),
    backfill=st.booleans(),
)


@settings(deadline=None)
@given(
    history=st.lists(st.sampled_from(IDS), max_size=10),
    top_k=st.sampled_from([1, 5, 20, 500]),
    brands=st.sampled_from([None, ("b1", "b2"), ("none",)]),
    only=st.sampled_from([None, frozenset(IDS[:40])]),
    min_score=st.sampled_from([-1.0, 0.2]),
    rules=RULES,
)
def test_nothing_leaks_and_everything_adds_up(
    index: LiveIndex,
    history: list[str],
    top_k: int,
    brands: tuple[str, ...] | None,
    only: frozenset[str] | None,
    min_score: float,
    rules: Rules,
) -> None:
    node = None if brands is None else OneOf("brand", brands)
    request = Request(top_k, min_score, node, exclude=frozenset(history), only=only, now=NOW)
    found = listed(index, history, request, rules)
    assert len(found.hits.ids) == len(set(found.hits.ids)) <= top_k
    for item_id, score, why in zip(
        found.hits.ids, found.hits.scores, found.explanations, strict=True
    ):
        number = IDS.index(item_id)
        assert number % 13
        assert number % 11
        assert item_id not in history
        assert only is None or item_id in only
        assert brands is None or f"b{number % 7}" in brands
        assert sum(part.score for part in why.contributions) == pytest.approx(score, abs=1e-5)
        assert sum(share.score for share in why.channels) == pytest.approx(score, abs=1e-5)


def test_scores_are_the_sum_of_the_channels(index: LiveIndex) -> None:
    history = [IDS[50]]
    request = Request(10, exclude=frozenset(history), now=NOW)
    found = listed(index, history, request)
    for item_id, score in zip(found.hits.ids, found.hits.scores, strict=True):
        number = IDS.index(item_id)
        follows = 1 / (number - 50) if 50 < number < 55 else 0.0
        popular = number / 1_000 if number % 3 else 0.0
        expected = float(VECTORS[50] @ VECTORS[number]) + 0.5 * follows + 0.1 * popular
        assert score == pytest.approx(expected, abs=1e-5)
    followed = listed(index, history, request, weights={"follows": 1.0})
    assert followed.hits.ids[0] == IDS[51]
    assert followed.hits.scores[0] == pytest.approx(1.0)
    assert set(found.sources) == {"personal"}
    assert list(found.hits.scores) == sorted(found.hits.scores, reverse=True)


def test_content_alone_is_a_search(index: LiveIndex) -> None:
    history = [IDS[50], IDS[60]]
    request = Request(10, exclude=frozenset(history), now=NOW)
    alone = listed(index, history, request, weights={"content": 1.0})
    untrained = listed(index, history, request, learned=UNTRAINED)
    assert alone.hits == untrained.hits
    ruled = listed(index, history, request, Rules(exploration_age=1.0, diversity=1e-9))
    assert set(ruled.sources) == {"personal"}
    twice = listed(index, history, request, weights={"content": 2.0})
    assert twice.hits.ids == alone.hits.ids
    assert twice.hits.scores == pytest.approx([2 * score for score in alone.hits.scores])


def test_a_stranger_gets_what_is_popular(index: LiveIndex) -> None:
    found = listed(index, [], Request(5, now=NOW))
    assert list(found.hits.ids) == ["i298", "i296", "i295", "i293", "i292"]
    assert set(found.sources) == {"backfill"}
    assert listed(index, [], Request(5, now=NOW), Rules(backfill=False)).hits.ids == []
    assert listed(index, [], Request(5, now=NOW), learned=UNTRAINED).hits.ids == []


def test_what_the_threshold_leaves_open_is_filled(index: LiveIndex) -> None:
    request = Request(20, 0.8, exclude=frozenset({IDS[50]}), now=NOW)
    found = listed(index, [IDS[50]], request, weights={"content": 1.0})
    personal = [
        score
        for score, source in zip(found.hits.scores, found.sources, strict=True)
        if source == "personal"
    ]
    assert 0 < len(personal) < 20
    assert min(personal) >= 0.8
    assert len(found.hits.ids) == 20
    short = listed(index, [IDS[50]], request, Rules(backfill=False), weights={"content": 1.0})
    assert list(short.hits.scores) == pytest.approx(personal)


def test_only_what_nobody_has_seen_is_explored(index: LiveIndex) -> None:
    request = Request(10, exclude=frozenset({IDS[50]}), now=NOW)
    found = listed(index, [IDS[50]], request, Rules(exploration=0.5))
    explored = [
        item_id
        for item_id, source in zip(found.hits.ids, found.sources, strict=True)
        if source == "exploration"
    ]
    assert len(explored) == 5
    assert all(IDS.index(item_id) % 3 == 0 for item_id in explored)


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"none": 1.0}, "content, follows, popularity"), ({"content": 0.0}, "all 0")],
)
def test_weights_of_no_channel(weights: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        blend(LEARNED, weights)


def test_a_large_collection_by_inverted_lists_leaks_nothing_either() -> None:
    live = LiveIndex(DIMENSIONS)
    live.upsert([Item(item_id) for item_id in IDS], VECTORS, 1)
    live.rebuild()
    live.delete(IDS[:100], 2)
    view = live.view()
    rows = live.rows_of([*IDS[90:110], "unknown"], view)
    found = allowed(view, rows, Request(1, exclude=frozenset({IDS[105]}), now=NOW))
    assert sorted(found.ids) == [*IDS[100:105], *IDS[106:110]]
    assert np.array_equal(found.vectors, VECTORS[[IDS.index(item_id) for item_id in found.ids]])
