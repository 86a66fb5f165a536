"""Folding, against the least squares problem that it solves."""

import numpy as np
import pytest

from bertine.kernels.fold import folded


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_the_user_solves_the_weighted_least_squares(count: int) -> None:
    rng = np.random.default_rng(count)
    items = rng.normal(size=(300, 16)).astype(np.float32)
    gram = items.T.astype(np.float64) @ items + 0.05 * np.eye(16)
    entries = rng.choice(300, count)
    extra = rng.exponential(10.0, count)
    # The least weight that is above 0.
    extra[:1] = 5e-324
    user = np.empty(16, np.float32)
    folded(items, np.linalg.inv(gram), entries, extra, user)
    rows = items[entries].astype(np.float64)
    expected = np.linalg.solve(gram + rows.T @ (extra[:, None] * rows), rows.T @ (1.0 + extra))
    np.testing.assert_allclose(user, expected, rtol=1e-5, atol=1e-7)
