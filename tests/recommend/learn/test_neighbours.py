from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from bertine.kernels.links import ranks
from bertine.recommend.learn.neighbours import Linked, strongest
from bertine.recommend.learn.taste import Candidates, Taste


@given(
    seed=st.integers(0, 99),
    history=st.lists(st.integers(-1, 9), max_size=6),
    offered=st.lists(st.integers(-1, 9), max_size=12),
)
def test_links_are_looked_up_as_in_the_dense_matrix(
    seed: int, history: list[int], offered: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((10, 10)) < 0.4, rng.random((10, 10)), 0.0).astype(np.float32)
    view = Linked("links", 0.5, *strongest(sparse.csr_matrix(dense), 10))
    count = len(history)
    taste = Taste(
        np.array(history, np.int64),
        np.ones(count),
        np.zeros((count, 4), np.float32),
        np.full(count, np.nan),
    )
    candidates = Candidates(np.array(offered, np.int64), np.zeros((len(offered), 4), np.float32))
    shares = view.shares(taste, candidates)
    for c, candidate in enumerate(offered):
        for h, source in enumerate(history):
            known = candidate >= 0 and source >= 0
            value = float(dense[source, candidate]) * 0.5 ** (count - 1 - h) if known else 0.0
            assert np.isclose(shares[c, 0, h], value)


def test_ranks_count_ties_as_half() -> None:
    scores = np.array([3, 1, 2, 2, 5, 5, 5], np.float32)
    found = np.empty(3)
    ranks(scores, np.array([0, 4, 7]), np.array([0, 2, 5]), np.array([0, 0, 1]), found)
    assert found.tolist() == [1.0, 2.5, 2.0]
