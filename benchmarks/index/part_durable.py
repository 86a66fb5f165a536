"""A real server that many threads upsert vectors to: items a second, on disk and then visible."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks import contest
from benchmarks.index import grown
from benchmarks.index.run import Run
from benchmarks.report import at_least, at_most
from bertine.client import Client
from bertine.testing import ServerProcess
from bertine.types import Item, Matrix

LEAST_RATE = 4_000
COLLECTION = "durable"

_PER_CALL = 64
_CALLS = 40
_CHECKED_CALLS = 5
_QUICK = 8
_START_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Work:
    """What one writer does in one round.

    Attributes:
        calls: the items of each call, ids that nobody else writes.
    """

    calls: list[list[Item]]


def measure(run: Run) -> None:
    """Rounds of writing, then a round in which every item is asked for once it is acknowledged."""
    options = ("--variant", run.settings.variant, "--log-level", "warning")
    data = run.folder / "durable"
    with (
        ServerProcess(run.settings.model, data, *options, ready_seconds=_START_SECONDS) as server,
        server.client() as client,
    ):
        client.create_collection(COLLECTION)
        _written(run, server)
        _checked(run, server)


def works(vectors: Matrix, writers: int, calls: int, number: int) -> list[Work]:
    """New items for each writer of a round.

    Args:
        vectors: float32 ``[n, d]``, unit rows; a round's are moved at random, so none is twice.
        writers: how many.
        calls: of each.
        number: of the round.
    """
    count = writers * calls * _PER_CALL
    chosen = np.arange(number * count, (number + 1) * count) % len(vectors)
    moved = grown.copies(vectors[chosen], number + 1)
    items = [Item(f"{number}-{row}", vector=vector) for row, vector in enumerate(moved)]
    parts = [items[start : start + _PER_CALL] for start in range(0, count, _PER_CALL)]
    return [Work(parts[start : start + calls]) for start in range(0, len(parts), calls)]


def _written(run: Run, server: ServerProcess) -> None:
    calls = _CALLS // _QUICK if run.settings.quick else _CALLS
    task = run.progress.add_task("durable upserts", total=run.settings.rounds)
    rates = []
    for number in range(run.settings.rounds):
        todo = works(run.corpus, run.settings.writers, calls, number)
        seconds = _together(server, todo, _write)[0]
        rates.append(len(todo) * calls * _PER_CALL / seconds)
        run.progress.advance(task)
    label = f"durable upserts, {run.settings.writers} writers, {_PER_CALL} vectors a call"
    contest.add_median(run.report, "durable_rate", label, rates, "items/s", at_least(LEAST_RATE))


def _checked(run: Run, server: ServerProcess) -> None:
    todo = works(run.corpus, run.settings.writers, _CHECKED_CALLS, run.settings.rounds)
    _, missing = _together(server, todo, _write_and_look)
    count = len(todo) * _CHECKED_CALLS * _PER_CALL
    label = f"{count:,} acknowledged items: not found by the next search"
    run.report.add("durable_missing", label, missing, bar=at_most(0))


def _together(
    server: ServerProcess, todo: list[Work], act: Callable[[Client, list[Item]], int]
) -> tuple[float, int]:
    """All writers at once, each with a connection of its own; seconds, and the sum of answers."""

    def writes(work: Work) -> int:
        with server.client() as client:
            return sum(act(client, items) for items in work.calls)

    with ThreadPoolExecutor(len(todo)) as pool:
        started = time.perf_counter()
        total = sum(pool.map(writes, todo))
        return time.perf_counter() - started, total


def _write(client: Client, items: list[Item]) -> int:
    client.upsert(COLLECTION, items)
    return 0


def _write_and_look(client: Client, items: list[Item]) -> int:
    """How many items their own vectors do not find, asked exactly: this is not about recall."""
    client.upsert(COLLECTION, items)
    vectors = [item.vector for item in items if item.vector is not None]
    found = client.search_many(COLLECTION, vectors, top_k=1, exact=True)
    return sum(not hits or hits[0].id != item.id for hits, item in zip(found, items, strict=True))
