"""Metrics against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.metrics import cosines, mean_ndcg, ndcg, percentiles, recall, top_rows
from bertine.types import Matrix


@pytest.fixture
def vectors() -> Matrix:
    """Unit vectors at 0, 10, 20 ... 90 degrees."""
    angles = np.radians(np.arange(0, 100, 10))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_ndcg_by_hand() -> None:
    # Relevant at ranks 2 and 4 of three: (1/log2 3 + 1/log2 5) / (1 + 1/log2 3 + 1/2).
    expected = (0.63093 + 0.43068) / (1 + 0.63093 + 0.5)
    assert ndcg(["x", "a", "y", "b"], {"a", "b", "c"}) == pytest.approx(expected, abs=1e-5)


def test_ndcg_is_one_for_the_best_and_zero_for_nothing() -> None:
    assert ndcg(["a", "b", "x"], {"a", "b"}) == 1.0
    assert ndcg(["x", "y"], {"a"}) == 0.0
    assert ndcg([], {"a"}) == 0.0


def test_ndcg_looks_at_k_ranks_only() -> None:
    assert ndcg(["x", "x", "a"], {"a"}, k=2) == 0.0
    many = {str(number) for number in range(50)}
    assert ndcg([str(number) for number in range(10)], many) == 1.0


def test_queries_without_a_relevant_document_do_not_count() -> None:
    assert mean_ndcg([["a"], ["x"]], [{"a"}, set()]) == 1.0


def test_cosines_whatever_the_length() -> None:
    left = np.array([[3, 0], [1, 1]], np.float32)
    right = np.array([[2, 0], [0, 5]], np.float32)
    np.testing.assert_allclose(cosines(left, right), [1.0, math.sqrt(0.5)], rtol=1e-7)


def test_top_rows_are_the_nearest_in_order(vectors: Matrix) -> None:
    queries = np.repeat(vectors[[0, 9]], 200, axis=0)  # more than one block
    best = top_rows(vectors, queries, 3)
    assert best[0].tolist() == [0, 1, 2]
    assert best[399].tolist() == [9, 8, 7]
    assert top_rows(vectors, vectors[:1], len(vectors))[0].tolist() == list(range(10))


def test_recall_counts_what_is_among_the_best(vectors: Matrix) -> None:
    assert recall(vectors, vectors[:1], [[0, 1, 2]], k=3) == 1.0
    assert recall(vectors, vectors[:1], [[0, 1, 7]], k=3) == pytest.approx(2 / 3)
    assert recall(vectors, vectors[:1], [[]], k=3) == 0.0


def test_recall_is_not_raised_by_repeats_or_by_long_lists(vectors: Matrix) -> None:
    assert recall(vectors, vectors[:1], [[0, 0, 0]], k=3) == pytest.approx(1 / 3)
    assert recall(vectors, vectors[:1], [[9, 8, 7, 0, 1, 2]], k=3) == 0.0


def test_recall_does_not_care_which_of_equals_was_found(vectors: Matrix) -> None:
    twice = np.concatenate([vectors, vectors[:1]])
    assert recall(twice, vectors[:1], [[10]], k=1) == recall(twice, vectors[:1], [[0]], k=1) == 1.0


def test_percentiles_are_milliseconds() -> None:
    assert percentiles([0.001] * 99 + [0.101]) == pytest.approx({"p50": 1, "p90": 1, "p99": 2})
