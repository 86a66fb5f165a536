"""Ranks and figures of ranks against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import ranking
from benchmarks.ranking import hit_rate, mid_ranks, ndcg, recall, reciprocal_rank, top

SCORES = np.array([0.9, 0.5, 0.5, 0.1, 0.5])


def test_ties_share_their_middle_rank() -> None:
    # 0.9 is first; three 0.5 share the ranks 2, 3 and 4; 0.1 is last.
    assert mid_ranks(SCORES, np.arange(5)).tolist() == [1.0, 3.0, 3.0, 5.0, 3.0]


def test_a_method_that_cannot_tell_items_apart_has_the_middle() -> None:
    assert mid_ranks(np.zeros(9), np.array([0, 8])).tolist() == [5.0, 5.0]


def test_what_is_no_candidate_has_no_rank() -> None:
    scores = np.array([-np.inf, 1.0, -np.inf])
    assert mid_ranks(scores, np.array([0, 1])).tolist() == [math.inf, 1.0]
    assert top(scores, 3).tolist() == [1]


def test_figures_of_one_target_by_hand() -> None:
    ranks = np.array([3.0])
    assert (hit_rate(ranks, 2), hit_rate(ranks, 3)) == (0.0, 1.0)
    assert ndcg(ranks, 10) == 1 / math.log2(4)
    assert ndcg(ranks, 2) == 0.0
    assert reciprocal_rank(ranks) == pytest.approx(1 / 3)
    assert recall(ranks, 3) == 1.0


def test_figures_of_several_targets_by_hand() -> None:
    ranks = np.array([2.0, 4.0, 30.0])
    # (1/log2 3 + 1/log2 5) / (1 + 1/log2 3 + 1/2)
    assert ndcg(ranks, 10) == pytest.approx((0.63093 + 0.43068) / (1 + 0.63093 + 0.5), abs=1e-5)
    assert ndcg(ranks, 2) == pytest.approx(0.63093 / (1 + 0.63093), abs=1e-5)
    assert recall(ranks, 10) == pytest.approx(2 / 3)
    assert hit_rate(ranks, 1) == 0.0
    assert reciprocal_rank(ranks) == 0.5


def test_what_is_never_found_counts_nothing() -> None:
    ranks = np.array([math.inf])
    assert [ndcg(ranks, 10), reciprocal_rank(ranks), recall(ranks, 10)] == [0.0, 0.0, 0.0]


def test_the_top_is_by_score_and_then_by_number() -> None:
    assert top(SCORES, 3).tolist() == [0, 1, 2]
    assert top(SCORES, 99).tolist() == [0, 1, 2, 4, 3]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=30), st.data())
def test_ranks_sum_to_those_of_an_order(scores: list[float], draw: st.DataObject) -> None:
    ranks = mid_ranks(np.array(scores), np.arange(len(scores)))
    assert ranks.sum() == len(scores) * (len(scores) + 1) / 2
    k = draw.draw(st.integers(1, len(scores)))
    assert set(ranks[top(np.array(scores), k)]) <= set(ranks[ranks <= k + len(scores)])


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8, unique=True))
def test_ndcg_is_one_only_for_the_first_places(places: list[int]) -> None:
    ranks = np.array(sorted(places), np.float64)
    best = ranks.tolist() == list(range(1, len(ranks) + 1))
    assert ranking.ndcg(ranks, 10) <= 1.0 + 1e-12
    assert best == (ranking.ndcg(ranks, 10) > 1.0 - 1e-12)
