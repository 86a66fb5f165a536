"""The index is replaced while it is searched: nobody gets an error or a wrong answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.indexes import TOP_K, build, only, queries
from benchmarks.gpu_check.place import index_device
from benchmarks.gpu_check.settings import Effort, Settings
from benchmarks.report import at_least, at_most
from bertine.encode.cores import usable_cores
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.types import Matrix

_THREADS = 4
_PER_SEARCH = 4
_LEFT_BYTES = 64 << 20


@dataclass(slots=True)
class Searchers:
    """Threads that search until they are told to end.

    Attributes:
        index: that is searched.
        wanted: queries, float32 ``[n, d]``.
        truth: ids of the exact answers.
        end: set when it is enough.
        shares: recall of each query that was answered.
        errors: what searches raised.
    """

    index: LiveIndex
    wanted: Matrix
    truth: list[frozenset[str]]
    end: threading.Event = field(default_factory=threading.Event)
    shares: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, seed: int) -> None:
        """One thread's work."""
        chance = np.random.default_rng(seed)
        while not self.end.is_set():
            rows = chance.integers(len(self.wanted), size=_PER_SEARCH)
            try:
                answers = self.index.search(self.wanted[rows], Request(TOP_K))
            except Exception as error:  # noqa: BLE001 - counted, whatever it is
                self.errors.append(f"{type(error).__name__}: {error}")
                return
            pairs = zip(answers, rows, strict=True)
            self.shares += [len(self.truth[row] & {*hits.ids}) / TOP_K for hits, row in pairs]


def measure(settings: Settings, found: Findings) -> None:
    """Search from several threads while the index is rebuilt.

    Raises:
        AbsentError: no index can be on the device.
    """
    effort = settings.effort
    with index_device(settings) as gpu, only(gpu, "ivf", effort) as device:
        index = build(device, effort)
        before = gpu.device.free()
        searchers = _during(index, effort)
        device.thread.do(lambda: None)
        lost = before - gpu.device.free()
        kind = index.status().kind
    found.details["swap"] = {"kind": kind, "errors": searchers.errors[:3]}
    found.add("swap_errors", "searches that failed", len(searchers.errors), bar=at_most(0))
    found.add("swap_queries", "queries answered meanwhile", len(searchers.shares), bar=at_least(1))
    share = float(np.mean(searchers.shares or [0]))
    found.add("swap_recall", "their recall", share, bar=at_least(0.9))
    placed = float(" on " in kind)
    found.add("swap_placed", f"on the device afterwards: {kind}", placed, bar=at_least(1))
    limit = at_most(_LEFT_BYTES / 2**20)
    found.add("swap_lost_mib", "device memory not given back", lost / 2**20, "MiB", limit)


def _during(index: LiveIndex, effort: Effort) -> Searchers:
    wanted = queries(effort, effort.queries)
    exact = index.search(wanted, Request(TOP_K, exact=True))
    searchers = Searchers(index, wanted, [frozenset(hits.ids) for hits in exact])
    threads = [threading.Thread(target=searchers.run, args=(seed,)) for seed in range(_THREADS)]
    for thread in threads:
        thread.start()
    for _ in range(effort.rebuilds):
        index.rebuild(threads=max(1, usable_cores() - _THREADS))
    searchers.end.set()
    for thread in threads:
        thread.join()
    return searchers
