"""What a server can do before it is asked for more: the figures that overload is held against."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.load import schedule, texts
from benchmarks.load.bench import Bench
from benchmarks.load.recorder import Recording
from benchmarks.load.schedule import OpenLoop
from benchmarks.load.servers import Measured
from benchmarks.load.worker import Load

PER_CALL = 8
"""Texts in a call: with one, a small machine would be kept busy by carrying calls, not by texts."""

_CLIENTS = 16
_SHARES = (0.7, 0.85, 1.0)


@dataclass(frozen=True, slots=True)
class Sustained:
    """What a server sustains.

    Attributes:
        closed: texts a second of a saturating closed loop, answered within the deadline.
        tokens_per_second: meanwhile.
        best: highest goodput of all loads: texts a second answered within the deadline.
        offered: the rate at which that was, texts a second; for the closed loop its own.
        details: of all loads.
    """

    closed: float
    tokens_per_second: float
    best: float
    offered: float
    details: dict[str, Any]


def measure(bench: Bench, server: Measured, deadline: float) -> Sustained:
    """Saturate in a closed loop, then look whether an open loop around that rate does better.

    Overload is held against the best of all: a noisy moment must not lower the bar.

    Args:
        bench: its generator speaks to the server.
        server: of which metrics are read.
        deadline: of every call, seconds.
    """
    details: dict[str, Any] = {}
    with bench.part("what is sustained", 1 + len(_SHARES)) as advance:
        closed, tokens = _closed(bench, server, deadline)
        advance()
        goodputs = [(closed, closed)]
        for share in _SHARES:
            recording = bench.generator.run(open_load(bench, closed * share, deadline))
            goodputs.append((recording.throughput(deadline), closed * share))
            details[f"offered {share:g}"] = recording.summary()
            advance()
    best, offered = max(goodputs)
    return Sustained(closed, tokens, best, offered, details)


def open_load(bench: Bench, rate: float, deadline: float, seconds: float | None = None) -> Load:
    """A Poisson load of so many texts a second."""
    seconds = seconds or bench.effort.mixed_seconds
    arrivals = schedule.poisson(rate / PER_CALL, seconds, seed=0)
    calls = texts.calls(bench.pools.glosses, PER_CALL)
    return Load(calls, OpenLoop(arrivals), bench.effort.warm_up, timeout=deadline)


def _closed(bench: Bench, server: Measured, deadline: float) -> tuple[float, float]:
    """Texts and tokens a second."""
    load = bench.closed(_CLIENTS, bench.pools.glosses, PER_CALL)
    bench.generator.run(load)
    before = server.metrics()
    recordings: list[Recording] = [bench.generator.run(load) for _ in range(bench.effort.rounds)]
    grown = server.metrics().since(before)
    tokens_per_text = grown.total("bertine_tokens_total") / grown.total("bertine_batch_rows_sum")
    closed = median(recording.throughput(deadline) for recording in recordings)
    return closed, closed * tokens_per_text
