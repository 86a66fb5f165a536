"""The same index at about a million vectors, and its start from a snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contest
from benchmarks.index import grown
from benchmarks.index.child import Worker
from benchmarks.index.run import Run, queries
from benchmarks.index.truth import recall
from benchmarks.report import Bar, at_least, at_most

LEAST_RECALL = 0.95
LEAST_RATE = 4_000
MOST_BEYOND_MIB = 2.2e9 / 2**20
MOST_START_SECONDS = 6.0

_BATCH = 1_000


def measure(run: Run) -> None:
    """Build, search, save, and start another process from what was saved."""
    file, home = run.folder / "large.npy", run.folder / "snapshot"
    size = run.settings.large
    run.report.details["large"] = {
        "vectors": size,
        "made_of": f"{-(-size // len(run.corpus))} jittered copies of {len(run.corpus):,} vectors",
        "jitter": grown.JITTER,
    }
    task = run.progress.add_task(f"{size:,} jittered vectors", total=size)
    grown.write(run.corpus, size, file, lambda count: run.progress.advance(task, count))
    with run.live(home=str(home)) as worker:
        _built(run, worker, file)
        _searched(run, worker, file)
        saved = worker.do("save")
        run.report.add("large_save", f"{size:,}: snapshot written", saved["seconds"], "s")
    _started(run, home)
    file.unlink()


def _built(run: Run, worker: Worker, file: Path) -> None:
    size, report = run.settings.large, run.report
    answer = worker.do("build", vectors=str(file), mapped=True)
    report.add("large_build", f"{size:,}: build until searchable", answer["seconds"], "s")
    report.details["large"]["index"] = worker.do("status")


def _searched(run: Run, worker: Worker, file: Path) -> None:
    size, vectors = run.settings.large, np.load(file, mmap_mode="r")
    for kind in (run.glosses, run.short):
        asked = queries(f"large_{kind.name}", kind.title, kind.vectors, vectors, run.folder)
        found = worker.found(asked.file, [0])[0]
        share = recall(vectors, asked.vectors, found, asked.least)
        bar = _if(run, at_least(LEAST_RECALL)) if kind is run.glosses else None
        label = f"{size:,}, {kind.title}: recall@10 as tuned"
        run.report.add(f"large_{kind.name}_recall", label, share, "", bar)
    _timed(run, worker)


def _timed(run: Run, worker: Worker) -> None:
    size, report = run.settings.large, run.report
    points: dict[str, list[dict[str, float]]] = {str(_BATCH): [], "1": []}
    task = run.progress.add_task(f"{size:,} vectors, by turns", total=2 * run.settings.rounds)
    contest.alternate(
        {shape: lambda shape=shape: _point(run, worker, shape, points) for shape in points},  # type: ignore[misc]
        run.settings.rounds,
        lambda: run.progress.advance(task),
    )
    rates = [point["rate"] for point in points[str(_BATCH)]]
    bar, label = _if(run, at_least(LEAST_RATE)), f"{size:,}, as tuned, by {_BATCH:,}"
    contest.add_median(report, "large_rate", label, rates, "/s", bar)
    for percentile in ("p50", "p99"):
        waits = [point[percentile] for point in points["1"]]
        label = f"{size:,}, as tuned, one by one: {percentile}"
        contest.add_median(report, f"large_{percentile}", label, waits, "ms")


def _point(
    run: Run, worker: Worker, shape: str, points: dict[str, list[dict[str, float]]]
) -> float:
    answer = worker.do(
        "time",
        queries=str(run.glosses.file),
        settings=[0],
        batch=int(shape),
        seconds=run.settings.seconds,
    )
    points[shape].append(answer["points"][0])
    return float(answer["points"][0]["rate"])


def _started(run: Run, home: Path) -> None:
    """Each start in a new process; the files are in the page cache, having just been written."""
    size, report = run.settings.large, run.report
    task = run.progress.add_task("starts from the snapshot", total=run.settings.rounds)
    answers: list[dict[str, Any]] = []
    for _ in range(run.settings.rounds):
        with run.live(home=str(home)) as worker:
            query = str(run.glosses.file)
            answers.append(worker.do("restore", count=size, queries=query))
        run.progress.advance(task)
    seconds = [answer["seconds"] for answer in answers]
    label = f"{size:,}: snapshot to first answer, files cached, without the catalog's read"
    bar = _if(run, at_most(MOST_START_SECONDS))
    contest.add_median(report, "large_start", label, seconds, "s", bar)
    missing = max(answer["missing"] for answer in answers)
    report.add("large_missing", f"{size:,}: items not in the snapshot", missing, bar=at_most(0))
    _memory(run, answers)


def _memory(run: Run, answers: list[dict[str, Any]]) -> None:
    """After a start: what a server has that did not just build.

    The exact vectors may lie in a mapped file, whose pages the system takes back when it needs
    them, or in the process's own memory, where they count.
    """
    size, report = run.settings.large, run.report
    for name, title in (("resident", "resident"), ("beyond", "beyond the exact vectors' file")):
        values = [answer[name] for answer in answers]
        bar = _if(run, at_most(MOST_BEYOND_MIB)) if name == "beyond" else None
        contest.add_median(report, f"large_{name}", f"{size:,}: memory {title}", values, "MiB", bar)


def _if(run: Run, bar: Bar) -> Bar | None:
    """Bars are for a million."""
    return bar if run.settings.million else None
