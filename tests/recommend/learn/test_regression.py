from __future__ import annotations

import numpy as np
from scipy import sparse

from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.regression import RIDGE, frequent, next_items, strongest_columns
from bertine.recommend.learn.regression import together as regressed_together
from bertine.recommend.learn.transitions import users_items
from tests.recommend.learn.conftest import ITEMS, make_interactions, make_vectors


def chain() -> Interactions:
    """One user who does 0, then 1."""
    unknown = np.full(2, -1, np.int32)
    return Interactions(
        np.zeros(2, np.int64),
        np.arange(2),
        np.array([0.0, 5.0]),
        np.ones(2, np.float32),
        unknown,
        unknown,
        ["a", "b"],
    )


def test_without_texts_it_is_the_ridge_regression() -> None:
    links = next_items(chain(), np.zeros((2, 4), np.float32), np.arange(2))
    # One row: history {0: 1}, target {1: 1}, so B_01 = 1 / (1 + lambda).
    np.testing.assert_allclose(links, [[0.0, 1.0 / (1.0 + RIDGE)], [0.0, 0.0]], rtol=1e-6)


def test_an_item_without_events_shares_the_links_of_near_texts() -> None:
    made = make_interactions()
    seen = made.where(made.items != ITEMS - 1)
    vectors = make_vectors()
    vectors[ITEMS - 1] = vectors[3]
    links = next_items(seen, vectors, np.arange(ITEMS - 1))
    alike = np.asarray(np.corrcoef(links[:, :-1]))[ITEMS - 1]
    assert links[ITEMS - 1].any()
    assert alike[3] > np.median(alike)


def test_regression_of_what_is_had_together_has_no_link_to_itself() -> None:
    matrix = users_items(make_interactions())
    gram = (matrix.T @ matrix).tocsr()
    links = regressed_together(gram, frequent(gram.diagonal()))
    assert sparse.issparse(links)
    assert not links.diagonal().any()


def test_the_strongest_columns_of_each_row() -> None:
    links = np.array([[3.0, -1.0, 5.0], [0.0, 2.0, 1.0]], np.float32)
    columns, values = strongest_columns(links, 2)
    assert columns.tolist() == [[2, 0], [1, 2]]
    assert values.tolist() == [[5.0, 3.0], [2.0, 1.0]]
