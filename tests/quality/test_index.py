"""A trained index over real glosses: recall, thresholds, filters that never leak."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import pytest

from benchmarks.data import Gloss
from benchmarks.metrics import recall
from bertine.client import Client
from bertine.testing import ServerProcess
from bertine.types import Vector
from bertine.v1 import recommendation_pb2, recommendation_pb2_grpc

pytestmark = pytest.mark.data

COLLECTION = "glosses"
INDEXED = 6_000
SETTLE_SECONDS = 60.0


class Indexed:
    """The glosses of the collection, their stored vectors, and queries that are not among them."""

    def __init__(self, client: Client, glosses: list[Gloss]) -> None:
        stored = list(client.list_items(COLLECTION, with_vectors=True))
        self.ids = [item.id for item in stored]
        self.rows = {item_id: row for row, item_id in enumerate(self.ids)}
        self.attributes = [dict(item.attributes) for item in stored]
        self.vectors = np.stack([item.vector for item in stored if item.vector is not None])
        self.queries = client.embed([gloss.text for gloss in glosses[INDEXED:]])


@pytest.fixture(scope="module")
def indexed(int8: Client, glosses: list[Gloss]) -> Indexed:
    int8.create_collection(COLLECTION)
    int8.upsert(COLLECTION, [as_item(gloss) for gloss in glosses[:INDEXED]])
    wait_until_trained(int8)
    return Indexed(int8, glosses)


def test_every_gloss_is_stored_once(indexed: Indexed, glosses: list[Gloss]) -> None:
    assert indexed.ids == sorted(gloss.id for gloss in glosses[:INDEXED])
    assert indexed.vectors.shape == (INDEXED, 384)


def test_recall_of_the_trained_index(int8: Client, indexed: Indexed) -> None:
    results = int8.search_many(COLLECTION, list(indexed.queries), top_k=10)
    found = [[indexed.rows[hit.id] for hit in hits] for hits in results]
    assert all(len(rows) == 10 for rows in found)
    assert recall(indexed.vectors, indexed.queries, found) >= 0.95


def test_the_trained_index_answers(int8_server: ServerProcess, indexed: Indexed) -> None:
    queries = [recommendation_pb2.Query(text=text) for text in ("a large ship", "to run fast")]
    request = recommendation_pb2.SearchRequest(collection=COLLECTION, queries=queries)
    with grpc.insecure_channel(int8_server.target) as channel:
        stub = recommendation_pb2_grpc.RecommendationServiceStub(channel)
        results = stub.Search(request, timeout=60).results
    assert [result.plan.index for result in results] == ["ivf", "ivf"]
    assert all(result.plan.examined < len(indexed.ids) for result in results)


def test_scores_are_the_cosines_of_the_stored_vectors(int8: Client, indexed: Indexed) -> None:
    results = int8.search_many(COLLECTION, list(indexed.queries[:50]), top_k=10)
    for query, hits in zip(indexed.queries, results, strict=False):
        exact = [indexed.vectors[indexed.rows[hit.id]] @ query for hit in hits]
        np.testing.assert_allclose([hit.score for hit in hits], exact, atol=1e-5)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_a_threshold_keeps_what_reaches_it_and_nothing_else(
    int8: Client, indexed: Indexed, threshold: float
) -> None:
    open_results = int8.search_many(COLLECTION, list(indexed.queries), top_k=10)
    results = int8.search_many(COLLECTION, list(indexed.queries), top_k=10, min_score=threshold)
    for unlimited, hits in zip(open_results, results, strict=True):
        assert all(hit.score >= threshold for hit in hits)
        assert [hit.id for hit in hits] == [hit.id for hit in unlimited if hit.score >= threshold]


def test_random_filters_leak_nothing_and_miss_little(int8: Client, indexed: Indexed) -> None:
    chance = np.random.default_rng(18)
    recalls = []
    for query in indexed.queries:
        wanted = random_filter(chance)
        allowed = [row for row, have in enumerate(indexed.attributes) if matches(have, wanted)]
        hits = int8.search(COLLECTION, query, top_k=10, filter=wanted)
        found = [indexed.rows[hit.id] for hit in hits]
        assert set(found) <= set(allowed), wanted
        assert len(found) == len(set(found)) == min(10, len(allowed)), wanted
        if allowed:
            recalls.append(recall_among(indexed, allowed, query, found))
    assert len(recalls) > 150
    assert np.mean(recalls) >= 0.93


def as_item(gloss: Gloss) -> dict[str, Any]:
    return {
        "id": gloss.id,
        "text": gloss.text,
        "part": gloss.id[0],
        "words": list(gloss.lemmas),
        "length": len(gloss.text),
        "initial": gloss.lemmas[0][0].lower(),
    }


def random_filter(chance: np.random.Generator) -> dict[str, Any]:
    """From broad (half the glosses) to narrow (a handful)."""
    low = int(chance.integers(10, 200))
    initials = "abcdefghijklmnopqrstuvwxyz"
    choices: dict[str, Any] = {
        "part": [str(part) for part in chance.choice(["n", "v", "a"], 2, replace=False)],
        "length": {"gte": low, "lt": low + int(chance.integers(5, 100))},
        "initial": str(chance.choice(list(initials))),
    }
    kept = chance.choice(list(choices), int(chance.integers(1, 4)), replace=False)
    return {str(name): choices[str(name)] for name in kept}


def matches(attributes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """The meaning of a filter, written a second time and without an index."""
    return all(_holds(attributes[name], condition) for name, condition in wanted.items())


def _holds(value: Any, condition: Any) -> bool:
    if isinstance(condition, dict):
        return bool(condition["gte"] <= value < condition["lt"])
    return value in condition if isinstance(condition, list) else value == condition


def recall_among(indexed: Indexed, allowed: list[int], query: Vector, found: list[int]) -> float:
    """Recall@10 of a filtered search, against exact search over what the filter allows."""
    places = {row: place for place, row in enumerate(allowed)}
    return recall(
        indexed.vectors[allowed],
        query[None, :],
        [[places[row] for row in found]],
        min(10, len(allowed)),
    )


def wait_until_trained(client: Client) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    pause = threading.Event()
    while not trained(client):
        assert time.monotonic() < deadline, f"no trained index: {client.get_collection(COLLECTION)}"
        pause.wait(0.1)


def trained(client: Client) -> bool:
    index = client.get_collection(COLLECTION).index
    return bool("IVF" in index.kind and not index.rebuilding)
