"""What Gaussian noise on a user's profile costs, for each epsilon that it buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.cases import Row
from benchmarks.quality.hybrid import Hybrid, profile_only
from benchmarks.quality.methods import Scores
from benchmarks.quality.run import Run
from bertine.recommend.learn.taste import Candidates, Taste
from bertine.recommend.noise import DELTA, Noise, blurred_profile

EPSILONS = (1e5, 1e4, 3e3, 1e3, 300.0, 100.0, 30.0, 10.0, 3.0)
_FEW = 3


@dataclass(frozen=True)
class Noisy:
    """A recommender that is given a blurred profile in the place of the history.

    Attributes:
        name: in tables.
        inner: the recommender.
        sigma: of each component of the unit profile.
    """

    name: str
    inner: Hybrid
    sigma: float

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`; the seed is the row's place in the block and its user."""
        vectors = self.inner.vectors
        everything = Candidates(self.inner.numbers(np.arange(len(vectors))), vectors)
        return np.stack([self._row(row, place, everything) for place, row in enumerate(rows)])

    def _row(self, row: Row, place: int, everything: Candidates) -> NDArray[np.float64]:
        seed = row.user * 1_000_003 + place
        taste = blurred_taste(self.inner.taste(row), self.sigma, seed)
        return np.asarray(self.inner.learned.score(taste, everything) @ self.inner.weights)


def blurred_taste(taste: Taste, sigma: float, seed: int) -> Taste:
    """One entry that is no item: the profile with noise, as `bertine.recommend.noise.blurred`."""
    return replace(
        taste,
        items=np.array([-1]),
        weights=np.ones(1),
        vectors=blurred_profile(taste.vectors, taste.weights, sigma, seed)[None, :],
        times=np.array([np.nan]),
        strengths=np.ones(1),
    )


def measure(run: Run) -> None:
    """NDCG@10 by epsilon, of the text alone and of all that does not need the history's items."""
    if not run.has_texts:
        run.absent["noise"] = "the items have no texts"
        return
    curve = []
    for epsilon in EPSILONS[::_FEW] if run.settings.quick else EPSILONS:
        sigma = Noise(epsilon, DELTA).sigma
        point = {"epsilon": epsilon, "sigma": sigma}
        for key, inner in (("text", profile_only(run.vectors)), ("hybrid", run.hybrid)):
            name = f"{key}, epsilon {epsilon:g}"
            point[key] = run.outcome(Noisy(name, inner, sigma)).mean("ndcg10")
            label = f"{key}, epsilon {epsilon:g} a call (sigma {sigma:.3g}): NDCG@10"
            run.report.add(f"noise_{epsilon:g}_{key}_ndcg10", label, point[key])
        curve.append(point)
    run.report.details["noise"] = curve
