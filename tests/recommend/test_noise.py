from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.recommend.history import Usable
from bertine.recommend.noise import Noise, blurred, delta_of, noisy, sigma_of
from bertine.recommend.profile import ProfileOptions
from bertine.types import HistoryEntry, Vector


def unit(dimensions: int = 384) -> Vector:
    row = np.arange(1, dimensions + 1, dtype=np.float32)
    return row / np.linalg.norm(row)


def test_the_noise_is_gaussian_and_the_length_stays_1() -> None:
    vector = unit()
    moved = noisy(vector, 0.05, 1)
    assert moved.dtype == np.float32
    assert np.linalg.norm(moved) == pytest.approx(1.0, abs=1e-6)
    expected = vector + np.random.default_rng(1).normal(0, 0.05, 384)
    assert np.allclose(moved, expected / np.linalg.norm(expected), atol=1e-6)
    assert noisy(vector, 0.0) is vector
    assert not np.array_equal(noisy(vector, 0.05), noisy(vector, 0.05))


def test_delta_by_hand() -> None:
    """Without an epsilon it is the total variation of two Gaussians, 2 Phi(D / 2 sigma) - 1."""
    assert delta_of(0.0, 1.0, 2.0) == pytest.approx(2 * NormalDist().cdf(1.0) - 1, abs=1e-12)
    phi = NormalDist().cdf
    assert delta_of(1.0, 2.0, 2.0) == pytest.approx(
        phi(0.5 - 1.0) - math.e * phi(-0.5 - 1.0), abs=1e-12
    )


def test_it_is_below_the_classical_bound() -> None:
    """Dwork and Roth (2014), theorem A.1: sigma = D sqrt(2 ln(1.25 / delta)) / epsilon, below 1."""
    for epsilon in (0.1, 0.5, 0.99):
        assert sigma_of(epsilon, 1e-5) < 2.0 * math.sqrt(2 * math.log(1.25 / 1e-5)) / epsilon


@given(st.floats(0.01, 1e6), st.floats(1e-12, 0.5))
def test_sigma_is_the_least_that_holds(epsilon: float, delta: float) -> None:
    sigma = sigma_of(epsilon, delta)
    assert delta_of(epsilon, sigma) <= delta
    assert delta_of(epsilon, sigma * (1 - 1e-6)) >= delta * (1 - 1e-2)


def history(count: int) -> Usable:
    rows = np.eye(8, dtype=np.float32)[:count]
    entries = [HistoryEntry(item_id=str(number)) for number in range(count)]
    return Usable(entries, rows, range(count), ())


def test_a_blurred_history_is_one_entry_that_is_no_item() -> None:
    sigma = Noise(1e4).sigma
    found = blurred(history(2), ProfileOptions(), Noise(1e4), 8, seed=3)
    assert [entry.item_id for entry in found.entries] == [""]
    assert not found.skipped
    profile = np.array([0.5, 1, 0, 0, 0, 0, 0, 0], np.float32)
    expected = noisy(profile / np.linalg.norm(profile), sigma, 3)
    assert np.allclose(found.vectors, expected[None, :], atol=1e-6)


def test_nobody_is_blurred_too() -> None:
    """Else an empty history would show by its answer."""
    found = blurred(history(0), ProfileOptions(), Noise(1.0), 8)
    assert len(found.entries) == 1
    assert np.linalg.norm(found.vectors) == pytest.approx(1.0, abs=1e-6)
    against = Usable(
        [HistoryEntry(item_id="a"), HistoryEntry(item_id="a", weight=-0.5)],
        np.ones((2, 1), np.float32),
        (0, 1),
        (),
    )
    assert len(blurred(against, ProfileOptions(position_half_life=1), Noise(1.0), 1).entries) == 1
