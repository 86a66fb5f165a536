import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.index.lifecycle import Policy, Shape, imbalance, rebuild_reason, trained

POLICY = Policy(ivf_min_items=1_000, quiet_seconds=1.0)


def test_small_collections_are_left_alone() -> None:
    assert rebuild_reason(Shape(0, 999, 0, 100.0), POLICY) == ""


def test_growth_is_urgent_a_small_backlog_waits_for_a_pause() -> None:
    assert rebuild_reason(Shape(0, 1_000, 0, 0.0), POLICY) == "growth"
    assert rebuild_reason(Shape(100_000, 9_000, 0, 0.5), POLICY) == ""
    assert rebuild_reason(Shape(100_000, 9_000, 0, 1.0), POLICY) == "backlog"
    assert rebuild_reason(Shape(100_000, 5_000, 0, 60.0), POLICY) == ""


def test_codes_that_a_gpu_cannot_read_are_trained_anew_at_once() -> None:
    assert rebuild_reason(Shape(2_000, 0, 0, 0.0, misplaced=True), POLICY) == "device"
    # A collection that is too small for a trained part has none to be misplaced.
    assert rebuild_reason(Shape(0, 900, 0, 0.0, misplaced=True), POLICY) == ""


def test_a_mostly_dead_index_is_compacted_however_small() -> None:
    assert rebuild_reason(Shape(0, 2_000, 1_100, 0.0), POLICY) == "dead"


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 100))
def test_a_rebuilt_index_does_not_ask_to_be_rebuilt(main: int, delta: int, quiet: float) -> None:
    alive = main + delta
    rebuilt = Shape(alive, 0, 0, quiet) if trained(alive, POLICY) else Shape(0, alive, 0, quiet)
    assert rebuild_reason(rebuilt, POLICY) == ""


def test_an_import_is_rebuilt_a_logarithmic_number_of_times() -> None:
    main, delta, rebuilds = 0, 0, 0
    for _ in range(1_000):
        delta += 1_000
        if rebuild_reason(Shape(main, delta, 0, 0.0), POLICY):
            main, delta, rebuilds = main + delta, 0, rebuilds + 1
    assert rebuilds <= 7


def test_an_index_that_misses_recall_or_whose_lists_are_uneven_is_rebuilt() -> None:
    assert rebuild_reason(Shape(5_000, 0, 0, 0.0, misses_recall=True), POLICY) == "recall"
    assert rebuild_reason(Shape(5_000, 0, 500, 0.0, imbalance=2.1), POLICY) == "imbalance"
    assert rebuild_reason(Shape(5_000, 0, 500, 0.0, imbalance=1.9), POLICY) == ""
    assert rebuild_reason(Shape(500, 0, 0, 0.0, 9.0, misses_recall=True), POLICY) == ""


def test_imbalance_is_one_for_equal_lists_and_their_number_for_one_full_list() -> None:
    assert imbalance(np.array([5, 5, 5, 5])) == 1.0
    assert imbalance(np.array([20, 0, 0, 0])) == 4.0
    assert imbalance(np.array([], np.int64)) == 1.0


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_imbalance_is_between_one_and_the_number_of_lists(sizes: list[int]) -> None:
    assert 1.0 - 1e-9 <= imbalance(np.array(sizes)) <= len(sizes) + 1e-9
