"""What a view of vectors leaves out where it does not count."""

import numpy as np

from bertine.recommend.learn.refined import Compared, counting, refine
from bertine.recommend.learn.taste import Candidates, Taste


def test_a_channel_that_does_not_count_is_0_and_the_others_keep_their_bits() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    view = refine(vectors)
    assert view is not None
    history = np.arange(11)
    taste = Taste(history, np.ones(11), vectors[history], np.full(11, np.nan))
    candidates = Candidates(np.arange(40), vectors)
    without = counting(view, np.array([0.5, 0.0, 0.0]))
    assert isinstance(without, Compared)
    assert counting(view, np.array([0.0, 0.0, 0.1])) is view
    assert without.names == view.names
    totals, fewer = view.totals(taste, candidates), without.totals(taste, candidates)
    assert fewer[:2].tolist() == totals[:2].tolist()
    assert not fewer[2].any()
    np.testing.assert_allclose(without.shares(taste, candidates).sum(axis=2), fewer.T, atol=1e-6)
    nobody = Taste(history[:0], np.empty(0), vectors[:0], np.empty(0))
    assert not without.totals(nobody, candidates).any()
    assert not len(without.best(taste, 3))
