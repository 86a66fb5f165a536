from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality.privacy_noise import delta_of, epsilon_of, noisy
from bertine.types import Vector


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


@given(st.floats(0.02, 50.0), st.floats(1e-9, 0.1))
def test_epsilon_is_the_least_that_holds(sigma: float, delta: float) -> None:
    epsilon = epsilon_of(sigma, delta)
    assert delta_of(epsilon, sigma) <= delta
    if epsilon > 0:
        assert delta_of(epsilon * (1 - 1e-6), sigma) >= delta * (1 - 1e-3)


def test_it_is_below_the_classical_bound() -> None:
    """Dwork and Roth (2014), theorem A.1: sigma = D sqrt(2 ln(1.25 / delta)) / epsilon, below 1."""
    for epsilon in (0.1, 0.5, 0.99):
        sigma = 2.0 * math.sqrt(2 * math.log(1.25 / 1e-5)) / epsilon
        assert epsilon_of(sigma, 1e-5) < epsilon


def test_no_noise_promises_nothing() -> None:
    assert epsilon_of(0.0) == math.inf
    assert epsilon_of(1e9, 1e-5) == 0.0
