"""When calls are sent, by properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import schedule

RATES = st.floats(0.5, 5_000)
SEEDS = st.integers(0, 2**32 - 1)


@given(RATES, st.floats(1, 20), SEEDS)
def test_poisson_arrivals_ascend_at_the_mean_rate(rate: float, seconds: float, seed: int) -> None:
    arrivals = schedule.poisson(rate, seconds, seed)
    assert len(arrivals) == round(rate * seconds)
    assert np.all(np.diff(arrivals) >= 0)
    assert np.all((arrivals >= 0) & (arrivals < seconds))


@given(SEEDS)
def test_a_seed_fixes_the_arrivals(seed: int) -> None:
    first, again = schedule.poisson(100, 5, seed), schedule.poisson(100, 5, seed)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, schedule.poisson(100, 5, seed + 1))


def test_poisson_gaps_are_exponential() -> None:
    gaps = np.diff(schedule.poisson(1_000, 50, seed=1))
    assert schedule.burstiness(np.cumsum(gaps)) == pytest.approx(1, abs=0.03)
    assert np.quantile(gaps, 0.5) == pytest.approx(np.log(2) / 1_000, rel=0.05)


@given(RATES, st.floats(1, 20))
def test_uniform_arrivals_are_even(rate: float, seconds: float) -> None:
    arrivals = schedule.uniform(rate, seconds)
    assert len(arrivals) == round(rate * seconds)
    np.testing.assert_allclose(np.diff(arrivals), 1 / rate, rtol=1e-6)


@given(st.lists(st.floats(0, 1e5), min_size=3, max_size=50, unique=True), RATES)
def test_a_replay_keeps_the_shape_at_another_rate(times: list[float], rate: float) -> None:
    recorded = np.sort(np.array(times))
    arrivals = schedule.replay(times, rate)
    assert arrivals[0] == 0
    assert (len(times) - 1) / arrivals[-1] == pytest.approx(rate)
    assert np.all(np.diff(arrivals) >= 0)
    shape = (recorded - recorded[0]) / (recorded[-1] - recorded[0])
    np.testing.assert_allclose(arrivals / arrivals[-1], shape, atol=1e-9)


def test_burstiness_survives_a_replay() -> None:
    gaps = np.random.default_rng(0).pareto(1.5, 2_000) + 1e-3
    recorded = np.cumsum(gaps)
    assert schedule.burstiness(recorded) > 2
    replayed = schedule.replay(recorded, 700)
    assert schedule.burstiness(replayed) == pytest.approx(schedule.burstiness(recorded))


def test_an_open_loop_lasts_until_its_last_call() -> None:
    assert schedule.OpenLoop(schedule.uniform(10, 2)).seconds == pytest.approx(1.9)
    assert schedule.OpenLoop(schedule.uniform(10, 0)).seconds == 0
