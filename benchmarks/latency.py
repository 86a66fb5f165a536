"""What one client waits for one answer, the quality of the answers, and where the time goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import grpc
import numpy as np

from benchmarks.metrics import recall
from bertine.client import Client
from bertine.types import Matrix, Vector
from bertine.v1 import embedding_pb2, embedding_pb2_grpc
from bertine.v1 import recommendation_pb2 as pb
from bertine.v1 import recommendation_pb2_grpc as pb_grpc
from bertine.v1.catalog_pb2 import IndexStatus

WARM_UP = 300
_STAGES = ("tokenize_us", "queue_us", "encode_us", "search_us", "storage_us", "total_us")


@dataclass(frozen=True, slots=True)
class Timed:
    """Answers, and the seconds that each took."""

    seconds: list[float]
    answers: list[Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A collection's vectors, row by row with their ids."""

    rows: dict[str, int]
    vectors: Matrix


def timed(call: Callable[[str], Any], queries: Sequence[str], on_done: Callable[[], None]) -> Timed:
    """Call once for each query, one after the other; the first `WARM_UP` calls do not count."""
    for query in queries[:WARM_UP]:
        call(query)
    seconds, answers = [], []
    for query in queries[WARM_UP:]:
        started = time.perf_counter()
        answers.append(call(query))
        seconds.append(time.perf_counter() - started)
        on_done()
    return Timed(seconds, answers)


def stored_vectors(client: Client, collection: str, on_item: Callable[[], None]) -> Stored:
    """All vectors of a collection, as the server lists them."""
    rows: dict[str, int] = {}
    vectors: list[Vector | None] = []
    for item in client.list_items(collection, page_size=1_000, with_vectors=True):
        rows[item.id] = len(vectors)
        vectors.append(item.vector)
        on_item()
    return Stored(rows, np.stack([vector for vector in vectors if vector is not None]))


def served_recall(stored: Stored, embedded: Timed, searched: Timed) -> float:
    """Recall@10 of the answers of `Search` against exact search with the answers of `Embed`."""
    queries = np.concatenate(embedded.answers)
    found = [[stored.rows[hit.id] for hit in hits] for hits in searched.answers]
    return recall(stored.vectors, queries, found)


def is_built(index: IndexStatus) -> bool:
    """Whether an index is not being built now."""
    return not index.rebuilding


def wait_until_settled(
    client: Client,
    collection: str,
    settled: Callable[[IndexStatus], bool] = is_built,
    seconds: float = 300.0,
) -> str:
    """Wait while an index is being built; returns what kind it is then.

    Args:
        client: of the server.
        collection: whose index.
        settled: whether it is as it will be.
        seconds: to wait at most.

    Raises:
        TimeoutError: it is still being built then.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not settled(index := client.get_collection(collection).index):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the index is still being built: {index}")
        pause.wait(0.25)
    return str(index.kind)


def stages(target: str, collection: str, queries: Sequence[str]) -> dict[str, dict[str, float]]:
    """Median of each of the server's own times, in microseconds, for `Embed` and `Search`.

    ``call_us`` is what the caller waits with the bare gRPC stub; less ``total_us`` is transport.
    """
    with grpc.insecure_channel(target) as channel:
        embed = embedding_pb2_grpc.EmbeddingServiceStub(channel).Embed
        search = pb_grpc.RecommendationServiceStub(channel).Search
        embeds = [embedding_pb2.EmbedRequest(texts=[query]) for query in queries]
        searches = [
            pb.SearchRequest(collection=collection, queries=[pb.Query(text=query)])
            for query in queries
        ]
        return {"embed": _stages(embed, embeds), "search": _stages(search, searches)}


def _stages(call: Any, requests: Iterable[Any]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in (*_STAGES, "call_us")}
    for request in requests:
        started = time.perf_counter()
        answer = call(request)
        taken["call_us"].append((time.perf_counter() - started) * 1e6)
        for name in _STAGES:
            taken[name].append(getattr(answer.timings, name))
    return {name: round(median(values), 1) for name, values in taken.items()}
