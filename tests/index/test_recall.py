"""Bounds of a mean recall, and when it is too low."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.index.recall import (
    ENOUGH,
    WINDOW,
    Budget,
    Estimate,
    queries_needed,
    recall_of,
    wilson,
)

RECALLS = st.lists(st.sampled_from([number / 10 for number in range(11)]), max_size=300)


@given(RECALLS, st.sampled_from([0.6, 0.95, 0.999]))
def test_the_bounds_hold_the_mean_between_them(recalls: list[float], confidence: float) -> None:
    known = wilson(sum(recalls), len(recalls), confidence)
    assert 0.0 <= known.lower <= known.mean <= known.upper <= 1.0
    assert known.count == len(recalls)


@given(st.integers(1, 500), st.integers(0, 500))
def test_more_queries_narrow_the_interval_and_more_confidence_widens_it(
    count: int, good: int
) -> None:
    total = min(good, count)
    narrow, wide = wilson(total, count), wilson(total, count, 0.999)
    assert wide.lower <= narrow.lower
    assert narrow.upper <= wide.upper
    more = wilson(total * 10, count * 10)
    assert more.upper - more.lower <= narrow.upper - narrow.lower


def test_a_textbook_interval() -> None:
    # E. B. Wilson's interval for 15 of 20, z = 1.96: two sides of 95 % are one side of 97.5 %.
    known = wilson(15, 20, 0.975)
    assert known.lower == pytest.approx(0.5313, abs=1e-4)
    assert known.upper == pytest.approx(0.8881, abs=1e-4)


def test_perfect_answers_leave_doubt_and_nothing_is_known_of_nothing() -> None:
    assert wilson(20, 20).lower == pytest.approx(0.881, abs=1e-3)
    assert (wilson(0, 0).lower, wilson(0, 0).upper) == (0.0, 1.0)


@given(st.floats(0.5, 0.995), st.sampled_from([0.95, 0.99]))
def test_the_queries_needed_are_the_least_that_can_show_a_target(
    target: float, confidence: float
) -> None:
    needed = queries_needed(target, confidence)
    assert wilson(needed, needed, confidence).lower >= target - 1e-12
    assert wilson(needed - 1, needed - 1, confidence).lower < target + 1e-12


@given(st.lists(st.floats(-1, 1), max_size=20), st.data())
def test_recall_counts_what_was_found_and_ties(exact: list[float], data: st.DataObject) -> None:
    exact.sort(reverse=True)
    found = data.draw(st.lists(st.sampled_from(exact), unique=True)) if exact else []
    recall = recall_of(found, exact)
    assert (recall is None) == (not exact)
    if recall is not None:
        assert recall == len(found) / len(exact) or len(set(exact)) < len(exact)
        assert recall_of(exact, exact) == 1.0
    assert recall_of([0.9, 0.5], [0.9, 0.5, 0.5]) == pytest.approx(2 / 3)
    assert recall_of([0.9, 0.1], [0.9, 0.5]) == 0.5


def test_an_estimate_holds_what_the_true_recall_is() -> None:
    chance = random.Random(1)  # noqa: S311 - a simulation
    held = 0
    for _ in range(200):
        estimate = Estimate()
        for _ in range(300):
            estimate.add(sum(chance.random() < 0.9 for _ in range(10)) / 10)
        known = estimate.interval()
        held += known.lower <= 0.9 <= known.upper
    assert (
        held >= 190
    )  # of independent trials; real ones are less regular and the interval fits them


def test_an_alarm_needs_evidence() -> None:
    estimate = Estimate()
    for _ in range(ENOUGH - 1):
        estimate.add(0.0)
    assert not estimate.misses(0.5)
    estimate.add(0.0)
    assert estimate.misses(0.5)
    good = Estimate()
    for number in range(WINDOW):
        good.add(0.9 if number % 2 else 1.0)
        assert not good.misses(0.95)


def test_the_latest_queries_decide() -> None:
    estimate = Estimate()
    for recall in [0.0] * WINDOW + [1.0] * WINDOW:
        estimate.add(recall)
    assert (estimate.interval().mean, estimate.interval().count) == (1.0, WINDOW)


@given(st.lists(st.floats(0.001, 1.0), min_size=5, max_size=50))
def test_a_budget_keeps_to_its_share_of_time(costs: list[float]) -> None:
    budget, now, spent = Budget(), 0.0, 0.0
    for cost in costs:
        now = max(now, budget.free_at)
        assert budget.allows(now)
        now += cost
        spent += cost
        budget.spend(now, cost)
        assert not budget.allows(now)
    assert spent <= 0.0201 * budget.free_at
