"""A hundred thousand items: right answers, and no call that takes memory by the million."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.recommend.blend import Blend, blend
from bertine.recommend.history import usable
from bertine.recommend.learn.interactions import Interactions, ordered
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.learning import LearningOptions, learn
from bertine.recommend.learn.taste import Candidates, Situation
from bertine.recommend.listing import Listed, Listing
from bertine.recommend.numbering import Numbering
from bertine.recommend.profile import ProfileOptions
from bertine.recommend.requests import Wanted, Wish
from bertine.recommend.user import User, user_of
from bertine.types import HistoryEntry, Item
from tests.recommend.pools import unit

COUNT, DIMENSIONS = 100_000, 16
IDS = [f"i{number:06}" for number in range(COUNT)]
VECTORS = unit(11, COUNT, DIMENSIONS)
HISTORY = IDS[:1_000:100]
MOST_BYTES = 16 << 20

WORLD = tuple[LiveIndex, Learned, Numbering]


def events() -> Interactions:
    """Users who each like items near to one number, of the first five hundred hundreds."""
    rng = np.random.default_rng(0)
    count = 8_000
    users = np.sort(rng.integers(0, 800, count))
    unknown = np.full(count, -1, np.int32)
    items = (users % 40 * 10 + rng.integers(0, 12, count)) * 100
    times, weights = rng.uniform(0, 1e6, count), np.ones(count, np.float32)
    return ordered(Interactions(users, items, times, weights, unknown, unknown, IDS))


@pytest.fixture(scope="module")
def learned() -> Learned:
    names = ("content", "sequence", "linear", "factors", "popularity")
    weights = dict.fromkeys(names, (1.0, 1.0))
    return learn(events(), VECTORS, LearningOptions(weights=weights, channels=names))


@pytest.fixture(scope="module", params=["scanned", "trained"])
def world(request: pytest.FixtureRequest, learned: Learned) -> WORLD:
    index = LiveIndex(DIMENSIONS)
    index.upsert([Item(item_id) for item_id in IDS], VECTORS, 1)
    if request.param == "trained":
        index.rebuild()
        assert index.status().main == COUNT
    index.delete(IDS[50::1000], 2)
    index.upsert([Item(IDS[150])], VECTORS[150:151], 3)
    return index, learned, Numbering()


def asked(world: WORLD, request: Request) -> tuple[Listed, User, Blend]:
    index, learned, numbering = world
    entries = [HistoryEntry(item_id) for item_id in HISTORY]
    known = usable(entries, [index.vector(one) for one in HISTORY], range(len(HISTORY)))
    user = user_of(known, ProfileOptions(interests=1), Situation(), learned.number)
    mixed = blend(learned, {}, new_only=True)
    wish = Wish(entries, Wanted(), ProfileOptions(interests=1), explain=True)
    return Listing(index, numbering, mixed, user, wish, request).run(), user, mixed


@pytest.mark.parametrize("top_k", [1, 10, 1_000])
def test_every_hit_is_worth_what_all_channels_say(world: WORLD, top_k: int) -> None:
    found, user, mixed = asked(world, Request(top_k, exclude=frozenset(HISTORY)))
    ids, scores = list(found.hits.ids), np.array(found.hits.scores)
    assert len(ids) == len(set(ids)) == top_k
    assert not set(ids) & {*HISTORY, *IDS[50::1000]}
    rows = np.array([int(item_id[1:]) for item_id in ids])
    expected = mixed.parts(user, Candidates(rows, VECTORS[rows])).sum(axis=(1, 2))
    personal = [source == "personal" for source in found.sources]
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert (np.diff(scores[personal]) <= 0.0).all()
    sums = [sum(part.score for part in why.contributions) for why in found.explanations]
    np.testing.assert_allclose(sums, scores, atol=1e-4)


def test_the_best_of_all_items_is_found(world: WORLD) -> None:
    found, user, mixed = asked(world, Request(10, exclude=frozenset(HISTORY), exact=True))
    every = Candidates(np.arange(COUNT), VECTORS)
    assert user.interests is not None
    scores = mixed.scores(user, every, user.interests.nearest(VECTORS))
    gone = [*range(50, COUNT, 1000), *(IDS.index(one) for one in HISTORY)]
    scores[gone] = -np.inf
    best = np.argsort(-scores)[:10]
    assert list(found.hits.ids) == [IDS[number] for number in best]


def test_more_is_asked_for_than_there_is(world: WORLD) -> None:
    only = frozenset(IDS[48:53])
    found, _, _ = asked(world, Request(1_000, only=only))
    assert set(found.hits.ids) == only - {IDS[50]}
    nothing, _, _ = asked(world, Request(10, only=frozenset({"unknown", IDS[50]})))
    assert list(nothing.hits.ids) == []


def test_a_call_takes_no_memory_for_every_item_but_a_few_numbers(world: WORLD) -> None:
    request = Request(10, exclude=frozenset(HISTORY))
    asked(world, request)
    tracemalloc.start()
    try:
        asked(world, replace(request, top_k=20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES
