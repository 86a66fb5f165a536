"""Sums over a history, against loops over plain dictionaries."""

from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.kernels.channels import (
    largest_products,
    linked_sums,
    most_linked,
    repeated,
    slots,
    sum_links,
)

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


def table(given_links: tuple[Any, ...], size: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    keys, sums = np.full(size, 77, np.int32), np.full(size, 7.0)
    sum_links(*given_links, DECAY, keys, sums)
    return keys, sums


def hashed(given_links: tuple[Any, ...]) -> int:
    """The size of a table for these links of a large catalog."""
    return slots(1 << 40, len(given_links[2]) * given_links[0].shape[1])


@given(given_links=links(), count=st.integers(1, ITEMS + 3), direct=st.booleans())
def test_the_most_linked_have_the_largest_positive_sums(
    given_links: tuple[Any, ...], count: int, *, direct: bool
) -> None:
    found = np.full(count, -7, np.int64)
    summed = table(given_links, ITEMS if direct else hashed(given_links))
    kept = found[: most_linked(*summed, found)].tolist()
    sums = slow(*given_links)
    largest = sorted((value for value in sums.values() if value > 0.0), reverse=True)[:count]
    assert len(set(kept)) == len(kept) == len(largest)
    np.testing.assert_allclose(sorted((sums[n] for n in kept), reverse=True), largest)


@given(given_links=links(), candidates=st.lists(st.integers(-1, ITEMS - 1), max_size=15))
def test_linked_sums_are_the_same_bits_in_tables_of_either_kind(
    given_links: tuple[Any, ...], candidates: list[int]
) -> None:
    offered = np.array(candidates, np.int64)
    found = np.full((2, len(offered)), 7.0)
    for place, size in enumerate((ITEMS, hashed(given_links))):
        linked_sums(*table(given_links, size), ITEMS, offered, found[place])
    expected = slow(*given_links)
    np.testing.assert_allclose(found[0], [expected.get(n, 0.0) for n in candidates])
    assert found[0].tolist() == found[1].tolist()


def test_tables_do_not_grow_with_a_large_catalog() -> None:
    assert slots(3_459, 2_000) == 3_459
    assert slots(1_000_000, 200) == slots(2_000_000, 200) == 512
    assert slots(1_000_000, 0) == 16


@given(seed=st.integers(0, 999), rows=st.integers(0, 40), count=st.integers(1, 12))
def test_the_largest_positive_products_are_found(seed: int, rows: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    # Whole numbers: sums are exact in any order, and there are ties.
    table = rng.integers(-2, 3, (rows, 5)).astype(np.float32)
    vector = rng.integers(-2, 3, 5).astype(np.float32)
    found = np.full(count, -7, np.int64)
    kept = found[: largest_products(table, vector, found)]
    products = table @ vector
    largest = np.sort(products[products > 0])[::-1][:count]
    assert len(set(kept.tolist())) == len(kept)
    assert np.sort(products[kept])[::-1].tolist() == largest.tolist()


@given(items=st.lists(st.integers(-1, 5), max_size=8), candidates=st.lists(st.integers(-1, 5)))
def test_what_is_in_a_history_is_repeated(items: list[int], candidates: list[int]) -> None:
    factors = np.arange(len(items)) + 0.5
    values = np.zeros((2, len(candidates)))
    repeated(np.array(items, np.int64), factors, np.array(candidates, np.int64), values)
    for place, candidate in enumerate(candidates):
        own = [f for item, f in zip(items, factors, strict=True) if item == candidate >= 0]
        assert values[:, place].tolist() == [sum(own), -1.0 if own else 0.0]
