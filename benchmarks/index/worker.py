"""What an index's process speaks on standard input and output: one JSON object a line.

    <- {"ready": true, "versions": {"hnswlib": "0.8.0"}}
    -> {"do": "build", "vectors": "v.npy"}        <- {"seconds": 40.1, "resident": 260.3, ...}
    -> {"do": "time", "queries": "q.npy", "settings": [16], "batch": 64, "seconds": 0.25}
                                                  <- {"points": [{"rate": 9000.0, "p50": ...}]}
    -> {"do": "find", "queries": "q.npy", "settings": [16], "out": "found.npy"}     <- {}

Only numpy and the standard library: this runs in every library's environment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from benchmarks.peers.worker import Answer, converse

Array: TypeAlias = Any
Action: TypeAlias = Answer

WARM_UP = 64
"""Queries that are searched before a point is timed."""

_VECTORS_FILE = "vectors"


class Index(Protocol):
    """An index of some library; ids are the rows of the vectors it was built from."""

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """Take float32 ``[n, d]`` in place of what it had; searchable when it returns."""
        ...

    def tune(self, setting: Any) -> None:
        """Search with this setting from now on."""
        ...

    def warm_up(self, queries: Array) -> None:
        """Get ready for calls with so many queries; not timed."""
        ...

    def search(self, queries: Array) -> Any:
        """The ten best for each query, as the library answers; this is what is timed."""
        ...

    def rows(self, answer: Any) -> Array:
        """The rows of an answer: int64 ``[n, 10]``, -1 for none."""
        ...


def serve(make: Callable[[dict[str, Any]], Mapping[str, Action]], packages: Sequence[str]) -> None:
    """Answer requests until standard input ends.

    Args:
        make: gives what can be done, by name; its argument is the JSON object of the command line.
        packages: whose versions are told.
    """

    def answers(options: dict[str, Any]) -> Answer:
        actions = make(options)
        return lambda request: actions[request["do"]](request)

    converse(answers, packages)


def actions(index: Index) -> dict[str, Action]:
    """What can be asked of every index."""
    return {
        "build": lambda request: _build(index, request),
        "time": lambda request: _time(index, request),
        "find": lambda request: _find(index, request),
    }


def memory() -> dict[str, float]:
    """This process's memory in MiB.

    Returns:
        ``resident``, and ``beyond``: without the pages of mapped files that hold exact vectors.
    """
    resident, vectors, in_vectors = 0, 0, False
    for line in Path("/proc/self/smaps").read_text("utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name == "Rss":
            size = int(rest.split()[0])
            resident, vectors = resident + size, vectors + size * in_vectors
        elif " " in name:  # the address range of a mapping, with its file
            in_vectors = Path(line.split()[-1]).name.startswith(_VECTORS_FILE)
    return {"resident": resident / 1024, "beyond": (resident - vectors) / 1024}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    p50, p99 = np.percentile(np.asarray(seconds) * 1e3, (50, 99))
    return {"p50": float(p50), "p99": float(p99)}


def timed(act: Callable[[], object]) -> dict[str, float]:
    """Seconds and processor seconds that something took."""
    started, cpu = time.perf_counter(), time.process_time()
    act()
    return {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}


def _build(index: Index, request: dict[str, Any]) -> dict[str, Any]:
    return {**_timed_build(index, request), **memory()}


def _timed_build(index: Index, request: dict[str, Any]) -> dict[str, float]:
    """The vectors are let go when it returns: what remains is the index's."""
    vectors = np.load(request["vectors"], mmap_mode="r" if request.get("mapped") else None)
    return timed(lambda: index.build(vectors, request))


def _time(index: Index, request: dict[str, Any]) -> dict[str, Any]:
    queries, batch = np.load(request["queries"]), request["batch"]
    points = []
    for setting in request["settings"]:
        index.tune(setting)
        index.warm_up(queries[:batch])
        points.append(_point(index, queries, batch, request["seconds"]))
    return {"points": points}


def _point(index: Index, queries: Array, batch: int, seconds: float) -> dict[str, float]:
    """Call until so many seconds have passed, each time with the next queries."""
    spent: list[float] = []
    answered = 0
    for part in _parts(queries, batch):
        started = time.perf_counter()
        index.search(part)
        spent.append(time.perf_counter() - started)
        answered += len(part)
        if sum(spent) >= seconds:
            break
    return {"rate": answered / sum(spent), "calls": len(spent), **percentiles(spent)}


def _parts(queries: Array, batch: int) -> Iterator[Array]:
    """Whole batches, over and over; all queries where there are fewer."""
    while True:
        for start in range(0, max(1, len(queries) - batch + 1), batch):
            yield queries[start : start + batch]


def _find(index: Index, request: dict[str, Any]) -> dict[str, Any]:
    queries = np.load(request["queries"])
    found = []
    for setting in request["settings"]:
        index.tune(setting)
        found.append(index.rows(index.search(queries)))
    np.save(request["out"], np.asarray(found, np.int64))
    return {}
