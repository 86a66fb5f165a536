"""What is sent."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import texts

MANY = [f"text {number}" for number in range(1_000)]


@given(st.lists(st.text(), min_size=1, max_size=50), st.integers(1, 60))
def test_calls_are_full_and_in_order(given: list[str], per_call: int) -> None:
    if per_call > len(given):
        with pytest.raises(ValueError, match=f"do not make a call of {per_call}"):
            texts.calls(given, per_call)
        return
    made = texts.calls(given, per_call)
    assert {len(call) for call in made} == {per_call}
    flat = [text for call in made for text in call]
    assert flat == given[: len(flat)]
    assert len(given) - len(flat) < per_call


@given(st.integers(0, 2**32 - 1))
def test_draws_are_fixed_by_a_seed(seed: int) -> None:
    drawn = texts.zipf(MANY, 1.1, 500, seed)
    assert drawn == texts.zipf(MANY, 1.1, 500, seed)
    assert drawn != texts.zipf(MANY, 1.1, 500, seed + 1)
    assert set(drawn) <= set(MANY)


def test_ranks_are_drawn_by_the_power_law() -> None:
    counted = Counter(texts.zipf(MANY, 1.1, 200_000, seed=3))
    assert counted[MANY[0]] / counted[MANY[9]] == pytest.approx(10**1.1, rel=0.1)
    even = Counter(texts.zipf(MANY, 0.0, 200_000, seed=3))
    assert max(even.values()) < 2 * min(even.values())
