"""Filtered search: recall among what matches, speed, and that nothing else is ever returned."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.index.child import Worker
from benchmarks.index.run import Run
from benchmarks.report import at_least, at_most

SHARES = (0.5, 0.1, 0.01, 0.001)
LEAST_RECALL = 0.95

_BATCH = 1_000
_ALONE = 200
_LEAK_BATCH = 10
_STEP = 1_000


def measure(run: Run) -> None:
    """Build an index whose items have attributes, and search it under filters."""
    with run.live("live_filters") as worker:
        worker.do("build", vectors=str(run.file))
        _qualities(run, worker)
        _speeds(run, worker)
        _leaks(run, worker)


def _qualities(run: Run, worker: Worker) -> None:
    """In one batch, and one by one, which the index may answer in another way."""
    for share in SHARES:
        for name, count, title in (("", _BATCH, "by 1,000"), ("_alone", _ALONE, "one by one")):
            found = worker.do(
                "quality",
                queries=str(run.glosses.file),
                setting=share,
                count=count,
                alone=bool(name),
            )
            label = f"filter that {share:.1%} match, {title}: recall@10 among them"
            key = f"filter_{_key(share)}_recall{name}"
            run.report.add(key, label, found["recall"], "", _BAR)
            run.report.details.setdefault("filters", {})[key] = found


def _speeds(run: Run, worker: Worker) -> None:
    task = run.progress.add_task("filters, by turns", total=run.settings.rounds * len(SHARES))
    measured = contest.alternate(
        {_key(share): lambda share=share: _rate(run, worker, share) for share in SHARES},  # type: ignore[misc]
        run.settings.rounds,
        lambda: run.progress.advance(task),
    )
    for share in SHARES:
        key, label = _key(share), f"filter that {share:.1%} match: by {_BATCH:,}"
        contest.add_median(run.report, f"filter_{key}_rate", label, measured[key], "/s")


def _rate(run: Run, worker: Worker, share: float) -> float:
    answer = worker.do(
        "time",
        queries=str(run.glosses.file),
        settings=[share],
        batch=_BATCH,
        seconds=run.settings.seconds,
    )
    return float(answer["points"][0]["rate"])


def _leaks(run: Run, worker: Worker) -> None:
    """Many random filters, a few queries each."""
    wanted = run.settings.random_filters
    task = run.progress.add_task("random filters", total=wanted)
    counts = dict.fromkeys(("wrong", "doubled", "fewer"), 0)
    batch = min(_LEAK_BATCH, len(run.short.vectors))
    for start in range(0, wanted, _STEP):
        calls = -(-min(_STEP, wanted - start) // batch)
        found = worker.do("leaks", queries=str(run.short.file), calls=calls, batch=batch)
        for name in counts:
            counts[name] += found[name]
        run.progress.advance(task, calls * batch)
    asked = f"{wanted:,} random filtered queries"
    run.report.add("filter_leaks", f"{asked}: hits that do not match", counts["wrong"], bar=_NONE)
    run.report.add("filter_doubled", f"{asked}: hits twice", counts["doubled"], bar=_NONE)
    run.report.add("filter_fewer", f"{asked}: answers with too few hits", counts["fewer"])


def _key(share: float) -> str:
    return f"{share * 100:g}".replace(".", "_")


_BAR = at_least(LEAST_RECALL)
_NONE = at_most(0)
