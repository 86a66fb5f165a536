from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.costs import CostModel, Forecast, Timing, best_tokens, fit, free_padding

MINILM = CostModel(batch=0.0004, token=0.00008, square=1e-8)

_coefficient = st.just(0.0) | st.floats(1e-9, 1e-2)
_models = st.builds(CostModel, _coefficient, _coefficient, _coefficient)
_timings = st.lists(
    st.builds(Timing, st.integers(1, 64), st.integers(1, 512), st.floats(1e-6, 10)), max_size=12
)


@given(_timings, st.integers(1, 100), st.integers(1, 600))
def test_a_fit_is_never_negative_and_grows_with_both(
    timings: list[Timing], rows: int, length: int
) -> None:
    costs = fit(timings)
    assert min(costs.batch, costs.token, costs.square) >= 0
    assert costs.seconds(rows, length) >= 0
    assert costs.seconds(rows + 1, length) >= costs.seconds(rows, length)
    assert costs.seconds(rows, length + 1) >= costs.seconds(rows, length)


@given(st.builds(CostModel, *[st.floats(1e-6, 1e-3)] * 2, st.floats(1e-8, 1e-6)))
def test_a_fit_finds_the_model_that_made_the_timings(truth: CostModel) -> None:
    shapes = [(1, 8), (1, 32), (4, 16), (8, 32), (32, 16), (16, 64), (4, 256)]
    found = fit([Timing(rows, length, truth.seconds(rows, length)) for rows, length in shapes])
    for rows, length in [(2, 10), (20, 20), (64, 128)]:
        assert found.seconds(rows, length) == pytest.approx(truth.seconds(rows, length), rel=1e-3)


def test_one_wild_timing_hardly_moves_a_fit() -> None:
    shapes = [(1, 8), (1, 32), (4, 16), (8, 32), (32, 16), (16, 64), (4, 256)]
    timings = [Timing(r, n, MINILM.seconds(r, n) * (3 if r == 4 else 1)) for r, n in shapes]
    assert fit(timings).seconds(16, 32) < 2 * MINILM.seconds(16, 32)


def test_nothing_timed_is_nothing_known() -> None:
    assert fit([]) == CostModel()
    assert CostModel().seconds(100, 100) == 0
    assert CostModel().rows_within(0.001, 10) == sys.maxsize


@given(_models, st.floats(1e-4, 1.0), st.integers(1, 512))
def test_rows_that_fit_in_time_do(costs: CostModel, seconds: float, length: int) -> None:
    rows = costs.rows_within(seconds, length)
    assert rows >= 1
    if 1 < rows < sys.maxsize:
        assert costs.seconds(rows, length) <= seconds * (1 + 1e-9)


@given(_models, st.integers(1, 5_000), st.integers(1, 200), st.integers(1, 64))
def test_a_queue_takes_longer_the_more_waits(
    costs: CostModel, rows: int, length: int, max_rows: int
) -> None:
    def seconds(count: int) -> float:
        return costs.queue_seconds(count, count * length, max_rows, 2048)

    assert seconds(0) == 0
    assert 0 <= seconds(rows) <= seconds(rows + 1) + 1e-12
    # As long as its full batches one after the other, up to the one that is not full.
    together = max(1, min(max_rows, 2048 // length))
    batch = costs.seconds(together, length)
    assert seconds(rows) <= batch * (rows // together + 1) * (1 + 1e-9)


def test_the_budget_is_where_larger_batches_gain_little() -> None:
    tokens = best_tokens(MINILM)
    assert 256 <= tokens <= 512
    rate = {size: size / (MINILM.seconds(size // 32, 32) + 0.0002) for size in (tokens, 8 * tokens)}
    assert rate[tokens] > 0.97 * rate[8 * tokens]
    # A device on which everything below 10,000 tokens takes the same 2 ms.
    assert best_tokens(CostModel(batch=0.002, token=2e-7)) == 65_536
    # A slow model: 20 ms are reached before the gain is gone.
    assert best_tokens(CostModel(batch=0.004, token=4e-5)) == 400
    assert best_tokens(CostModel()) == 65_536


def test_a_forecast_follows_a_machine_that_has_become_slower() -> None:
    forecast = Forecast(MINILM)
    for _ in range(200):
        forecast.learn(8, 16, 2 * MINILM.seconds(8, 16))
    assert forecast.costs.seconds(1, 64) == pytest.approx(2 * MINILM.seconds(1, 64), rel=0.01)
    forecast.learn(8, 16, 1e6)
    assert forecast.costs.seconds(1, 64) < 3 * MINILM.seconds(1, 64)


def test_a_forecast_of_which_nothing_is_known_learns_nothing() -> None:
    forecast = Forecast(CostModel())
    forecast.learn(8, 16, 1.0)
    assert forecast.costs == CostModel()


def test_padding_is_free_up_to_what_another_batch_costs() -> None:
    costs = CostModel(batch=0.0008, token=0.0001)
    # 0.2 ms are spent outside the session.
    assert free_padding(costs) == 10
    assert free_padding(CostModel()) == 0
