"""Accuracy against diversity: the hybrid's lists reordered by maximal marginal relevance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks import ranking
from benchmarks.quality import beyond
from benchmarks.quality.cases import Items
from benchmarks.quality.evaluation import TOP_K, candidates
from benchmarks.quality.run import OFFICE, Run
from benchmarks.report import at_least, at_most
from bertine.recommend.diversity import diversified

POOL = 100
"""The best of a row that a list is chosen from."""

DEFAULT_NOVELTY = 0.3
"""1 - lambda of the default that the bars are for."""

_STEPS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_LEAST_GAIN = 0.15
_MOST_LOSS = 0.03


def measure(run: Run) -> None:
    """The sweep, and the default held against its bars."""
    if not run.has_texts:
        run.absent["diversity"] = "the items have no texts"
        return
    pools = _pools(run)
    steps = (0.0, DEFAULT_NOVELTY, 0.6) if run.settings.quick else _STEPS
    sweep = [_point(run, pools, novelty) for novelty in steps]
    run.report.details["mmr"] = sweep
    plain = sweep[0]
    default = next(point for point in sweep if point["novelty"] == DEFAULT_NOVELTY)
    gain = default["diversity"] / plain["diversity"] - 1.0
    loss = 1.0 - default["ndcg10"] / plain["ndcg10"]
    judged = run.case.name == OFFICE and run.full
    label = f"MMR, lambda {1 - DEFAULT_NOVELTY:g}"
    run.report.add(
        "mmr_diversity_gain",
        f"{label}: intra-list diversity, more by",
        gain,
        bar=at_least(_LEAST_GAIN) if judged else None,
    )
    run.report.add(
        "mmr_ndcg_loss",
        f"{label}: NDCG@10, less by",
        loss,
        bar=at_most(_MOST_LOSS) if judged else None,
    )


def _pools(run: Run) -> list[tuple[Items, NDArray[np.float64]]]:
    """The best items of each row and their scores."""
    task = run.progress.add_task("pools for MMR", total=len(run.rows))
    found = []
    for row in run.rows:
        [scores] = run.hybrid.scores([row])
        allowed = candidates(scores, row, new_only=run.case.new_only)
        best = ranking.top(allowed, POOL)
        found.append((best, allowed[best]))
        run.progress.advance(task)
    return found


def _point(
    run: Run, pools: Sequence[tuple[Items, NDArray[np.float64]]], novelty: float
) -> dict[str, float]:
    lists = [
        best[diversified(range(len(best)), scores, run.vectors[best], novelty, TOP_K)]
        for best, scores in pools
    ]
    gains = [
        ranking.ndcg(listed_ranks(listed, row.targets), TOP_K)
        for listed, row in zip(lists, run.rows, strict=True)
    ]
    return {
        "novelty": novelty,
        "ndcg10": float(np.mean(gains)),
        "diversity": beyond.diversity(lists, beyond.by_vectors(run.vectors)),
        "coverage": beyond.coverage(lists, len(run.case.catalog)),
    }


def listed_ranks(listed: Items, targets: Items) -> ranking.Ranks:
    """Ranks of targets in a list; ``inf`` for one that is not in it."""
    places = {int(item): float(place) for place, item in enumerate(listed, 1)}
    return np.array([places.get(int(target), np.inf) for target in targets])
