"""Interactive calls beside bulk work that wants all of the server."""

from __future__ import annotations

from benchmarks.load import schedule, texts
from benchmarks.load.bench import Bench
from benchmarks.load.recorder import Recording, percentile
from benchmarks.load.rounds import by_turns
from benchmarks.load.runner import Generator
from benchmarks.load.schedule import ClosedLoop, OpenLoop
from benchmarks.load.worker import Load
from benchmarks.report import at_most

INTERACTIVE_BAR = at_most(3)

_RATE = 40.0
_BULK_CLIENTS, _BULK_TEXTS = 4, 128
_BULK_LEAD = 0.5
_PERCENT = 99.0


def measure(bench: Bench, interactive: Generator, bulk: Generator) -> None:
    """Interactive p99 with and without a saturating bulk load, by turns.

    Args:
        bench: what is measured.
        interactive: asks for the interactive lane.
        bulk: asks for the bulk lane.
    """
    shares: list[float] = []
    seeds = iter(range(bench.effort.most_rounds))

    def beside() -> Recording:
        seconds = bench.effort.mixed_seconds + _BULK_LEAD
        bulk.start(_bulk_load(bench, seconds))
        recording = interactive.run(_interactive_load(bench, next(seeds), _BULK_LEAD))
        shares.append(bulk.result().throughput())
        return recording

    with bench.part("interactive, by turns alone and beside bulk") as advance:
        rounds = by_turns(
            bench.effort,
            lambda: _p99(interactive.run(_interactive_load(bench, len(shares), 0.0))),
            beside,
            _p99,
            advance,
        )
    report = bench.report
    bench.recordings["interactive beside bulk"] = rounds.recordings[-1]
    report.add("interactive_alone_p99_ms", "interactive alone: p99", rounds.base * 1e3, "ms")
    report.add("interactive_bulk_p99_ms", "beside saturating bulk: p99", rounds.value * 1e3, "ms")
    report.add("interactive_ratio", "beside bulk / alone", rounds.ratio, bar=INTERACTIVE_BAR)
    report.add("bulk_beside", "bulk meanwhile", sum(shares) / len(shares), "texts/s")
    report.details["interactive"] = rounds.details()


def _p99(recording: Recording) -> float:
    return percentile(recording.latencies(), _PERCENT)


def _interactive_load(bench: Bench, seed: int, lead: float) -> Load:
    seconds = bench.effort.mixed_seconds
    arrivals = lead + schedule.poisson(_RATE, seconds, seed)
    warm_up = lead + bench.effort.warm_up
    return Load(texts.calls(bench.pools.queries, 1), OpenLoop(arrivals), warm_up)


def _bulk_load(bench: Bench, seconds: float) -> Load:
    pattern = ClosedLoop(_BULK_CLIENTS, seconds)
    return Load(texts.calls(bench.pools.glosses, _BULK_TEXTS), pattern, _BULK_LEAD)
