"""The search, against servers that are a formula."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import knee
from benchmarks.load.knee import Trial

LIMIT = 0.05


def server(capacity: float) -> knee.Knee:
    """A server that keeps the limit up to a rate exactly."""

    def measure(rate: float, _seed: int) -> float:
        return 0.01 if rate <= capacity else math.inf

    return knee.find(measure, 100.0, LIMIT)


@given(st.floats(5, 350))
def test_the_knee_is_just_below_the_capacity(capacity: float) -> None:
    found = server(capacity)
    assert found.rate <= capacity < found.rate * 1.05
    assert len(found.trials) < 20


def test_a_server_that_keeps_nothing_has_no_knee() -> None:
    assert server(0.0).rate == 0


def test_a_search_without_end_is_given_up() -> None:
    assert 300 < server(math.inf).rate <= 400


def test_the_next_rate_is_inside_the_bracket() -> None:
    assert knee.next_rate([], 100) == 100
    assert knee.next_rate([Trial(100, kept=True)], 100) == 130
    rate = knee.next_rate([Trial(100, kept=True), Trial(130, kept=False)], 100)
    assert rate is not None
    assert 100 < rate < 130
    assert knee.next_rate([Trial(100, kept=True), Trial(103, kept=False)], 100) is None


def test_one_outlier_does_not_decide() -> None:
    noisy = iter([0.2, 0.01, 0.02])
    assert knee.majority(lambda _: next(noisy), LIMIT) == (True, [0.2, 0.01, 0.02])
    calm = iter([0.01, 0.02])
    assert knee.majority(lambda _: next(calm), LIMIT) == (True, [0.01, 0.02])
