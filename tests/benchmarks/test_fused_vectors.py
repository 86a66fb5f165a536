import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks import ranking
from benchmarks.fused_vectors import Rows, Series, gains, mid_ranks, profile

SCORES = arrays(np.float32, (3, 5), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@given(SCORES, st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_ranks_are_those_of_one_row_at_a_time(scores: np.ndarray, targets: list[int]) -> None:
    wanted = np.array(targets, np.int64)
    found = mid_ranks(scores, wanted)
    for row, target, rank in zip(scores, wanted, found, strict=True):
        assert rank == ranking.mid_ranks(row.astype(np.float64), np.array([target]))[0]


def test_a_profile_halves_with_every_entry_back() -> None:
    assert profile(np.eye(3, dtype=np.float32)).tolist() == [0.25, 0.5, 1.0]


def test_gains_and_series_by_hand() -> None:
    texts = np.eye(3, dtype=np.float32)
    red = np.array([1.0, 0.0], np.float32)
    one = Series("k", "label", texts, [{"second": red}, {"second": red}, {}], 2)
    assert one.vectors(0.0) is texts
    fused = one.vectors(0.36)
    expected = [[1, 0.36, 0], [0.36, 1, 0], [0, 0, 0.64]]
    np.testing.assert_allclose(fused @ fused.T, expected, atol=1e-6)
    rows = Rows([np.array([0])] * 2, np.array([1, 2]), np.array([0, 1]))
    assert gains(fused, rows).tolist() == pytest.approx([1 / np.log2(3), 1 / np.log2(4)])
    assert gains(texts, rows).tolist() == pytest.approx([1 / np.log2(3.5)] * 2)
