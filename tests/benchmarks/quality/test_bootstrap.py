"""Intervals over users."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.bootstrap import estimate, ratio, resampled


def test_the_mean_is_that_of_the_rows() -> None:
    found = estimate(np.array([1.0, 0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1, 2]))
    assert found.mean == 0.6
    assert 0.0 <= found.low <= 0.6 <= found.high <= 1.0


def test_one_user_is_no_evidence_of_spread() -> None:
    found = estimate(np.array([1.0, 0.0, 0.5]), np.array([7, 7, 7]))
    assert (found.low, found.high) == (0.5, 0.5)


def test_the_same_seed_draws_the_same() -> None:
    values, users = np.arange(50.0), np.arange(50)
    assert estimate(values, users, seed=3) == estimate(values, users, seed=3)
    assert estimate(values, users, seed=3) != estimate(values, users, seed=4)


def test_the_spread_is_that_of_the_mean() -> None:
    random = np.random.default_rng(0)
    values = random.normal(0.0, 1.0, 2_000)
    means = resampled(values[:, None], np.arange(2_000), seed=1)
    assert means.std() == pytest.approx(1.0 / np.sqrt(2_000), rel=0.1)


def test_rows_of_a_user_are_drawn_together() -> None:
    # 20 users of 50 equal rows each: as uncertain as 20 rows, not as 1,000.
    per_user = np.random.default_rng(0).normal(0.0, 1.0, 20)
    users = np.repeat(np.arange(20), 50)
    together = resampled(per_user[users][:, None], users, seed=1).std()
    assert together == pytest.approx(per_user.std() / np.sqrt(20), rel=0.15)


def test_a_ratio_of_a_method_to_itself_is_sure() -> None:
    values = np.random.default_rng(0).random(30)
    found = ratio(2 * values, values, np.arange(30))
    assert [found.mean, found.low, found.high] == pytest.approx([2.0, 2.0, 2.0])
