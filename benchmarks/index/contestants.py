"""Builds all contestants, then lets them search by turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks import contest
from benchmarks.index.child import Worker
from benchmarks.index.curve import Point
from benchmarks.index.roster import OURS, Contestant, efforts
from benchmarks.index.run import Queries, Run
from benchmarks.index.truth import recall
from benchmarks.peers.child import PeerFailedError
from benchmarks.progress import say

SHAPES = (1_000, 64, 1)
"""Queries of a call."""

_EXACT = "exact"


@dataclass(slots=True)
class Curves:
    """What one contestant did with one kind of queries.

    Attributes:
        recalls: of each setting.
        points: for each number of queries in a call, what was measured of each setting in each
            round: ``rate``, ``p50`` and ``p99`` in milliseconds.
    """

    recalls: list[float]
    points: dict[int, list[list[dict[str, float]]]] = field(default_factory=dict)

    def rates(self, shape: int) -> list[list[Point]]:
        """Recall and queries a second, for each round."""
        return self._curves(shape, lambda point: point["rate"])

    def waits(self, shape: int, percentile: str) -> list[list[Point]]:
        """Recall and how many such waits fit into a second, for each round."""
        return self._curves(shape, lambda point: 1e3 / point[percentile])

    def _curves(self, shape: int, rate: Callable[[dict[str, float]], float]) -> list[list[Point]]:
        return [
            [Point(share, rate(point)) for share, point in zip(self.recalls, points, strict=True)]
            for points in self.points.get(shape, [])
        ]


@dataclass(slots=True)
class Found:
    """What came of the contest.

    Attributes:
        builds: seconds of each round, by contestant.
        memory: MiB after the first build, by contestant.
        curves: by contestant and kind of queries.
        settings: that the curves were drawn from, by contestant.
        versions: of what each contestant is made of.
        status: of the engine's index.
    """

    builds: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    curves: dict[tuple[str, str], Curves] = field(default_factory=dict)
    settings: dict[str, list[Any]] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)


def compete(run: Run, entries: Sequence[Contestant], builds: int) -> Found:
    """Start all that are there, build by turns, then search by turns.

    Args:
        run: with the vectors and the queries.
        entries: who takes part, the engine first.
        builds: rounds of building.
    """
    found = Found()
    with ExitStack() as stack:
        workers = {
            entry.name: worker
            for entry in entries
            if (worker := _start(run, entry, stack, found)) is not None
        }
        _build(run, workers, builds, found)
        _choose_settings(run, entries, workers, found)
        for queries, shapes in ((run.glosses, SHAPES), (run.short, (SHAPES[0], 1))):
            _search(run, workers, queries, shapes, found)
        found.status = workers[OURS].do("status")
    return found


def _start(run: Run, entry: Contestant, stack: ExitStack, found: Found) -> Worker | None:
    if entry.absent is not None:
        run.absent[entry.name] = entry.absent
        return None
    try:
        worker = stack.enter_context(entry.worker())
    except PeerFailedError as error:
        if entry.name == OURS:
            raise
        run.absent[entry.name] = str(error)
        return None
    found.versions[entry.name] = worker.versions
    return worker


def _build(run: Run, workers: Mapping[str, Worker], rounds: int, found: Found) -> None:
    task = run.progress.add_task("builds, by turns", total=rounds * len(workers))
    runs = {name: partial(_build_one, run, workers, name, found) for name in workers}
    found.builds = contest.alternate(runs, rounds, lambda: run.progress.advance(task))


def _build_one(run: Run, workers: Mapping[str, Worker], name: str, found: Found) -> float:
    # The engine builds first in the first round, so its kind is known when bare FAISS is asked.
    kind = found.status.get("kind", _EXACT)
    answer = workers[name].do("build", vectors=str(run.file), kind=kind)
    if name == OURS:
        found.status = workers[OURS].do("status")
    found.memory.setdefault(name, answer["resident"])
    return float(answer["seconds"])


def _choose_settings(
    run: Run, entries: Sequence[Contestant], workers: Mapping[str, Worker], found: Found
) -> None:
    """All settings, or every second one where it has to be quick."""
    chosen = {entry.name: list(entry.settings) for entry in entries if entry.name in workers}
    chosen[OURS] = efforts(found.status["nprobe"])
    step = 2 if run.settings.quick else 1
    found.settings = {name: settings[::step] for name, settings in chosen.items()}
    if not found.status["nprobe"]:
        say("[yellow]the live index searches exactly: its curve is one point[/]")


def _search(
    run: Run,
    workers: Mapping[str, Worker],
    queries: Queries,
    shapes: Sequence[int],
    found: Found,
) -> None:
    for name, worker in workers.items():
        rows = worker.found(queries.file, found.settings[name])
        recalls = [recall(run.corpus, queries.vectors, each, queries.least) for each in rows]
        found.curves[name, queries.name] = Curves(recalls)
    total = len(shapes) * run.settings.rounds * len(workers)
    task = run.progress.add_task(f"{queries.title}, by turns", total=total)
    for shape in shapes:
        runs = {
            name: partial(_time, run, worker, queries, shape, name, found)
            for name, worker in workers.items()
        }
        contest.alternate(runs, run.settings.rounds, lambda: run.progress.advance(task))


def _time(run: Run, worker: Worker, queries: Queries, shape: int, name: str, found: Found) -> float:
    """One round of one contestant; its fastest setting's rate."""
    answer = worker.do(
        "time",
        queries=str(queries.file),
        settings=found.settings[name],
        batch=shape,
        seconds=run.settings.seconds,
    )
    points: list[dict[str, float]] = answer["points"]
    found.curves[name, queries.name].points.setdefault(shape, []).append(points)
    return max(point["rate"] for point in points)
