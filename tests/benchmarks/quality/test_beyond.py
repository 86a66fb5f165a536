"""Coverage, novelty, diversity and concentration against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality import beyond
from benchmarks.quality.cases import Items


def lists(*rows: list[int]) -> list[Items]:
    return [np.array(row, np.int64) for row in rows]


def test_coverage_counts_each_item_once() -> None:
    assert beyond.coverage(lists([0, 1], [1, 2]), 6) == 0.5


def test_self_information_in_bits() -> None:
    # 7 users and one more: 8; known by 7, 3, 1 and none of them, and one more.
    information = beyond.self_information(np.array([7, 3, 1, 0]), 7)
    assert information.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_novelty_is_the_mean_of_the_lists_means() -> None:
    information = np.array([0.0, 1.0, 2.0, 3.0])
    # (0 + 3) / 2 and (1 + 2 + 3) / 3; the empty list does not count.
    assert beyond.novelty(lists([0, 3], [1, 2, 3], []), information) == pytest.approx(1.75)


def test_diversity_in_the_encoders_space() -> None:
    half = math.sqrt(0.5)
    vectors = np.array([[1, 0], [0, 1], [half, half]], np.float32)
    # Cosines 0, 0.7071 and 0.7071.
    found = beyond.list_diversity(np.array([0, 1, 2]), beyond.by_vectors(vectors))
    assert found == pytest.approx(1 - 2 * half / 3, abs=1e-6)


def test_diversity_by_attributes() -> None:
    sets = [frozenset("ab"), frozenset("bc"), frozenset[str]()]
    # Jaccard 1/3, and 0 with an item of which nothing is known.
    found = beyond.list_diversity(np.array([0, 1, 2]), beyond.by_attributes(sets))
    assert found == pytest.approx(1 - (1 / 3) / 3)


def test_diversity_by_users() -> None:
    # Users of item 0: {0, 1}, of 1: {1}, of 2: none. One event is there twice.
    likeness = beyond.by_users(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 3)
    found = likeness(np.array([0, 1, 2]))
    assert found[0, 1] == pytest.approx(1 / math.sqrt(2))
    assert found[0, 2] == 0.0


def test_lists_of_one_item_have_no_diversity() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert math.isnan(beyond.list_diversity(np.array([0]), beyond.by_vectors(vectors)))
    assert beyond.diversity(lists([0], [0, 1]), beyond.by_vectors(vectors)) == 1.0


def test_gini_by_hand() -> None:
    assert beyond.gini(lists([0, 1], [2, 3]), 4) == 0.0
    # Counts 0, 0, 0, 4: (3 * 4) / (4 * 4).
    assert beyond.gini(lists([3], [3], [3], [3]), 4) == 0.75
    # Counts 1, 3: (-1 * 1 + 1 * 3) / (2 * 4).
    assert beyond.gini(lists([0], [1], [1], [1]), 2) == 0.25
