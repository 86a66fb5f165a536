"""Matrix factorisation of implicit feedback: the one module here that knows `implicit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.quality.cases import Case, Row
from benchmarks.quality.methods import Scores, history_matrix, user_matrix

_PLAIN = 1e9


class FactorsAbsentError(Exception):
    """The library is not installed; the message says how it would be."""


@dataclass(frozen=True)
class Factors:
    """A fitted model; a user's factors are those that suit the row's own history."""

    model: Any
    items: int
    name: str = "implicit ALS"

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`. A user without a liked entry finds all items alike."""
        histories = history_matrix(rows, self.items, _PLAIN).astype(np.float32)
        histories.data[:] = self.model.alpha
        users = np.zeros((len(rows), self.model.factors), np.float32)
        filled = np.flatnonzero(np.diff(histories.indptr))
        if len(filled):
            with threadpool_limits(1):
                users[filled] = self.model.recalculate_user(filled, histories[filled])
        return np.asarray(users @ self.model.item_factors.T, np.float64)


def als(case: Case, factors: int, regularization: float, alpha: float, seed: int = 0) -> Factors:
    """Alternating least squares with confidence alpha of a liked item.

    Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, 2008.

    Args:
        case: what is known of it is factorised.
        factors: length of the vectors.
        regularization: of both sides.
        alpha: confidence of what is known, 1 of what is not.
        seed: of the start.

    Raises:
        FactorsAbsentError: `implicit` is not installed.
    """
    try:
        from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise FactorsAbsentError("pip install 'bertine[collaborative]'") from error
    liked = user_matrix(case.known, len(case.catalog)).astype(np.float32)
    with threadpool_limits(1):
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularization,
            alpha=alpha,
            iterations=15,
            random_state=seed,
            num_threads=1,
        )
        model.fit(liked, show_progress=False)
    return Factors(model, len(case.catalog))
