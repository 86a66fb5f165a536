from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.errors import InvalidInput
from bertine.recommend.explanation import explained
from bertine.recommend.profile import ProfileOptions, build, decay, strengths
from bertine.types import HistoryEntry, Matrix


def unit(seed: int, count: int) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def entry_weights(history: Sequence[HistoryEntry], options: ProfileOptions) -> NDArray[np.float64]:
    return strengths(history, options) * decay(history, options)


@given(
    st.lists(st.floats(-2, 2), min_size=1, max_size=12).map(np.array),
    st.integers(0, 1_000),
)
def test_contributions_sum_to_the_similarity_and_shares_to_one(
    weights: NDArray[np.float64], seed: int
) -> None:
    vectors, item = unit(seed, len(weights)), unit(seed + 1, 1)[0]
    profile = build(vectors, weights)
    assume(profile is not None)
    assert profile is not None
    score = float(profile.vector @ item)
    shares = profile.weights * (vectors.astype(np.float64) @ item) / profile.norm
    parts = explained(np.append(shares, 0.0)[None, :], ["content"]).contributions
    assert sum(part.score for part in parts) == pytest.approx(score, abs=1e-5)
    assert [part.score for part in parts] == sorted((part.score for part in parts), reverse=True)
    if abs(score) > 1e-2:
        assert sum(part.share for part in parts) == pytest.approx(1.0, abs=1e-3)


def test_weights_halve_by_position_or_by_age() -> None:
    history = [
        HistoryEntry("a", time=0.0),
        HistoryEntry("b", time=50.0),
        HistoryEntry("c", time=100.0),
    ]
    by_position = entry_weights(history, ProfileOptions(position_half_life=2.0))
    assert by_position == pytest.approx([0.5, 0.5**0.5, 1.0])
    by_age = entry_weights(history, ProfileOptions(age_half_life=50.0))
    assert by_age == pytest.approx([0.25, 0.5, 1.0])


def test_event_weights_defaults_and_overrides() -> None:
    history = [
        HistoryEntry("a", event_type="dislike"),
        HistoryEntry("b", event_type="view"),
        HistoryEntry("c", event_type="liked"),
        HistoryEntry("d", event_type="liked", weight=7.0),
    ]
    options = ProfileOptions(position_half_life=1e12, event_weights={"liked": 2.0})
    assert entry_weights(history, options) == pytest.approx([-0.5, 1.0, 2.0, 7.0])


def test_decay_by_age_without_a_time_names_the_entry() -> None:
    history = [HistoryEntry("a", time=1.0), HistoryEntry("b")]
    with pytest.raises(InvalidInput, match=r"history\[1\]\.time"):
        entry_weights(history, ProfileOptions(age_half_life=1.0))


def test_entries_that_cancel_out_make_no_profile() -> None:
    vectors = np.repeat(unit(0, 1), 2, axis=0)
    assert build(vectors, np.array([1.0, -1.0])) is None
    assert build(vectors[:0], np.zeros(0)) is None
    assert entry_weights([], ProfileOptions()).shape == (0,)
