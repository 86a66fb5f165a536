"""A real server with a large collection, stopped and started: seconds until it serves."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil

from benchmarks import contest
from benchmarks.index import grown
from benchmarks.index.run import Run
from benchmarks.latency import is_built, wait_until_settled
from benchmarks.report import at_least, at_most
from bertine.index.lifecycle import Policy, Shape, rebuild_reason
from bertine.testing import ServerProcess
from bertine.types import Item, Matrix
from bertine.v1.catalog_pb2 import IndexStatus

MOST_SECONDS = 6.0
COLLECTION = "large"

_PER_CALL = 1_024
_READY_SECONDS = 600.0


def measure(run: Run) -> None:
    """Fill a server, then start it again and again."""
    size, data = run.settings.large, run.folder / "started"
    options = ("--variant", run.settings.variant, "--log-level", "warning")

    def server() -> ServerProcess:
        return ServerProcess(run.settings.model, data, *options, ready_seconds=_READY_SECONDS)

    with server() as first:
        _fill(run, first)
    starts, resident = [], []
    task = run.progress.add_task("starts of a server", total=run.settings.rounds)
    for _ in range(run.settings.rounds):
        started = time.perf_counter()
        with server() as again, again.client() as client:
            starts.append(time.perf_counter() - started)
            resident.append(psutil.Process(again.process.pid).memory_info().rss / 2**20)
            found = client.search(COLLECTION, run.glosses.vectors[0], top_k=10)
            stored = client.get_collection(COLLECTION).item_count if len(found) else 0
        run.progress.advance(task)
    shutil.rmtree(data)
    bar = at_most(MOST_SECONDS) if run.settings.million else None
    label = f"a server with {size:,} items, its model and catalog: start to SERVING"
    contest.add_median(run.report, "start_seconds", label, starts, "s", bar)
    contest.add_median(run.report, "start_resident", "its resident memory then", resident, "MiB")
    run.report.add("start_items", "items that it has then", stored, bar=at_least(size))


def _fill(run: Run, server: ServerProcess) -> None:
    size = run.settings.large
    task = run.progress.add_task(f"{size:,} items into a server", total=size)
    with server.client(_READY_SECONDS) as client:
        client.create_collection(COLLECTION)

        def write(items: list[Item]) -> None:
            client.upsert(COLLECTION, items)
            run.progress.advance(task, len(items))

        with ThreadPoolExecutor(run.settings.writers) as pool:
            for rows in _rows(run.corpus, size):
                # One copy at a time, or all items would be made before the first is sent.
                list(pool.map(write, rows))
        wait_until_settled(client, COLLECTION, _settled, _READY_SECONDS)


def _settled(index: IndexStatus) -> bool:
    """Whether it would not be rebuilt however long nothing changed.

    Between two rebuilds a server is quiet for a second: stopped then, it would start with most
    items beside its trained part.
    """
    shape = Shape(index.main_count, index.delta_count, index.dead_count, math.inf)
    return is_built(index) and not rebuild_reason(shape, Policy())


def _rows(vectors: Matrix, size: int) -> Iterator[list[list[Item]]]:
    """The items of each copy of the corpus, call by call."""
    for copy, start in enumerate(range(0, size, len(vectors))):
        moved = grown.copies(vectors[: size - start], copy)
        items = [Item(str(start + row), vector=vector) for row, vector in enumerate(moved)]
        yield [items[first : first + _PER_CALL] for first in range(0, len(items), _PER_CALL)]
