"""The only module that knows `implicit`, which need not be installed."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.factors import CONFIDENCE, REGULARIZATION, Factors

MISSING = "implicit is not installed (the extra `collaborative`): there is no channel `factors`"

_ITERATIONS = 15


def available() -> bool:
    """Whether `implicit` is installed."""
    return importlib.util.find_spec("implicit") is not None


def factorise(counts: Any, factors: int, seed: int) -> Factors:
    """Alternating least squares.

    Args:
        counts: sparse ``[users, items]``, of summed positive strengths.
        factors: of each user and item.
        seed: of the first factors.

    Raises:
        ImportError: `implicit` is not installed.
    """
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415

    with warnings.catch_warnings():
        # It asks to set BLAS to one thread for the whole process: other parts decide that.
        warnings.simplefilter("ignore", RuntimeWarning)
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=REGULARIZATION,
            alpha=CONFIDENCE,
            iterations=_ITERATIONS,
            num_threads=1,
            random_state=seed,
        )
        model.fit(counts.astype(np.float32).tocsr(), show_progress=False)
    return _factors(np.asarray(model.item_factors, np.float32))


def _factors(items: NDArray[np.float32]) -> Factors:
    rows = items.astype(np.float64)
    gram = rows.T @ rows + REGULARIZATION * np.eye(items.shape[1])
    return Factors(items, gram)
