"""All methods on the same rows: accuracy with intervals, what lists look like, and slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.quality import beyond, slices
from benchmarks.quality.bootstrap import Estimate, ratio
from benchmarks.quality.cases import counts
from benchmarks.quality.evaluation import PER_ROW, Outcome
from benchmarks.quality.factors import FactorsAbsentError, als
from benchmarks.quality.hybrid import is_own, of_channels, profile_only
from benchmarks.quality.methods import Method, item_knn, popularity, sequential
from benchmarks.quality.run import OFFICE, Run, key_of
from benchmarks.quality.tuning import Tuned, tuned
from benchmarks.report import Bar, at_least

_ALL = 1_000_000
_BARS: dict[str, dict[str, Bar]] = {
    "text_only": {"ndcg10": at_least(0.074)},
    "hybrid": {"hr10": at_least(0.185), "ndcg10": at_least(0.142)},
}
_OVER_BASELINE = {
    OFFICE: at_least(1.0),
    "movietweetings": at_least(1.05),
    "online_retail": at_least(1.05),
}


@dataclass(frozen=True)
class _Lists:
    """What the lists of all methods are judged by."""

    information: Any
    encoder: beyond.Likeness | None
    independent: beyond.Likeness


def measure(run: Run) -> None:
    """Every method, then the hybrid over the best of the others."""
    lists = _judges(run)
    for method in _methods(run):
        outcome = run.outcome(method)
        _note(run, outcome, lists)
    _note_ratios(run)
    _note_channels(run)


def _methods(run: Run) -> list[Method]:
    """Baselines first, each tuned before the test window."""
    methods: list[Method] = [popularity(run.case)]
    for name, make in _baselines(run).items():
        task = run.progress.add_task(f"tuning {name}", total=1)
        try:
            found = make()
        except FactorsAbsentError as error:
            run.absent[name] = str(error)
            continue
        run.progress.advance(task)
        run.report.details.setdefault("settings", {})[name] = dict(found.settings)
        methods.append(found.method)
    if run.has_texts:
        learned = run.hybrid.learned
        methods.append(profile_only(run.vectors))
        methods.append(of_channels(run.case, run.vectors, "text only", is_own, learned))
    return [*methods, run.hybrid]


def _baselines(run: Run) -> dict[str, Callable[[], Tuned]]:
    quick = run.settings.quick
    knn: dict[str, list[Any]] = {
        "neighbours": [_ALL, 100],
        "shrinkage": [0.0, 10.0],
        "half_life": [1.0, 3.0, 100.0],
    }
    rules: dict[str, list[Any]] = {"popularity_power": [0.0, 0.5], "half_life": [1.0, 3.0]}
    factors: dict[str, list[Any]] = {
        "factors": [64, 128],
        "regularization": [0.01, 1.0],
        "alpha": [1.0, 10.0, 40.0],
    }
    grids = [
        {name: values[:1] if quick else values for name, values in grid.items()}
        for grid in (knn, rules, factors)
    ]
    return {
        "item-kNN": lambda: tuned(item_knn, grids[0], run.case),
        "sequential counts": lambda: tuned(sequential, grids[1], run.case),
        "implicit ALS": lambda: tuned(als, grids[2], run.case),
    }


def _judges(run: Run) -> _Lists:
    known = run.case.known
    users = len(np.unique(known.users))
    attributes = run.case.catalog.attributes
    independent = (
        beyond.by_attributes(attributes)
        if any(attributes)
        else beyond.by_users(known.users, known.items, len(run.case.catalog))
    )
    run.report.details["independent_diversity"] = (
        "Jaccard of attributes" if any(attributes) else "cosine of the items' users"
    )
    encoder = beyond.by_vectors(run.vectors) if run.has_texts else None
    return _Lists(beyond.self_information(counts(run.case), users), encoder, independent)


def _note(run: Run, outcome: Outcome, lists: _Lists) -> None:
    key = key_of(outcome.name)
    estimates = {metric: outcome.estimate(metric) for metric in PER_ROW}
    for metric in ("hr10", "ndcg10"):
        label = f"{outcome.name}: {metric.upper()[:-2]}@10 {_interval(estimates[metric])}"
        bar = _BARS.get(key, {}).get(metric) if run.case.name == OFFICE and run.full else None
        run.report.add(f"{key}_{metric}", label, estimates[metric].mean, bar=bar)
    run.report.details.setdefault("methods", {})[outcome.name] = {
        **{name: [round(v, 6) for v in (e.mean, e.low, e.high)] for name, e in estimates.items()},
        **_beyond(run, outcome, lists),
        "slices": {
            **slices.by_length(outcome, run.rows),
            **slices.by_target(outcome, run.rows, counts(run.case)),
        },
    }


def _beyond(run: Run, outcome: Outcome, lists: _Lists) -> dict[str, float]:
    items = len(run.case.catalog)
    figures = {
        "coverage": beyond.coverage(outcome.lists, items),
        "novelty_bits": beyond.novelty(outcome.lists, lists.information),
        "diversity_independent": beyond.diversity(outcome.lists, lists.independent),
        "gini": beyond.gini(outcome.lists, items),
    }
    if lists.encoder is not None:
        figures["diversity"] = beyond.diversity(outcome.lists, lists.encoder)
    return {name: round(value, 6) for name, value in figures.items()}


def _note_ratios(run: Run) -> None:
    """NDCG@10 of the hybrid over each other method, on the same resamples."""
    ours = run.outcome(run.hybrid)
    others = [o for o in run.outcomes.values() if o.name != ours.name]
    best = max(others, key=lambda outcome: outcome.mean("ndcg10"))
    for other in others:
        if not other.mean("ndcg10"):
            continue
        found = ratio(ours.values("ndcg10"), other.values("ndcg10"), ours.users)
        run.report.add(
            f"over_{key_of(other.name)}",
            f"hybrid / {other.name}: NDCG@10 {_interval(found)}",
            found.mean,
            bar=_OVER_BASELINE.get(run.case.name) if run.full and other is best else None,
        )


def _note_channels(run: Run) -> None:
    learned = run.hybrid.learned
    run.report.details["channels"] = {
        name: round(float(weight), 6)
        for name, weight in zip(learned.channels, run.hybrid.weights, strict=True)
    }


def _interval(found: Estimate) -> str:
    return f"[{found.low:.4f}, {found.high:.4f}]"
