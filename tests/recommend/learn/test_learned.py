from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.recommend.learn.factors import Factors
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.learned import UNTRAINED, Learned
from bertine.recommend.learn.learning import DEFAULT_WEIGHTS, LearningOptions, learn
from bertine.recommend.learn.storage import LAYOUT
from bertine.recommend.learn.taste import Candidates, Situation, Taste
from bertine.types import Matrix

ITEMS, DIMENSIONS = 60, 16


def rows(count: int, seed: int) -> Matrix:
    made = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made / lengths, np.float32)


@st.composite
def tastes(draw: st.DrawFn) -> Taste:
    numbers = draw(st.lists(st.integers(-1, ITEMS - 1), max_size=8))
    count = len(numbers)
    weight = st.sampled_from([-0.5, 0.0, 0.25, 1.0])
    weights = np.array(draw(st.lists(weight, min_size=count, max_size=count)), np.float64)
    times = np.sort(np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))))
    known = draw(st.booleans())
    place = draw(st.sampled_from(["", "north", "nowhere"]))
    situation = Situation(draw(st.sampled_from([float("nan"), 0.0, 5e5])), 60, place)
    return Taste(
        np.array(numbers, np.int64),
        weights,
        rows(count, draw(st.integers(0, 99))),
        times.astype(np.float64) if known else np.full(count, np.nan),
        situation,
    )


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    numbers = draw(st.lists(st.integers(0, ITEMS - 1), max_size=20, unique=True))
    numbers += [-1] * draw(st.integers(0, 2))
    return Candidates(np.array(numbers, np.int64), rows(len(numbers), draw(st.integers(0, 99))))


@given(taste=tastes(), offered=candidates())
def test_parts_sum_to_the_score_and_all_is_finite(
    learned: Learned, taste: Taste, offered: Candidates
) -> None:
    parts, score = learned.parts(taste, offered), learned.score(taste, offered)
    assert parts.shape == (len(offered), len(learned.channels), len(taste) + 1)
    assert np.isfinite(parts).all()
    np.testing.assert_allclose(parts.sum(axis=2), score, rtol=1e-5, atol=1e-5)


@given(taste=tastes(), count=st.integers(1, 30))
def test_proposals_are_numbers_of_items(learned: Learned, taste: Taste, count: int) -> None:
    found = learned.propose(taste, count)
    assert found.dtype == np.int64
    assert ((found >= 0) & (found < ITEMS)).all()


@given(taste=tastes(), offered=candidates())
def test_a_value_does_not_depend_on_the_other_candidates(
    learned: Learned, taste: Taste, offered: Candidates
) -> None:
    score = learned.score(taste, offered)
    for n in range(len(offered)):
        alone = Candidates(offered.numbers[n : n + 1], offered.vectors[n : n + 1])
        np.testing.assert_allclose(learned.score(taste, alone)[0], score[n], rtol=1e-4, atol=1e-5)


def test_one_taste_may_be_held_against_one_set_of_factors_after_another() -> None:
    taste = Taste(np.array([3, 4]), np.ones(2), rows(2, 1), np.array([1.0, 2.0]))
    offered = Candidates(np.arange(ITEMS), rows(ITEMS, 2))
    for seed in range(20):
        items = rows(ITEMS, seed)
        factors = Factors(items, items.T.astype(np.float64) @ items + np.eye(DIMENSIONS))
        summed = factors.shares(taste, offered).sum(axis=2).T
        np.testing.assert_allclose(factors.totals(taste, offered), summed, rtol=1e-4, atol=1e-5)
        del factors  # the next one may have its address


def test_saved_and_loaded_it_is_the_same(learned: Learned, tmp_path: Path) -> None:
    learned.save(tmp_path)
    again = Learned.load(tmp_path)
    taste = Taste(np.array([3, 4]), np.array([0.5, 1.0]), rows(2, 1), np.array([1.0, 2.0]))
    offered = Candidates(np.arange(ITEMS), rows(ITEMS, 2))
    assert (again.channels, again.status) == (learned.channels, learned.status)
    assert again.item_ids == learned.item_ids
    np.testing.assert_array_equal(again.weights, learned.weights)
    np.testing.assert_array_equal(again.parts(taste, offered), learned.parts(taste, offered))


