"""Sums over a history, against loops over plain dictionaries."""

from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.kernels.channels import linked_sums, most_linked, repeated

ITEMS = 12
DECAY = 0.5


@st.composite
def links(draw: st.DrawFn) -> tuple[Any, ...]:
    """What both kernels are given of links and of a history."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    width = draw(st.integers(1, 6))
    numbers = np.array([np.sort(rng.choice(ITEMS, width, replace=False)) for _ in range(ITEMS)])
    # The first ones of a row are no links where it has fewer.
    numbers = np.sort(np.where(rng.random(numbers.shape) < 0.3, -1, numbers), axis=1)
    # Few different values, so that there are ties.
    values = rng.choice([0.5, 1.0, 2.0], numbers.shape).astype(np.float32)
    sources = np.array(draw(st.lists(st.integers(-1, ITEMS - 1), max_size=9)), np.int64)
    strengths = rng.choice([-1.0, 0.0, 1.0, 2.0], len(sources))
    return numbers.astype(np.int32), values, sources, strengths, np.arange(len(sources))[::-1] * 1.0


def slow(
    numbers: NDArray[np.int32],
    values: NDArray[np.float32],
    sources: NDArray[np.int64],
    strengths: NDArray[np.float64],
    lags: NDArray[np.float64],
) -> dict[int, float]:
    sums: defaultdict[int, float] = defaultdict(float)
    for source, strength, lag in zip(sources, strengths, lags, strict=True):
        if source >= 0:
            for number, value in zip(numbers[source], values[source], strict=True):
                sums[int(number)] += float(value) * strength * DECAY**lag
    sums.pop(-1, None)
    return sums


@given(given_links=links(), count=st.integers(1, ITEMS + 3))
def test_the_most_linked_have_the_largest_positive_sums(
    given_links: tuple[Any, ...], count: int
) -> None:
    found = np.full(count, -7, np.int64)
    kept = found[: most_linked(*given_links, DECAY, found)].tolist()
    sums = slow(*given_links)
    largest = sorted((value for value in sums.values() if value > 0.0), reverse=True)[:count]
    assert len(set(kept)) == len(kept) == len(largest)
    np.testing.assert_allclose(sorted((sums[n] for n in kept), reverse=True), largest)


@given(given_links=links(), candidates=st.lists(st.integers(-1, ITEMS - 1), max_size=15))
def test_linked_sums_are_looked_up(given_links: tuple[Any, ...], candidates: list[int]) -> None:
    offered = np.array(candidates, np.int64)
    sums = np.zeros(len(offered))
    linked_sums(*given_links, DECAY, offered, np.argsort(offered), sums)
    expected = slow(*given_links)
    np.testing.assert_allclose(sums, [expected.get(n, 0.0) for n in candidates])


@given(items=st.lists(st.integers(-1, 5), max_size=8), candidates=st.lists(st.integers(-1, 5)))
def test_what_is_in_a_history_is_repeated(items: list[int], candidates: list[int]) -> None:
    factors = np.arange(len(items)) + 0.5
    values = np.zeros((2, len(candidates)))
    repeated(np.array(items, np.int64), factors, np.array(candidates, np.int64), values)
    for place, candidate in enumerate(candidates):
        own = [f for item, f in zip(items, factors, strict=True) if item == candidate >= 0]
        assert values[:, place].tolist() == [sum(own), -1.0 if own else 0.0]
