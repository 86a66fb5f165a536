import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.recommend.interests import LEAST_ENTRIES, interests_of
from bertine.recommend.profile import build
from bertine.types import Matrix
from tests.recommend.pools import unit


def themes(count: int, each: int, seed: int = 0, noise: float = 0.3) -> Matrix:
    """Entries about some things that have nothing to do with each other, one after the other."""
    centres = np.eye(8, dtype=np.float32)[:count]
    rows = np.tile(centres, (each, 1)) + noise * unit(seed, count * each)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_as_many_as_the_history_shows(count: int) -> None:
    vectors = themes(count, 12 // count)
    found = interests_of(vectors, np.ones(len(vectors)), None)
    assert found is not None
    assert len(found.profiles) == count
    members = [set(np.flatnonzero(profile.weights).tolist()) for profile in found.profiles]
    expected = [set(range(theme, len(vectors), count)) for theme in range(count)]
    assert sorted(map(sorted, members)) == sorted(map(sorted, expected))
    assert found.shares.sum() == pytest.approx(1.0)


def test_no_more_than_were_asked_for_and_one_for_a_short_history() -> None:
    vectors = themes(4, 3)
    found = interests_of(vectors, np.ones(12), 2)
    assert found is not None
    assert len(found.profiles) <= 2
    one = interests_of(vectors, np.ones(12), 1)
    assert one is not None
    assert len(one.profiles) == 1
    short = interests_of(vectors[: LEAST_ENTRIES - 1], np.ones(LEAST_ENTRIES - 1), 8)
    assert short is not None
    assert len(short.profiles) == 1


def test_one_interest_is_the_profile() -> None:
    vectors, weights = unit(1, 5), np.array([0.1, 0.5, -0.3, 1.0, 2.0])
    found, profile = interests_of(vectors, weights, None), build(vectors, weights)
    assert found is not None
    assert profile is not None
    assert np.array_equal(found.profiles[0].vector, profile.vector)


def test_dislikes_are_subtracted_from_every_interest() -> None:
    vectors = np.vstack([themes(2, 6), unit(9, 1)])
    weights = np.append(np.ones(12), -0.5)
    found = interests_of(vectors, weights, None)
    assert found is not None
    assert len(found.profiles) == 2
    assert all(profile.weights[-1] == -0.5 for profile in found.profiles)


@given(st.integers(0, 1_000), st.integers(0, 30), st.integers(1, 200))
def test_it_is_deterministic_and_every_interest_proposes(seed: int, count: int, size: int) -> None:
    vectors, weights = unit(seed, count, 4), np.ones(count)
    first, second = (interests_of(vectors, weights, None) for _ in range(2))
    if first is None or second is None:
        assert first is second
        return
    assert np.array_equal(first.queries, second.queries)
    quotas = first.quotas(size)
    assert sum(quotas) >= size
    assert all(1 <= quota <= size for quota in quotas)


def test_nothing_is_of_no_interest() -> None:
    assert interests_of(np.empty((0, 0), np.float32), np.empty(0), None) is None
    same = np.repeat(unit(0, 1), 2, axis=0)
    assert interests_of(same, np.array([1.0, -1.0]), None) is None