def test_another_layout_is_refused(learned: Learned, tmp_path: Path) -> None:
    learned.save(tmp_path)
    path = tmp_path / "learned.json"
    path.write_text(path.read_text().replace(f'"layout": {LAYOUT}', '"layout": 0'))
    with pytest.raises(ValueError, match="learned anew"):
        Learned.load(tmp_path)


def test_the_same_seed_learns_the_same(
    learned: Learned, interactions: Interactions, vectors: Matrix
) -> None:
    again = learn(interactions, vectors, LearningOptions())
    taste = Taste(np.array([3, 4]), np.array([0.5, 1.0]), rows(2, 1), np.array([1.0, 2.0]))
    offered = Candidates(np.arange(ITEMS), rows(ITEMS, 2))
    np.testing.assert_array_equal(again.weights, learned.weights)
    np.testing.assert_array_equal(again.score(taste, offered), learned.score(taste, offered))


def test_a_user_who_is_gone_leaves_no_trace_in_what_is_learned_anew(
    interactions: Interactions, vectors: Matrix
) -> None:
    lonely = np.flatnonzero(interactions.users == interactions.users[0])
    items = interactions.items.copy()
    items[items == 59] = 0
    items[lonely] = 59
    told = Interactions(
        interactions.users,
        items,
        interactions.times,
        np.ones(len(items), np.float32),
        interactions.places,
        interactions.devices,
        interactions.item_ids,
        interactions.place_names,
    )
    gone = told.where(told.users != told.users[0])
    options = LearningOptions(weights={"content": (1.0, 1.0)})
    offered = Candidates(np.array([59]), vectors[[59]])
    taste = Taste(np.array([3]), np.ones(1), vectors[[3]], np.array([1.0]))
    without = learn(gone, vectors, options)
    for name, value in zip(without.channels, without.score(taste, offered)[0], strict=True):
        # Near items' events speak for it still; its own do not.
        assert name.startswith("content") or name == "sequence_near" or value == 0


def test_an_order_that_users_follow_is_learned(learned: Learned) -> None:
    assert learned.status.validation_rows > 0
    assert learned.status.validation_ndcg > learned.status.content_ndcg


def test_weights_that_are_kept_are_not_fitted(interactions: Interactions, vectors: Matrix) -> None:
    kept = learn(interactions, vectors, LearningOptions(weights={"together": (2.0, 3.0)}))
    named = dict(zip(kept.channels, kept.weights.tolist(), strict=True))
    assert named.pop("together") == 2.0
    assert kept.by_name()["together"] == (2.0, 3.0)
    assert set(named.values()) == {0.0}
    assert kept.status.validation_rows == 0


def test_too_few_events_leave_the_usual_weights(
    interactions: Interactions, vectors: Matrix
) -> None:
    for count in (0, 1, 5):
        few = interactions.where(np.arange(len(interactions)) < count)
        learned = learn(few, vectors, LearningOptions())
        weights = {name: pair[0] for name, pair in learned.by_name().items() if any(pair)}
        assert weights.items() <= DEFAULT_WEIGHTS.items()
        assert weights["content"] > 0
        assert learned.status.validation_rows == 0


def test_nothing_learned_is_the_similarity_to_the_profile() -> None:
    made, vectors = UNTRAINED, rows(3, 5)
    taste = Taste(np.array([-1]), np.ones(1), vectors[:1], np.array([np.nan]))
    score = made.score(taste, Candidates(np.full(3, -1), vectors))
    assert made.channels == ("content",)
    np.testing.assert_allclose(score[:, 0], vectors @ vectors[0], rtol=1e-6)
