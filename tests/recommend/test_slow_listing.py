"""Lists against a slow way to the same: every item by itself, with the sums that explain it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.index.filters import OneOf
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.recommend.blend import Blend
from bertine.recommend.history import usable
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.learning import LearningOptions, learn
from bertine.recommend.learn.taste import Candidates, Situation
from bertine.recommend.listing import Listing
from bertine.recommend.numbering import Numbering
from bertine.recommend.profile import ProfileOptions
from bertine.recommend.requests import Wanted, Wish
from bertine.recommend.rules import Rules
from bertine.recommend.user import user_of
from bertine.types import HistoryEntry, Item
from tests.recommend.learn.conftest import DIMENSIONS, ITEMS, make_interactions, make_vectors
from tests.recommend.pools import BRANDS

# Four times that is all there is: nothing depends on who is proposed.
TOP_K = 20
IDS = [f"item-{number}" for number in range(ITEMS + 5)]
VECTORS = make_vectors(3, len(IDS))

WORLD = tuple[LiveIndex, Learned, Numbering]


@pytest.fixture(scope="module")
def world() -> WORLD:
    """Five items are new: nothing was learned of them. Some have gone, some have changed."""
    learned = learn(make_interactions(), VECTORS[:ITEMS], LearningOptions())
    index = LiveIndex(DIMENSIONS)
    items = [Item(one, attributes={"brand": BRANDS[n % 3]}) for n, one in enumerate(IDS)]
    index.upsert(items, VECTORS, 1)
    index.delete(IDS[::9], 2)
    index.upsert(items[1:3], VECTORS[1:3], 3)
    return index, learned, Numbering()


@settings(deadline=None)
@given(
    history=st.lists(
        st.tuples(st.sampled_from(IDS), st.sampled_from([None, -0.5, 0.5, 1.0, 2.0])), max_size=12
    ),
    weights=st.lists(st.sampled_from([0.0, 0.0, 0.3, 1.0]), min_size=20, max_size=20),
    place=st.sampled_from(["", "north"]),
    brands=st.sampled_from([None, ("red",), ("red", "blue")]),
    excluded=st.sampled_from([frozenset(), frozenset(IDS[:30])]),
)
def test_lists_are_those_of_a_slow_way(
    world: WORLD,
    history: list[tuple[str, float | None]],
    weights: list[float],
    place: str,
    brands: tuple[str, ...] | None,
    excluded: frozenset[str],
) -> None:
    index, learned, numbering = world
    entries = [HistoryEntry(item_id, weight=weight) for item_id, weight in history]
    known = usable(entries, [index.vector(one) for one, _ in history], range(len(entries)))
    options = ProfileOptions(interests=None)
    user = user_of(known, options, Situation(place=place), learned.number)
    if user.interests is None:
        return
    blend = Blend(learned, np.array([1.0, *weights[1 : len(learned.channels)]]))
    node = None if brands is None else OneOf("brand", brands)
    request = Request(TOP_K, filter=node, exclude=excluded)
    wish = Wish(entries, Wanted(), options, rules=Rules(backfill=False))
    found = Listing(index, numbering, blend, user, wish, request).run().hits

    def alone(item_id: str) -> float:
        vector = index.vector(item_id)
        assert vector is not None
        one = Candidates(np.array([learned.number(item_id)]), vector[None, :])
        return float(blend.parts(user, one).sum())

    expected = {
        item_id: alone(item_id)
        for number, item_id in enumerate(IDS)
        if number % 9
        and item_id not in excluded
        and (brands is None or BRANDS[number % 3] in brands)
    }
    best = sorted(expected, key=lambda one: (-expected[one], one))[:TOP_K]
    assert len(found.ids) == len(set(found.ids)) == len(best)
    np.testing.assert_allclose(found.scores, [expected[one] for one in best], atol=1e-5)
    np.testing.assert_allclose(found.scores, [expected[one] for one in found.ids], atol=1e-5)
