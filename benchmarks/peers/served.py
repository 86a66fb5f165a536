"""Our server and Infinity's, both up, under the same closed loops by turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import contest
from benchmarks.load.contract import Outcome
from benchmarks.load.recorder import Recording, percentile
from benchmarks.load.runner import Generator
from benchmarks.load.schedule import ClosedLoop
from benchmarks.load.texts import calls
from benchmarks.load.worker import Load
from benchmarks.metrics import cosines
from benchmarks.report import Report, at_least
from bertine.types import Matrix

OURS, THEIRS = "bertine", "infinity"


@dataclass(frozen=True, slots=True)
class Loop:
    """So many clients, each with a call under way.

    Attributes:
        clients: at once.
        per_call: texts of a call.
    """

    clients: int
    per_call: int

    @property
    def key(self) -> str:
        """Of its figures."""
        return f"{self.clients}x{self.per_call}"

    @property
    def title(self) -> str:
        """In the table."""
        clients = "1 client" if self.clients == 1 else f"{self.clients} clients"
        return f"{clients}, {self.per_call} texts a call"


SINGLE, MANY, LARGE = Loop(1, 1), Loop(16, 1), Loop(8, 32)


@dataclass(slots=True)
class Served:
    """What came of it, by server and loop.

    Attributes:
        rates: texts a second of each round.
        latencies: p50 in milliseconds of each round.
        cosine: mean to fp32, by server.
        failed: calls that were not answered, by server.
    """

    rates: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    latencies: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    cosine: dict[str, float] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)


def compete(
    servers: Mapping[str, Generator],
    queries: Sequence[str],
    seconds: float,
    rounds: int,
    on_done: Callable[[], None],
) -> Served:
    """Every loop on every server, by turns; no text is sent twice within a loop.

    Args:
        servers: generators that are connected.
        queries: texts, enough for the fastest server.
        seconds: of one loop, of which a fifth warms up.
        rounds: of each loop.
        on_done: called after each.
    """
    served = Served(failed=dict.fromkeys(servers, 0))
    for _ in range(rounds):
        for loop in (SINGLE, MANY, LARGE):
            for name, generator in servers.items():
                _note(served, name, loop, generator.run(_load(loop, queries, seconds)))
                on_done()
    return served


def quality(
    servers: Mapping[str, Generator], queries: Sequence[str], reference: Matrix
) -> dict[str, float]:
    """Mean cosine of each server's vectors to fp32, one text a call.

    Args:
        servers: generators that are connected.
        queries: as many as `reference` has rows.
        reference: their vectors in fp32.
    """
    single = calls(queries, 1)
    return {
        name: float(cosines(generator.vectors(single), reference).mean())
        for name, generator in servers.items()
    }


def report_served(report: Report, served: Served) -> None:
    """Rates, latencies, and ours in theirs where theirs is there."""
    for (name, key), rates in served.rates.items():
        label = f"{name}, served {key} (clients x texts)"
        contest.add_median(report, f"served_{key}_{name}", label, rates, "texts/s")
        if p50 := _finite(served.latencies[name, key]):
            contest.add_median(report, f"served_{key}_{name}_p50_ms", f"{label}: p50", p50, "ms")
    for name, cosine in served.cosine.items():
        report.add(f"served_cosine_{name}", f"{name}, served: cosine to fp32", cosine)
        report.add(
            f"served_failed_{name}", f"{name}, served: calls that failed", served.failed[name]
        )
    if (THEIRS, MANY.key) in served.rates:
        _report_ratios(report, served)


def _report_ratios(report: Report, served: Served) -> None:
    for loop, bar in ((MANY, at_least(2.8)), (LARGE, None)):
        ours, theirs = (served.rates[name, loop.key] for name in (OURS, THEIRS))
        label = f"served, {loop.title}: Bertine / Infinity"
        shares = contest.ratios(ours, theirs)
        contest.add_median(report, f"ratio_served_{loop.key}", label, shares, bar=bar)
    ours, theirs = (served.latencies[name, SINGLE.key] for name in (OURS, THEIRS))
    label = "p50 of one client, one text: Infinity / Bertine"
    shares = _finite(contest.ratios(theirs, ours))
    contest.add_median(report, "ratio_p50", label, shares, bar=at_least(3.0))


def _finite(values: Sequence[float]) -> list[float]:
    """Without the rounds in which not one call was answered in time to count."""
    return [value for value in values if math.isfinite(value)]


def _load(loop: Loop, queries: Sequence[str], seconds: float) -> Load:
    pattern = ClosedLoop(loop.clients, seconds)
    return Load(calls(queries, loop.per_call), pattern, warm_up=seconds / 5)


def _note(served: Served, name: str, loop: Loop, recording: Recording) -> None:
    key = name, loop.key
    served.rates.setdefault(key, []).append(recording.throughput())
    median = percentile(recording.latencies(), 50) * 1e3
    served.latencies.setdefault(key, []).append(median)
    answered = recording.count(Outcome.OK)
    served.failed[name] += int(recording.measured.sum()) - answered
