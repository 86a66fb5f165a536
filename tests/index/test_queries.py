"""A sample of the latest queries that stays small."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.index.queries import CAPACITY, Reservoir
from bertine.types import Matrix


def numbered(start: int, stop: int) -> Matrix:
    return np.repeat(np.arange(start, stop, dtype=np.float32)[:, None], 2, axis=1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_everything_is_kept_until_it_is_full_and_never_more(batches: list[int]) -> None:
    kept, total = Reservoir(2, seed=0), 0
    for size in batches:
        kept.add(numbered(total, total + size))
        total += size
    sample = kept.sample()
    assert len(kept) == len(sample) == min(total, CAPACITY)
    assert set(sample[:, 0]) <= set(map(float, range(total)))
    assert len(set(sample[:, 0])) == len(sample)


def test_later_queries_push_earlier_ones_out_but_a_burst_does_not() -> None:
    kept = Reservoir(2, seed=0)
    kept.add(numbered(0, CAPACITY))
    kept.add(numbered(CAPACITY, 2 * CAPACITY))
    assert np.mean(kept.sample()[:, 0] < CAPACITY) > 0.8
    kept.add(numbered(2 * CAPACITY, 130 * CAPACITY))
    assert np.mean(kept.sample()[:, 0] < 2 * CAPACITY) < 0.01


def test_what_is_kept_is_a_copy() -> None:
    kept, queries = Reservoir(2), numbered(1, 3)
    kept.add(queries)
    queries[:] = 0
    kept.sample()[:] = 0
    assert kept.sample().tolist() == [[1, 1], [2, 2]]
