"""Open loops: the knee of a Poisson load, and replayed traces below it."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks import data
from benchmarks.load import knee, schedule, texts
from benchmarks.load.bench import Bench
from benchmarks.load.closed_loop import batch_sizes
from benchmarks.load.recorder import percentile
from benchmarks.load.schedule import OpenLoop
from benchmarks.load.worker import Load
from benchmarks.report import at_least

KNEE_LIMIT = 0.050
KNEE_BAR = at_least(0.70)

_FIRST_SHARE = 0.6
_TRACE_SHARE = 0.5
_TIMEOUT = 5.0
_PERCENT = 99.0


def measure(bench: Bench, source: Path) -> None:
    """Knee, then both traces at half of it.

    Raises:
        DataAbsentError: the traces are not there.
    """
    rate = _knee(bench)
    for name in ("code", "conv"):
        _trace(bench, name, data.arrivals(source, name), rate * _TRACE_SHARE)


def _knee(bench: Bench) -> float:
    offline: list[float] = []
    before = bench.server.metrics() if bench.server else None
    with bench.part("Poisson knee, each rate after offline") as advance:

        def trial(rate: float, seed: int) -> float:
            if seed == 0:
                offline.append(bench.offline(bench.pools.queries))
            recording = bench.generator.run(_poisson(bench, rate, seed))
            bench.recordings[f"knee at {rate:.0f}/s"] = recording
            advance()
            return recording.kept_percentile(_PERCENT)

        first = _FIRST_SHARE * bench.offline(bench.pools.queries)
        found = knee.find(trial, first, KNEE_LIMIT)
    bench.report.details["knee"] = {
        "limit_ms": KNEE_LIMIT * 1e3,
        "trials": [
            {"rate": round(trial.rate, 1), "kept": trial.kept, "p99_ms": _rounded(votes)}
            for trial, votes in zip(found.trials, found.votes, strict=True)
        ],
        "offline": [round(rate, 1) for rate in offline],
    }
    if bench.server and before:
        bench.report.details["knee"]["batches"] = batch_sizes(bench.server.metrics().since(before))
    label = f"Poisson knee, p99 within {KNEE_LIMIT * 1e3:g} ms"
    bench.report.add("knee", label, found.rate, "texts/s")
    share = found.rate / median(offline)
    bench.report.add("knee_share", f"{label} / offline", share, bar=KNEE_BAR)
    return found.rate


def _poisson(bench: Bench, rate: float, seed: int) -> Load:
    seconds = bench.effort.warm_up + bench.effort.knee_calls / rate
    pattern = OpenLoop(schedule.poisson(rate, seconds, seed))
    return Load(
        texts.calls(bench.pools.queries, 1), pattern, bench.effort.warm_up, timeout=_TIMEOUT
    )


def _trace(bench: Bench, name: str, recorded: schedule.Arrivals, rate: float) -> None:
    if not rate:
        return
    arrivals = schedule.replay(recorded[: bench.effort.trace_calls], rate)
    calls = texts.calls(bench.pools.queries, 1)
    with bench.part(f"trace {name} at {rate:.0f}/s", 1) as advance:
        recording = bench.generator.run(Load(calls, OpenLoop(arrivals), timeout=_TIMEOUT))
        advance()
    bench.recordings[f"trace {name}"] = recording
    for percent in (50.0, _PERCENT):
        label = f"trace {name} at half the knee: p{percent:g}"
        value = percentile(recording.latencies(), percent) * 1e3
        bench.report.add(f"trace_{name}_p{percent:g}_ms", label, value, "ms")
    bench.report.details[f"trace_{name}"] = {
        "burstiness": round(schedule.burstiness(arrivals), 2),
        **recording.summary(),
    }


def _rounded(votes: list[float]) -> list[float | None]:
    return [round(vote * 1e3, 2) if vote < float("inf") else None for vote in votes]
