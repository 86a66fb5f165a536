"""What the threshold theta on sim(u, c) means: what share of users still gets k items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks import ranking
from benchmarks.quality.evaluation import TOP_K, candidates
from benchmarks.quality.hybrid import profile_only
from benchmarks.quality.run import Run

_THETAS = np.round(np.arange(0.0, 1.0001, 0.05), 2)
_SHARES = (0.99, 0.95, 0.9, 0.5)


def measure(run: Run) -> None:
    """The share of rows with k items at or above theta, for k of 1, 5 and 10."""
    if not run.has_texts:
        run.absent["threshold"] = "the items have no texts"
        return
    kth = _kth_best(run)
    run.report.details["served_by_theta"] = {
        str(k): [[float(theta), served(kth[:, k - 1], float(theta))] for theta in _THETAS]
        for k in (1, 5, TOP_K)
    }
    for share in _SHARES:
        theta = theta_for(kth[:, TOP_K - 1], share)
        run.report.add(
            f"theta_{share * 100:g}", f"theta at which {share:.0%} of rows get 10 items", theta
        )


def served(kth: NDArray[np.float64], theta: float) -> float:
    """Share of rows that get k items: those whose k-th best similarity reaches theta.

    User coverage (Ge et al., Beyond accuracy, 2010).

    Args:
        kth: float64 ``[rows]``, the k-th best similarity of each; ``-inf`` where there is none.
        theta: threshold, inclusive.
    """
    return float((kth >= theta).mean())


def theta_for(kth: NDArray[np.float64], share: float) -> float:
    """The highest threshold at which at least `share` of the rows still get k items."""
    ordered = np.sort(kth)[::-1]
    return float(ordered[int(np.ceil(share * len(ordered))) - 1])


def _kth_best(run: Run) -> NDArray[np.float64]:
    """float64 ``[rows, TOP_K]``, best first."""
    text = profile_only(run.vectors)
    task = run.progress.add_task("similarities for theta", total=len(run.rows))
    found = np.full((len(run.rows), TOP_K), -np.inf)
    for place, row in enumerate(run.rows):
        [scores] = text.scores([row])
        if len(row.history):
            allowed = candidates(scores, row, new_only=True)
            best = ranking.top(allowed, TOP_K)
            found[place, : len(best)] = allowed[best]
        run.progress.advance(task)
    return found
