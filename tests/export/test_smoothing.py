"""Rounding a linear layer to eight bits, against the layer itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine_export.smoothing import (
    InputScale,
    centre_input,
    round_columns,
    round_rows,
    scale_input,
)

SEEDS = st.integers(0, 2**32 - 1)


def layer(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An input with two channels a hundred times larger than the rest, and weights."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((64, 48)).astype(np.float32)
    values[:, random.choice(48, 2, replace=False)] *= 100
    return values, random.standard_normal((48, 16)).astype(np.float32)


def scale_of(values: NDArray[np.float32], weights: NDArray[np.float32]) -> InputScale:
    return scale_input(np.abs(weights).max(axis=1), values.min(axis=0), values.max(axis=0))


def rounded(values: NDArray[np.float32], scale: InputScale) -> NDArray[np.float32]:
    """What the rounded input stands for."""
    steps = np.rint(values / scale.divisor / scale.step) + scale.zero
    narrow = np.clip(steps, 0, 255) - scale.zero
    values_again: NDArray[np.float32] = narrow * scale.step * scale.divisor
    return values_again


@given(SEEDS)
def test_an_input_within_its_ranges_is_off_by_at_most_one_step(seed: int) -> None:
    values, weights = layer(seed)
    scale = scale_of(values, weights)
    error = np.abs(rounded(values, scale) - values) / scale.divisor
    assert error.max() <= scale.step * 1.01


@given(SEEDS)
def test_zero_stays_zero(seed: int) -> None:
    values, weights = layer(seed)
    scale = scale_of(values + 500, weights)
    assert not rounded(np.zeros((1, 48), np.float32), scale).any()


@given(SEEDS)
def test_the_layer_gives_nearly_what_it_gave(seed: int) -> None:
    values, weights = layer(seed)
    scale = scale_of(values, weights)
    eight_bits, steps = round_columns(weights * scale.divisor[:, None])
    given_back = rounded(values, scale) / scale.divisor @ (eight_bits * steps)
    exact = values @ weights
    assert np.linalg.norm(given_back - exact) <= 0.03 * np.linalg.norm(exact)


def test_smoothing_saves_the_small_channels() -> None:
    values, weights = layer(7)
    scale = scale_of(values, weights)
    plain = InputScale(np.ones(48, np.float32), np.float32(np.ptp(values) / 255), np.uint8(128))
    small = np.abs(values).max(axis=0) < 10

    def error(chosen: InputScale) -> float:
        return float(np.abs(rounded(values, chosen) - values)[:, small].max())

    assert error(scale) < error(plain) / 5


@given(SEEDS)
def test_weights_keep_clear_of_saturation(seed: int) -> None:
    _, weights = layer(seed)
    eight_bits, steps = round_columns(weights)
    assert np.abs(eight_bits.astype(int)).max() == 100
    assert (np.abs(eight_bits * steps - weights) <= steps * 0.501).all()


@given(SEEDS)
def test_a_tables_rows_have_steps_of_their_own(seed: int) -> None:
    table = layer(seed)[0].T * np.float32(0.01)
    eight_bits, steps = round_rows(table)
    assert steps.shape == (48, 1)
    assert (np.abs(eight_bits * steps - table) <= steps * 0.501).all()


def test_channels_that_are_always_zero_are_no_trouble() -> None:
    nothing = np.zeros(4, np.float32)
    scale = scale_input(nothing, nothing, nothing)
    assert np.isfinite(scale.divisor).all()
    assert scale.step > 0
    eight_bits, steps = round_columns(np.zeros((4, 2), np.float32))
    assert not eight_bits.any()
    assert (steps > 0).all()


@given(SEEDS)
def test_centred_channels_use_the_integers_below_0_as_much_as_those_above(seed: int) -> None:
    values, weights = layer(seed)
    values = np.maximum(values, -0.1)  # as after GELU
    low, high = values.min(axis=0), values.max(axis=0)
    scale = centre_input(np.abs(weights).max(axis=1), low, high)
    integers = np.rint((values - scale.centre) / scale.divisor / scale.step)
    assert np.abs(integers).max() == 127
    np.testing.assert_allclose(-integers.min(axis=0), integers.max(axis=0), atol=1)
    error = np.abs(integers * scale.step * scale.divisor + scale.centre - values)
    assert (error <= scale.step * scale.divisor * 0.51).all()


def test_a_channel_that_never_changes_is_no_trouble_to_centre() -> None:
    constant = np.full(4, 3, np.float32)
    scale = centre_input(np.zeros(4, np.float32), constant, constant)
    assert scale.centre.tolist() == [3] * 4
    assert np.isfinite(scale.divisor).all()
    assert scale.step > 0
