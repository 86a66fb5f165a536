from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.lengths import Lengths

SIZES = st.lists(st.integers(1, 10**6), max_size=20)


@given(SIZES, SIZES, st.integers(1, 512))
def test_a_guess_is_a_token_a_text_at_least_and_all_that_fit_at_most(
    sizes: list[int], seen: list[int], longest: int
) -> None:
    lengths = Lengths(longest)
    for size in seen:
        lengths.learn(size, min(size, longest))
    assert len(sizes) <= lengths.guess(sizes) <= len(sizes) * longest


@given(SIZES, st.integers(1, 10**6))
def test_a_larger_text_is_never_guessed_to_be_shorter(sizes: list[int], more: int) -> None:
    lengths = Lengths(256)
    assert lengths.guess([*sizes, more]) >= lengths.guess(sizes)


def test_the_latest_texts_count_most() -> None:
    lengths = Lengths(10_000)
    for _ in range(1_000):
        lengths.learn(1_000, 200)
    assert lengths.guess([1_000]) == pytest.approx(200, rel=0.01)
    for _ in range(1_000):
        lengths.learn(1_000, 500)
    assert lengths.guess([1_000]) == pytest.approx(500, rel=0.01)


def test_no_texts_are_no_tokens_and_teach_nothing() -> None:
    lengths = Lengths(256)
    before = lengths.guess([400])
    lengths.learn(0, 7)
    assert (lengths.guess([]), lengths.guess([400])) == (0, before)
