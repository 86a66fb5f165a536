"""Aliases: other names of collections, which move from one to another under the callers' hands."""

import threading
import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from bertine.client import CallError, Client, Item
from bertine.testing import ServerProcess
from bertine.types import Vector
from bertine.v1 import catalog_pb2, catalog_pb2_grpc


def unit(seed: int) -> Vector:
    row = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def test_an_alias_will_do_wherever_a_collection_is_named(client: Client) -> None:
    client.create_collection("named-1", text_template="{t}")
    assert client.set_alias("named", "named-1") == ""
    assert client.create_collection("named", text_template="{t}", exist_ok=True).name == "named-1"
    assert client.upsert("named", [{"id": "a", "t": "oak"}, {"id": "b", "t": "elm"}]).inserted == 2
    assert set(client.get_items("named", ["a"])) == {"a"}
    assert [item.id for item in client.list_items("named")] == ["a", "b"]
    assert client.search("named", "oak", top_k=1)[0].id == "a"
    assert client.similar("named", "a")[0].id == "b"
    assert client.record_events("named", [{"user": "u", "item_id": "a"}]) == 1
    assert client.recommend("named", user="u")[0].id == "b"
    assert client.delete_items("named", ["b"]) == 1
    made = client.get_collection("named")
    assert (made.name, list(made.aliases), made.item_count) == ("named-1", ["named"], 1)
    client.delete_user("u")


def test_an_alias_is_moved_and_deleted(client: Client) -> None:
    for name in ("moved-1", "moved-2"):
        client.create_collection(name)
        client.upsert(name, [{"id": name, "text": "a ship"}])
    client.set_alias("moved", "moved-1")
    assert client.set_alias("moved", "moved-2") == "moved-1"
    assert client.search("moved", "a ship")[0].id == "moved-2"
    assert client.list_aliases("moved-2") == client.list_aliases("moved") == {"moved": "moved-2"}
    assert client.list_aliases("moved-1") == {}
    assert client.list_aliases()["moved"] == "moved-2"
    assert client.delete_collection("moved-1") == 1
    assert client.delete_alias("moved") == "moved-2"
    with pytest.raises(CallError, match="NOT_FOUND"):
        client.search("moved", "a ship")
    assert client.search("moved-2", "a ship")[0].id == "moved-2"


def test_aliases_that_cannot_be(client: Client) -> None:
    client.create_collection("real")
    client.create_collection("other")
    client.set_alias("unreal", "real")
    for call, message in (
        (lambda: client.set_alias("other", "real"), "ALREADY_EXISTS: 'other' is the name of a col"),
        (lambda: client.create_collection("unreal"), "ALREADY_EXISTS.* an alias of 'real'"),
        (
            lambda: client.create_collection("unreal", text_template="{x}", exist_ok=True),
            "ALREADY_EXISTS.* an alias of 'real' with other settings",
        ),
        (lambda: client.set_alias("x", "nowhere"), "NOT_FOUND: collection 'nowhere'"),
        (lambda: client.set_alias("x", "unreal"), "INVALID_ARGUMENT.* alias; give 'real' instead"),
        (lambda: client.set_alias("a/b", "real"), "INVALID_ARGUMENT: alias"),
        (lambda: client.delete_alias("nobody"), "NOT_FOUND: alias 'nobody'"),
        (lambda: client.delete_alias("real"), "NOT_FOUND: alias 'real'"),
        (lambda: client.delete_collection("real"), "FAILED_PRECONDITION.* 'unreal' stands for"),
        (lambda: client.delete_collection("unreal"), "FAILED_PRECONDITION.* alias of collection"),
    ):
        with pytest.raises(CallError, match=message):
            call()
    assert client.search("unreal", "x") == []


def test_every_call_sees_one_collection_while_an_alias_moves(
    client: Client, server: ServerProcess
) -> None:
    """Readers see the items of one collection, all of them, whatever is built and deleted."""

    def build(generation: int) -> str:
        name = f"swap-{generation}"
        client.create_collection(name)
        client.upsert(name, [Item(f"{generation}-{n}", vector=unit(n)) for n in range(30)])
        return name

    current = build(0)
    client.set_alias("swapped", current)
    stop = threading.Event()
    seen: set[str] = set()
    failed: list[Exception] = []

    def read() -> None:
        with server.client() as own:
            while not stop.is_set():
                try:
                    hits = own.search("swapped", unit(3), top_k=100)
                    of = {hit.id.partition("-")[0] for hit in hits}
                    assert (len(hits), len(of)) == (30, 1)
                    seen.update(of)
                except Exception as error:  # noqa: BLE001 - told below
                    failed.append(error)
                    return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for generation in range(1, 6):
        fresh = build(generation)
        assert client.set_alias("swapped", fresh) == current
        client.delete_collection(current)
        current = fresh
    stop.set()
    for reader in readers:
        reader.join()
    assert not failed
    assert len(seen) > 1


def test_a_stream_goes_to_the_collection_that_its_first_batch_went_to(
    client: Client, server: ServerProcess
) -> None:
    for name in ("stream-1", "stream-2"):
        client.create_collection(name)
    client.set_alias("alias-of-stream", "stream-1")

    def batches() -> Iterator[catalog_pb2.ImportItemsRequest]:
        for number in range(2):
            item = catalog_pb2.Item(id=str(number), text="x")
            yield catalog_pb2.ImportItemsRequest(collection="alias-of-stream", items=[item])
            deadline = time.monotonic() + 30
            while not number and not client.get_items("stream-1", ["0"]):
                assert time.monotonic() < deadline
            client.set_alias("alias-of-stream", "stream-2")

    with grpc.insecure_channel(server.target) as channel:
        done = catalog_pb2_grpc.CatalogServiceStub(channel).ImportItems(batches())
    assert (done.collection, done.inserted) == ("stream-1", 2)
    assert client.get_collection("stream-1").item_count == 2
