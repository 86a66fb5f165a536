"""`bertine tune` against a real server, and what the server then says of its index."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertine.client import CallError, Client
from bertine.testing import ServerProcess
from bertine.types import Matrix
from bertine.v1 import catalog_pb2

NAME, ITEMS, DIMENSIONS = "tuned", 1_500, 384
SECONDS = 60.0
OPTIONS = ("--ivf-min-items", "1000", "--repeated-share", "1", "--target-recall", "0.9")


def unit(seed: int, count: int) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def metrics_port() -> int:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(
    model: Path, tmp_path_factory: pytest.TempPathFactory, metrics_port: int
) -> Iterator[ServerProcess]:
    """One whose collections have a trained index from a thousand items on."""
    metrics = ("--metrics-listen", f"127.0.0.1:{metrics_port}")
    folder = tmp_path_factory.mktemp("tuned")
    with ServerProcess(model, folder, *OPTIONS, *metrics, fake=True) as process:
        yield process


@pytest.fixture(scope="module", autouse=True)
def indexed(server: ServerProcess) -> None:
    with server.client() as client:
        client.create_collection(NAME)
        rows = unit(0, ITEMS)
        client.upsert(NAME, [{"id": f"i{n}", "vector": row} for n, row in enumerate(rows)])
        wait_for(client, lambda index: index.kind.startswith("IVF") and not index.rebuilding)


def wait_for(client: Client, condition: Callable[[catalog_pb2.IndexStatus], bool]) -> None:
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not condition(client.get_collection(NAME).index):
        assert time.monotonic() < deadline, client.get_collection(NAME).index
        pause.wait(0.1)


def test_a_table_of_what_was_measured_on_given_queries(
    cli: Any, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "queries.txt"
    file.write_text("".join(f"query number {number} of words\n" for number in range(400)))
    ran = cli("tune", NAME, "--recall", "0.8", "--queries", file)
    assert ran.code == 0, ran.err
    header, *rows, conclusion = ran.out.splitlines()
    names = ("index", "nprobe", "refine", "recall", "at least", "queries/s", "bytes/vector")
    assert header.split() == " ".join(names).split()
    kinds = {row.split()[0] for row in rows}
    assert {"exact", "IVF128,PQ192x4fs", "IVF64,PQ192x4fs", "IVF128,PQ96x4fs"} <= kinds
    assert conclusion == "measured with 400 queries, for a recall of 0.8"
    [chosen] = [row.split() for row in rows if row.endswith("chosen")]
    index = client.get_collection(NAME).index
    assert index.kind == chosen[0]
    if chosen[0] != "exact":
        assert (index.nprobe, index.refine) == (int(chosen[1]), int(chosen[2]))
        assert (index.target_recall, index.tuned_on_queries) == (0.8, 400)


def test_live_queries_tune_it_and_their_recall_is_reported(
    cli: Any, client: Client, metrics_port: int
) -> None:
    for row in unit(1, 50):
        client.search(NAME, row, top_k=10)
    client.search_many(NAME, list(unit(2, 500)), top_k=10)
    ran = cli("tune", NAME, "--recall", "0.9")
    assert ran.out.splitlines()[-1].startswith("measured with ")
    assert "queries, for a recall of 0.9" in ran.out
    if client.get_collection(NAME).index.kind == "exact":
        return  # on this machine exact search was the fastest
    client.search_many(NAME, list(unit(3, 200)), top_k=10)
    wait_for(client, lambda index: index.recall.queries >= 20)
    recall = client.get_collection(NAME).index.recall
    assert 0.5 < recall.lower <= recall.mean <= recall.upper <= 1.0
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
        text = answer.read().decode()
    assert f'bertine_index_recall{{collection="{NAME}",filtered="no",value="upper"}}' in text
    assert f'bertine_index_target_recall{{collection="{NAME}"}} 0.9' in text


def test_a_request_says_how_many_lists_are_visited(client: Client) -> None:
    queries = list(unit(4, 20))
    every = client.search_many(NAME, queries, top_k=10, nprobe=1_000_000)
    exact = client.search_many(NAME, queries, top_k=10, exact=True)
    same = [
        len({hit.id for hit in found} & {hit.id for hit in best})
        for found, best in zip(every, exact, strict=True)
    ]
    assert np.mean(same) >= 9.0


def test_a_small_collection_is_searched_exactly(cli: Any, client: Client) -> None:
    client.create_collection("small")
    client.upsert("small", [{"id": "a", "vector": unit(5, 1)[0]}])
    ran = cli("tune", "small")
    assert (ran.code, ran.out) == (0, "collection 'small' is small: it is searched exactly\n")


def test_what_cannot_be_done_is_said(cli: Any, client: Client, tmp_path: Path) -> None:
    ran = cli("tune", "nothing")
    assert ran.code == 1
    assert "'nothing'" in ran.err
    (tmp_path / "empty").write_text("")
    assert "is empty" in cli("tune", NAME, "--queries", tmp_path / "empty").err
    for recall, queries, field in (
        (1.0, None, "recall"),
        (float("nan"), None, "recall"),
        (None, unit(0, 1_025), "queries.count"),
        (None, unit(0, 5)[:, :10], "queries"),
    ):
        with pytest.raises(CallError, match="INVALID_ARGUMENT") as caught:
            client.tune(NAME, recall=recall, queries=queries)
        assert caught.value.field.startswith(field)
