from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.index.filters import OneOf
from bertine.recommend.rules import NO_RULES, Cap, Promotion, Rules
from bertine.recommend.slate import Place, Pool, compose, ranked
from tests.recommend.pools import pools, unit

BLUE = OneOf("brand", ("blue",))
RULES = st.builds(
    Rules,
    caps=st.sampled_from([(), (Cap("brand", 1),), (Cap("brand", 2), Cap("other", 1))]),
    promotion=st.sampled_from([None, Promotion(BLUE, 1), Promotion(BLUE, 30)]),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    backfill=st.booleans(),
    exploration=st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    seed=st.integers(0, 5),
)
TOP_K = st.integers(1, 30)


def ids(pool: Pool, places: list[Place]) -> list[str]:
    return [pool.ids[place.candidate] for place in places]


@given(pools(), RULES, TOP_K)
def test_no_list_is_too_long_or_repeats_or_breaks_a_cap(
    pool: Pool, rules: Rules, top_k: int
) -> None:
    places = compose(pool, rules, top_k)
    assert len(places) <= top_k
    assert len(set(ids(pool, places))) == len(places)
    for cap in rules.caps:
        values = (pool.attributes[place.candidate].get(cap.attribute) for place in places)
        counts = Counter(value for value in values if value is not None)
        assert all(count <= cap.at_most for count in counts.values())


@given(pools(), RULES, TOP_K)
def test_every_place_has_the_source_that_allows_it(pool: Pool, rules: Rules, top_k: int) -> None:
    for place in compose(pool, rules, top_k):
        match place.source:
            case "personal":
                assert pool.personal[place.candidate]
            case "promoted":
                assert pool.promoted[place.candidate]
                assert rules.promotion is not None
            case "exploration":
                assert pool.fresh[place.candidate]
                assert 0.0 < place.propensity <= 1.0
            case "backfill":
                assert rules.backfill
        assert place.source == "exploration" or place.propensity == 0.0


@given(pools(), RULES, TOP_K)
def test_equal_calls_have_equal_answers_whatever_the_order_of_the_pool(
    pool: Pool, rules: Rules, top_k: int
) -> None:
    turned = np.arange(len(pool.ids))[::-1]
    place_of = {int(old): new for new, old in enumerate(turned)}
    mirrored = Pool(
        [pool.ids[one] for one in turned],
        pool.scores[turned],
        pool.vectors[turned],
        [pool.attributes[one] for one in turned],
        pool.personal[turned],
        pool.promoted[turned],
        pool.fresh[turned],
        [place_of[one] for one in pool.popular],
    )
    first, second = compose(pool, rules, top_k), compose(mirrored, rules, top_k)
    assert ids(pool, first) == ids(mirrored, second)
    assert [place.propensity for place in first] == [place.propensity for place in second]


@given(pools(), TOP_K)
def test_without_rules_it_is_the_best_by_score_then_by_id(pool: Pool, top_k: int) -> None:
    rules = replace(NO_RULES, backfill=False)
    personal = np.flatnonzero(pool.personal).tolist()
    expected = sorted(personal, key=lambda one: (-pool.scores[one], pool.ids[one]))[:top_k]
    assert [place.candidate for place in compose(pool, rules, top_k)] == expected
    assert ranked(pool, np.flatnonzero(pool.personal)) == sorted(
        personal, key=lambda one: (-pool.scores[one], pool.ids[one])
    )


@given(pools(), TOP_K, st.integers(1, 30))
def test_as_many_are_promoted_as_there_are(pool: Pool, top_k: int, at_least: int) -> None:
    rules = Rules(promotion=Promotion(BLUE, at_least), backfill=False)
    places = compose(pool, rules, top_k)
    promoted = sum(bool(pool.promoted[place.candidate]) for place in places)
    assert promoted >= min(at_least, top_k, int(pool.promoted.sum()))
    # Those that were put in stand last, best first.
    sources = [place.source for place in places]
    put = sources.count("promoted")
    assert sources[len(sources) - put :] == ["promoted"] * put
    scores = [pool.scores[place.candidate] for place in places if place.source == "promoted"]
    assert scores == sorted(scores, reverse=True)


@given(pools(), TOP_K)
def test_backfill_takes_what_is_left_open_in_the_order_of_popularity(
    pool: Pool, top_k: int
) -> None:
    places = compose(pool, NO_RULES, top_k)
    filled = [place.candidate for place in places if place.source == "backfill"]
    assert filled == [one for one in pool.popular if not pool.personal[one]][: len(filled)]
    assert len(places) == min(top_k, len(pool.ids))


def wide(count: int = 40) -> Pool:
    """Twenty items by their scores, and as many fresh ones."""
    old = np.arange(count) < count // 2
    return Pool(
        [f"i{number:02}" for number in range(count)],
        np.linspace(1, 0, count),
        unit(0, count),
        [{}] * count,
        old,
        np.zeros(count, np.bool_),
        ~old,
    )


def test_the_share_of_explored_places_is_right_in_the_mean() -> None:
    pool, seeds = wide(), 400
    explored = [
        sum(
            place.source == "exploration"
            for place in compose(pool, Rules(exploration=0.25, seed=seed), 10)
        )
        for seed in range(seeds)
    ]
    assert set(explored) == {2, 3}
    assert np.mean(explored) == pytest.approx(2.5, abs=0.1)


def test_propensities_are_the_frequencies() -> None:
    pool, seeds = wide(), 2_000
    expected, counted = 0.0, 0
    for seed in range(seeds):
        places = compose(pool, Rules(exploration=0.05, seed=seed), 10)
        counted += sum(pool.ids[place.candidate] == "i25" for place in places)
        explored = [place for place in places if place.source == "exploration"]
        assert all(place.propensity == pytest.approx(0.5 / 20) for place in explored)
        expected += 0.5 / 20
    assert counted == pytest.approx(expected, rel=0.35)


def test_contradictory_rules_keep_the_caps() -> None:
    pool = wide()
    pool = replace(
        pool,
        attributes=[{"brand": "blue"}] * len(pool.ids),
        promoted=np.ones(len(pool.ids), np.bool_),
        popular=range(len(pool.ids)),
    )
    rules = Rules(
        caps=(Cap("brand", 1),), promotion=Promotion(BLUE, 10), exploration=0.5, diversity=1.0
    )
    assert len(compose(pool, rules, 10)) == 1


def test_an_item_of_several_values_counts_for_each() -> None:
    pool = replace(wide(4), personal=np.ones(4, np.bool_))
    pool = replace(
        pool, attributes=[{"tag": ("a", "b", "a")}, {"tag": "a"}, {"tag": "b"}, {"tag": True}]
    )
    places = compose(pool, Rules(caps=(Cap("tag", 1),)), 4)
    assert [place.candidate for place in places] == [0, 3]
