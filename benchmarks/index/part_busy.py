"""What one searcher waits while the index is rebuilt, and while items are upserted."""

from __future__ import annotations

from typing import Any

from benchmarks import contest
from benchmarks.index.child import Worker
from benchmarks.index.run import Run
from benchmarks.report import at_most

MOST_DURING_REBUILD = 2.5
UPSERTS = 500
"""Items a second."""

_QUIET_SECONDS = 4.0
_WINDOW_SECONDS = 6.0
_QUICK = 4


def rebuild(run: Run) -> None:
    """Quiet searches and searches during a rebuild, by turns."""
    with run.live("live_busy") as worker:
        worker.do("build", vectors=str(run.file))
        task = run.progress.add_task("during rebuilds, by turns", total=2 * run.settings.rounds)
        found: dict[str, list[dict[str, Any]]] = {"quiet": [], "rebuild": []}
        contest.alternate(
            {name: lambda name=name: _note(run, worker, name, found) for name in found},  # type: ignore[misc]
            run.settings.rounds,
            lambda: run.progress.advance(task),
        )
    for name, title in (("quiet", "quiet"), ("rebuild", "during a rebuild")):
        _add(run, f"during_{name}", f"one searcher, {title}", found[name])
    shares = contest.ratios(*([answer["p99"] for answer in found[name]] for name in _ORDER))
    label = "p99 during a rebuild / quiet"
    contest.add_median(run.report, "rebuild_ratio", label, shares, bar=at_most(MOST_DURING_REBUILD))
    took = [answer["seconds"] for answer in found["rebuild"]]
    contest.add_median(run.report, "rebuild_seconds", "the rebuild, one thread", took, "s")


def upserts(run: Run) -> None:
    """Searches during steady upserts, with the rebuilds that the index asks for."""
    seconds = _seconds(run, _WINDOW_SECONDS)
    with run.live("live_busy") as worker:
        worker.do("build", vectors=str(run.file))
        task = run.progress.add_task("during upserts", total=run.settings.rounds)
        found = []
        for _ in range(run.settings.rounds):
            found.append(_ask(run, worker, "maintained", seconds=seconds, rate=UPSERTS))
            run.progress.advance(task)
    _add(run, "upserts", f"one searcher, during {UPSERTS} upserts/s", found)
    reached = [answer["upserts"] for answer in found]
    contest.add_median(run.report, "upserts_reached", "upserts reached", reached, "items/s")
    run.report.details["upserts"] = found


_ORDER = ("rebuild", "quiet")


def _note(run: Run, worker: Worker, name: str, found: dict[str, list[dict[str, Any]]]) -> float:
    found[name].append(_ask(run, worker, name, seconds=_seconds(run, _QUIET_SECONDS)))
    return float(found[name][-1]["p99"])


def _ask(run: Run, worker: Worker, action: str, **arguments: Any) -> dict[str, Any]:
    return worker.do(action, queries=str(run.glosses.file), **arguments)


def _seconds(run: Run, usual: float) -> float:
    return usual / _QUICK if run.settings.quick else usual


def _add(run: Run, key: str, label: str, answers: list[dict[str, Any]]) -> None:
    for percentile in ("p50", "p99"):
        values = [answer[percentile] for answer in answers]
        contest.add_median(
            run.report, f"{key}_{percentile}", f"{label}: {percentile}", values, "ms"
        )
