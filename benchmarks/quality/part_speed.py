"""How fast a server that has learned recommends: one client, then sixteen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.load.contract import Protocol, TargetSpec
from benchmarks.load.effort import FULL, QUICK
from benchmarks.load.recorder import Recording
from benchmarks.load.runner import Generator, warnings
from benchmarks.load.schedule import ClosedLoop
from benchmarks.load.servers import Measured
from benchmarks.load.worker import Load
from benchmarks.quality.run import OFFICE, Run
from benchmarks.report import Bar, at_least, at_most

HISTORY = 10
"""Entries of the histories that are timed."""

_CALLS = 2_000
_BARS: dict[str, Bar] = {
    "items_p50_ms": at_most(3.0),
    "items_p99_ms": at_most(10.0),
    "texts_p50_ms": at_most(12.0),
    "items_16_rate": at_least(900.0),
}


def measure(run: Run, server: Measured, collection: str) -> None:
    """Histories of known items and of raw texts, the cache of vectors off.

    Args:
        run: whose case the histories are of.
        server: has the collection.
        collection: that is asked.
    """
    items = _histories(run)
    words = dict(zip(run.case.catalog.ids, run.case.catalog.texts, strict=True))
    texts = [[words[item_id].partition(". ")[0] for item_id in history] for history in items]
    alone = _loop(run, server, collection, "bertine-recommend", items, 1)
    _latency(run, "items", "10 known items", alone)
    raw = _loop(run, server, collection, "bertine-recommend-texts", texts, 1)
    _latency(run, "texts", "10 raw texts", raw)
    many = _loop(run, server, collection, "bertine-recommend", items, 16)
    rate = many.throughput() / HISTORY
    _note(run, "items_16_rate", "16 clients, 10 known items", rate, "calls/s")
    run.report.details["speed"] = {
        name: recording.summary()
        for name, recording in (("items", alone), ("texts", raw), ("items_16", many))
    }
    run.report.details["warnings"] = warnings({"16 clients": many})


def _histories(run: Run) -> list[list[str]]:
    """Of the rows, each brought to `HISTORY` entries by items that others had."""
    catalog = run.case.catalog
    filled = np.array([number for number, text in enumerate(catalog.texts) if text])
    random = np.random.default_rng(0)
    found = []
    for row in run.rows[:_CALLS]:
        own = [number for number in row.history if catalog.texts[number]][-HISTORY:]
        more = random.choice(filled, HISTORY - len(own))
        found.append([catalog.ids[number] for number in [*more, *own]])
    return found


def _loop(
    run: Run,
    server: Measured,
    collection: str,
    protocol: Protocol,
    calls: Sequence[Sequence[str]],
    clients: int,
) -> Recording:
    effort = QUICK if run.settings.quick else FULL
    spec = TargetSpec(protocol, server.target, collection=collection)
    pattern = ClosedLoop(clients, 3 * effort.window)
    with Generator(spec) as generator:
        return generator.run(Load(calls, pattern, warm_up=2 * effort.warm_up))


def _latency(run: Run, key: str, label: str, recording: Recording) -> None:
    for percent in (50, 99):
        value = recording.kept_percentile(percent) * 1e3
        _note(run, f"{key}_p{percent}_ms", f"one client, {label}: p{percent}", value, "ms")


def _note(run: Run, key: str, label: str, value: float, unit: str) -> None:
    bar = _BARS.get(key) if run.case.name == OFFICE else None
    run.report.add(f"speed_{key}", f"served, {label}", value, unit, bar)
