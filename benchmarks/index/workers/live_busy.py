"""The live index while it is rebuilt and while it is changed: what one searcher waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np

from benchmarks.index import rows
from benchmarks.index.worker import Action, Array, actions, percentiles, serve
from benchmarks.index.workers.live import Live
from bertine.types import Item

_MAINTENANCE_SECONDS = 0.5


class Busy(Live):
    """A live index that changes while it is searched, one query a call."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._vectors: Array = None
        self._sequence = 0
        self._rows = np.empty(0, np.int64)

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """As `Live.build`."""
        del request
        self._vectors = vectors
        self._sequence = rows.upsert(self.index, vectors)
        self._rows = np.random.default_rng(0).permutation(len(vectors))
        self.index.rebuild(threads=self._threads)

    def quiet(self, request: dict[str, Any]) -> dict[str, Any]:
        """Search for some seconds while nothing else happens."""
        ends = time.perf_counter() + request["seconds"]
        return self._searched(request, lambda: time.perf_counter() < ends)

    def rebuild(self, request: dict[str, Any]) -> dict[str, Any]:
        """Search for as long as a rebuild by one thread takes."""
        rebuilding = threading.Thread(target=self.index.rebuild)
        started = time.perf_counter()
        rebuilding.start()
        found = self._searched(request, rebuilding.is_alive)
        rebuilding.join()
        return {**found, "seconds": time.perf_counter() - started}

    def changing(self, request: dict[str, Any]) -> dict[str, Any]:
        """Search for some seconds while another thread upserts so many items a second."""
        done: list[int] = []
        with self._background(lambda stop: done.append(self._write(request["rate"], stop))):
            started = time.perf_counter()
            found = self.quiet(request)
            seconds = time.perf_counter() - started
        status = self.index.status()
        return {**found, "upserts": done[0] / seconds, "delta": status.delta, "dead": status.dead}

    def maintained(self, request: dict[str, Any]) -> dict[str, Any]:
        """As `changing`, while a third thread rebuilds the index whenever it asks for it."""
        built: list[int] = []
        with self._background(lambda stop: built.append(self._maintain(stop))):
            found = self.changing(request)
        return {**found, "rebuilds": built[0]}

    def _searched(self, request: dict[str, Any], goes_on: Callable[[], bool]) -> dict[str, Any]:
        queries = np.load(request["queries"])
        spent: list[float] = []
        for number in count():
            query = queries[number % len(queries)][None]
            started = time.perf_counter()
            self.index.search(query, self._request)
            spent.append(time.perf_counter() - started)
            if not goes_on():
                break
        return {"searches": len(spent), **percentiles(spent)}

    @contextmanager
    def _background(self, act: Callable[[threading.Event], None]) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=act, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _write(self, rate: float, stop: threading.Event) -> int:
        """Replace items one by one, each at its time; what is late is made up for."""
        started = time.perf_counter()
        for number in count():
            if stop.wait(max(0.0, started + number / rate - time.perf_counter())):
                return number
            self._sequence += 1
            row = int(self._rows[self._sequence % len(self._rows)])
            # Another item's vector: what is found changes.
            vector = self._vectors[(row + 1) % len(self._rows)][None]
            self.index.upsert([Item(str(row), version=self._sequence)], vector, self._sequence)
        return 0

    def _maintain(self, stop: threading.Event) -> int:
        built = 0
        while not stop.wait(_MAINTENANCE_SECONDS):
            if self.index.rebuild_reason():
                self.index.rebuild()
                built += 1
        return built


def _make(options: dict[str, Any]) -> Mapping[str, Action]:
    live = Busy(options)
    more = {
        "status": live.status,
        "quiet": live.quiet,
        "rebuild": live.rebuild,
        "maintained": live.maintained,
    }
    return {**actions(live), **more}


if __name__ == "__main__":
    serve(_make, ["bertine", "faiss-cpu", "numpy"])
