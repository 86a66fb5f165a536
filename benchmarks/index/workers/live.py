"""The engine's live index: everything that a search passes through, from vectors to hits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.index import rows as own_rows
from benchmarks.index.worker import WARM_UP, Action, Array, actions, memory, serve, timed
from bertine.index.crew import Crew
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.index.snapshot import Home
from bertine.types import Hits

_TURNS = 3


class Live:
    """See `benchmarks.index.worker.Index`. A setting is nprobe, 0 as the index tuned itself.

    A batch goes through one call, which has the other threads as a crew, or in equal shares through
    as many callers as there are threads, whichever is faster: a server's searches run side by side.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._threads = options["threads"]
        self._request = Request(top_k=options["top_k"])
        self._pool = ThreadPoolExecutor(self._threads)
        self._callers = 1
        self.callers: dict[int, int] = {}
        self._crew = Crew(self._threads - 1)
        self.index = self._empty()

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """See `Index`: every item is upserted, then the trained part is built."""
        del request
        self.index = self._empty()
        own_rows.upsert(self.index, vectors)
        self.index.rebuild(threads=self._threads)

    def tune(self, setting: Any) -> None:
        """See `Index`."""
        self._request = replace(self._request, nprobe=setting)

    def warm_up(self, queries: Array) -> None:
        """See `Index`: chooses the number of callers for batches of this size, once."""
        if len(queries) not in self.callers:
            choices = {1, min(self._threads, len(queries))}
            taken = {callers: self._seconds(queries, callers) for callers in choices}
            self.callers[len(queries)] = min(taken, key=taken.__getitem__)
        self._callers = self.callers[len(queries)]
        self.search(queries[:WARM_UP])

    def search(self, queries: Array) -> list[Hits]:
        """See `Index`."""
        if self._callers == 1:
            return self._answered(queries)
        found = self._pool.map(self._answered, np.array_split(queries, self._callers))
        return [hits for part in found for hits in part]

    def rows(self, answer: list[Hits]) -> Array:
        """See `Index`."""
        return own_rows.of_hits(answer, self._request.top_k)

    def status(self, _: dict[str, Any]) -> dict[str, Any]:
        """What the index is, its setting, and how many callers each size of batch had."""
        status = self.index.status()
        return {
            "kind": status.kind,
            "main": status.main,
            "delta": status.delta,
            "nprobe": status.nprobe,
            "refine": status.refine,
            "callers": self.callers,
            **memory(),
        }

    def save(self, _: dict[str, Any]) -> dict[str, Any]:
        """Write the trained part to its home."""
        return timed(self.index.save)

    def restore(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take the trained part from its home, up to the first answer."""
        query = np.load(request["queries"])[:1]
        versions = list(own_rows.versions(request["count"]))
        sequence = len(versions)
        missing: list[str] = []

        def start() -> None:
            missing.extend(self.index.restore(lambda: versions, sequence, threads=self._threads))
            self.index.search(query, self._request)

        taken = timed(start)
        return {**taken, "missing": len(missing), **memory()}

    def _answered(self, queries: Array) -> list[Hits]:
        """With every id at hand, whether the index looks ids up early or late."""
        found = self.index.search(queries, self._request)
        for hits in found:
            tuple(hits.ids)
        return found

    def _empty(self) -> LiveIndex:
        options = self._options
        policy = Policy(ivf_min_items=options["ivf_min_items"])
        folder = options.get("home")
        home = None if folder is None else Home(Path(folder), options["fingerprint"])
        return LiveIndex(options["dimensions"], policy, home, crew=self._crew)

    def _seconds(self, queries: Array, callers: int) -> float:
        self._callers = callers
        self.search(queries)
        spent = []
        for _ in range(_TURNS):
            started = time.perf_counter()
            self.search(queries)
            spent.append(time.perf_counter() - started)
        return median(spent)


def _make(options: dict[str, Any]) -> Mapping[str, Action]:
    live = Live(options)
    more = {"status": live.status, "save": live.save, "restore": live.restore}
    return {**actions(live), **more}


if __name__ == "__main__":
    serve(_make, ["bertine", "faiss-cpu", "numpy"])
