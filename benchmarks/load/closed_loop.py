"""Closed loops against the engine without a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.load.bench import Bench
from benchmarks.load.prometheus import Snapshot
from benchmarks.load.recorder import Recording
from benchmarks.load.rounds import Rounds, by_turns
from benchmarks.report import Bar, at_least


@dataclass(frozen=True, slots=True)
class Shape:
    """One closed loop.

    Attributes:
        clients: at once.
        per_call: texts in a call.
        pool: which texts, see `Pools`.
        bar: for its rate divided by the engine's.
    """

    clients: int
    per_call: int
    pool: Literal["queries", "glosses"]
    bar: Bar | None = None

    @property
    def name(self) -> str:
        """``clients x texts``."""
        return f"{self.clients}x{self.per_call}"


SHAPES = (
    Shape(1, 1, "queries"),
    Shape(8, 32, "glosses", at_least(0.93)),
    Shape(16, 1, "queries"),
    Shape(64, 1, "queries", at_least(0.80)),
)


def measure(bench: Bench) -> None:
    """All `SHAPES`, each by turns with the engine offline on the same texts."""
    for shape in SHAPES:
        before = bench.server.metrics() if bench.server else None
        with bench.part(f"closed loop {shape.name}, by turns with offline") as advance:
            pool = getattr(bench.pools, shape.pool)
            load = bench.closed(shape.clients, pool, shape.per_call)
            rounds = by_turns(
                bench.effort,
                lambda pool=pool: bench.offline(pool),  # type: ignore[misc]
                lambda load=load: bench.generator.run(load),  # type: ignore[misc]
                Recording.throughput,
                advance,
            )
        bench.recordings[shape.name] = rounds.recordings[-1]
        _report(bench, shape, rounds)
        if bench.server and before:
            batches = bench.server.metrics().since(before)
            bench.report.details[f"closed_{shape.name}"]["batches"] = batch_sizes(batches)


def batch_sizes(grown: Snapshot) -> dict[str, Any]:
    """Batches by number of texts, and how much of their tokens was padding."""
    padded = grown.total("bertine_padded_tokens_total")
    share = 1 - grown.total("bertine_tokens_total") / padded if padded else 0.0
    rows = grown.histogram("bertine_batch_rows")
    return {"up_to_texts": rows, "padding_share": round(share, 4)}


def _report(bench: Bench, shape: Shape, rounds: Rounds) -> None:
    name, report = shape.name, bench.report
    report.add(f"offline_{name}", f"{name}: engine offline", rounds.base, "texts/s")
    report.add(f"served_{name}", f"{name}: served", rounds.value, "texts/s")
    report.add(f"share_{name}", f"{name}: served / offline", rounds.ratio, bar=shape.bar)
    for percent in (50, 99):
        value = rounds.milliseconds(percent)
        report.add(f"p{percent}_{name}_ms", f"{name}: p{percent}", value, "ms")
    report.details[f"closed_{name}"] = rounds.details()
