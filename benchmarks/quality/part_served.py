"""The same rows through a real server: items imported, events recorded, fitted, then asked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ranking
from benchmarks.latency import wait_until_settled
from benchmarks.load.servers import ServerOptions, running
from benchmarks.quality import part_speed
from benchmarks.quality.cases import Case, Items, Row, sample
from benchmarks.quality.evaluation import TOP_K, evaluate
from benchmarks.quality.part_diversity import listed_ranks
from benchmarks.quality.run import Run
from bertine.client import Client
from bertine.types import HistoryEntry

COLLECTION = "quality"

_WEEK = 7 * 86_400.0
_EVENTS_IN_CALL = 4_096
_CALL_SECONDS = 600.0
_MOST_ROWS, _MOST_ROWS_QUICK = 2_000, 200


def measure(run: Run) -> None:
    """Quality served against in process, then how fast."""
    if not run.has_texts:
        run.absent["served"] = "the items have no texts, and a server asks for texts or vectors"
        return
    settings = run.settings
    options = ServerOptions(settings.model, settings.variant, transport=settings.transport)
    run.report.details["transport"] = settings.transport
    with (
        tempfile.TemporaryDirectory(prefix="bertine-") as folder,
        running(options, Path(folder)) as server,
        server.process.client(_CALL_SECONDS) as client,
    ):
        shift = _shift(run.case)
        _fill(run, client, shift)
        _fit(run, client)
        _quality(run, client, shift)
        part_speed.measure(run, server, COLLECTION)


def _fill(run: Run, client: Client, shift: float) -> None:
    catalog = run.case.catalog
    client.create_collection(COLLECTION)
    rows = zip(catalog.ids, catalog.texts, strict=True)
    filled = [{"id": item_id, "text": text} for item_id, text in rows if text]
    task = run.progress.add_task("import", total=len(filled))
    for chunk in _chunks(filled, 512):
        client.upsert(COLLECTION, chunk)
        run.progress.advance(task, len(chunk))
    wait_until_settled(client, COLLECTION)
    for chunk in _chunks(_events(run.case, shift), _EVENTS_IN_CALL):
        client.record_events(COLLECTION, chunk)


def _events(case: Case, shift: float) -> Iterator[dict[str, Any]]:
    """What is known, as a client would have recorded it."""
    known = case.known
    for number in range(len(known)):
        place, device = known.places[number], known.devices[number]
        context = {
            **({"place": known.place_names[place]} if place >= 0 else {}),
            **({"device": known.device_names[device]} if device >= 0 else {}),
        }
        yield {
            "event_id": str(number),
            "user": str(known.users[number]),
            "item_id": known.item_ids[known.items[number]],
            "time": float(known.times[number]) + shift,
            "weight": float(known.weights[number]),
            **({"context": context} if context else {}),
        }


def _fit(run: Run, client: Client) -> None:
    started = time.perf_counter()
    status = client.fit(COLLECTION)
    run.report.add("fit_seconds", "Fit, served", time.perf_counter() - started, "s")
    run.report.details["served_channels"] = {
        c.name: round(c.new_weight if run.case.new_only else c.weight, 6) for c in status.channels
    }


def _quality(run: Run, client: Client, shift: float) -> None:
    rows = sample(run.rows, _MOST_ROWS_QUICK if run.settings.quick else _MOST_ROWS)
    task = run.progress.add_task("rows, served", total=len(rows))
    numbers = {item_id: number for number, item_id in enumerate(run.case.catalog.ids)}
    lists: list[Items] = []
    for row in rows:
        lists.append(_asked(run.case, client, numbers, row, shift))
        run.progress.advance(task)
    inside = evaluate(run.hybrid, run.case, rows)
    ours, theirs = _ndcg(lists, rows), _ndcg(inside.lists, rows)
    alike = [len(np.intersect1d(a, b)) for a, b in zip(lists, inside.lists, strict=True)]
    run.report.add("served_hr10", "served: HR@10", _hits(lists, rows))
    run.report.add("served_ndcg10", "served: NDCG@10", ours)
    run.report.add("in_process_ndcg10", "in process, the same rows: NDCG@10", theirs)
    run.report.add("served_less", "served less than in process, NDCG@10", theirs - ours)
    run.report.add("served_overlap", "items of ten that both list", float(np.mean(alike)))
    run.report.details["served_rows"] = len(rows)


def _asked(case: Case, client: Client, numbers: dict[str, int], row: Row, shift: float) -> Items:
    history = [
        HistoryEntry(item_id=case.catalog.ids[item], time=time + shift, weight=weight)
        for item, time, weight in zip(
            row.history, row.times.tolist(), row.weights.tolist(), strict=True
        )
    ]
    if not history:
        return np.empty(0, np.int64)
    context = {"time": row.situation.time + shift}
    context |= {
        name: getattr(row.situation, name)
        for name in ("place", "device")
        if getattr(row.situation, name)
    }
    found = client.recommend(
        COLLECTION,
        history=history,
        top_k=TOP_K,
        exclude_seen=case.new_only,
        context=context,
        interests=1,
    )
    return np.array([numbers[hit.id] for hit in found], np.int64)


def _ndcg(lists: Sequence[Items], rows: Sequence[Row]) -> float:
    ranks = [listed_ranks(a, row.targets) for a, row in zip(lists, rows, strict=True)]
    return float(np.mean([ranking.ndcg(each, TOP_K) for each in ranks]))


def _hits(lists: Sequence[Items], rows: Sequence[Row]) -> float:
    ranks = [listed_ranks(a, row.targets) for a, row in zip(lists, rows, strict=True)]
    return float(np.mean([ranking.hit_rate(each, TOP_K) for each in ranks]))


def _shift(case: Case) -> float:
    """Whole weeks that bring the latest event to now: a server forgets what is old."""
    latest = max(float(case.known.times.max()), *(row.situation.time for row in case.rows))
    return float((time.time() - latest) // _WEEK * _WEEK)


def _chunks(values: Any, size: int) -> Iterator[list[Any]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
