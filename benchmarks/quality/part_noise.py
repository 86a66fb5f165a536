"""What Gaussian noise on a user's vector costs, for each epsilon that it buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import Row
from benchmarks.quality.hybrid import Hybrid, profile_only
from benchmarks.quality.methods import Scores
from benchmarks.quality.privacy_noise import DELTA, epsilon_of, noisy
from benchmarks.quality.run import Run

_SIGMAS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_TINY = 1e-6


@dataclass(frozen=True)
class Noisy:
    """Similarity to a profile that was blurred before anything read it.

    Attributes:
        name: in tables.
        text: makes the profile.
        sigma: of each component of the unit vector.
    """

    name: str
    text: Hybrid
    sigma: float

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`; the seed is the row's place in the block and its user."""
        return np.stack([self._row(row, place) for place, row in enumerate(rows)])

    def _row(self, row: Row, place: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        taste = self.text.taste(row)
        profile = taste.weights @ taste.vectors
        length = float(np.linalg.norm(profile))
        if length < _TINY:
            return np.zeros(len(self.text.vectors))
        vector = (profile / length).astype(np.float32)
        blurred = noisy(vector, self.sigma, row.user * 1_000_003 + place)
        return np.asarray(self.text.vectors @ blurred, np.float64)


def measure(run: Run) -> None:
    """NDCG@10 of the text alone by epsilon; without noise epsilon is infinite."""
    if not run.has_texts:
        run.absent["noise"] = "the items have no texts"
        return
    text = profile_only(run.vectors)
    sigmas = _SIGMAS[::3] if run.settings.quick else _SIGMAS
    curve = []
    for sigma in sigmas:
        found = run.outcome(Noisy(f"noise, sigma {sigma:g}", text, sigma)).mean("ndcg10")
        bought = epsilon_of(sigma, DELTA)
        run.report.add(
            f"noise_{sigma:g}_ndcg10", f"sigma {sigma:g}, epsilon {bought:.4g}: NDCG@10", found
        )
        if sigma:
            curve.append({"sigma": sigma, "epsilon": bought, "ndcg10": found})
    run.report.details["noise"] = curve
