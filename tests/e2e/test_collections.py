"""Conditional changes, expiry and the deletion of collections, as users meet them."""

import socket
import sqlite3
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bertine.client import AsyncClient, CallError, Client, Item
from bertine.client.options import Priority
from bertine.testing import ServerProcess
from bertine.types import Vector

PRIORITIES: tuple[Priority, ...] = ("auto", "interactive", "bulk")


def unit(seed: int) -> Vector:
    row = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def version_of(client: Client, collection: str, id_: str) -> int:
    return client.get_items(collection, [id_])[id_].version


# Conditional changes


def test_a_change_is_made_only_to_the_version_that_was_read(client: Client) -> None:
    client.create_collection("versions")
    client.upsert("versions", [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}])
    read = version_of(client, "versions", "a")
    both = [{"id": "a", "text": "mine"}, {"id": "b", "text": "mine"}]
    assert client.upsert("versions", both, if_versions={"a": read}).updated == 2
    now = version_of(client, "versions", "a")
    again = [{"id": "b", "text": "again"}, {"id": "a", "text": "again"}]
    with pytest.raises(CallError) as refused:
        client.upsert("versions", again, if_versions={"a": read})
    assert refused.value.code == "ABORTED"
    assert refused.value.message.startswith(f"item 'a' is at version {now}, not at {read}; read")
    assert refused.value.versions == {"a": now}
    assert {item.text for item in client.list_items("versions")} == {"mine"}
    with pytest.raises(CallError, match=r"ABORTED: item 'a' is at version \d+, not at"):
        client.delete_items("versions", ["a", "b"], if_versions={"a": read})
    assert client.delete_items("versions", ["a", "b"], if_versions={"a": now, "b": now}) == 2


def test_zero_is_for_what_must_not_exist(client: Client) -> None:
    client.create_collection("new-only")
    item = [{"id": "a", "text": "one"}]
    assert client.upsert("new-only", item, if_versions={"a": 0}).inserted == 1
    # Though it is as it is already: who wants to be first must learn that he is not.
    with pytest.raises(CallError, match=r"ABORTED: item 'a' is at version \d+, and must not exist"):
        client.upsert("new-only", item, if_versions={"a": 0})
    with pytest.raises(CallError, match="ABORTED: item 'b' does not exist, not at 7"):
        client.upsert("new-only", [{"id": "b", "text": "x"}], if_versions={"b": 7})
    with pytest.raises(CallError, match=r"INVALID_ARGUMENT.* is no item of this call"):
        client.upsert("new-only", item, if_versions={"b": 7})


def test_many_mismatches_fit_into_a_status(client: Client) -> None:
    client.create_collection("many-versions")
    names = {f"{number}-{'ż' * 120}": 5 for number in range(2_000)}
    rows = [{"id": name, "text": "x"} for name in names]
    with pytest.raises(CallError, match="and 1,997 more") as refused:
        client.upsert("many-versions", rows, if_versions=names)
    assert refused.value.code == "ABORTED"
    assert 3 <= len(refused.value.versions) < 20
    assert set(refused.value.versions.values()) == {0}


def test_of_many_who_change_one_version_one_succeeds(client: Client, server: ServerProcess) -> None:
    client.create_collection("counter")
    client.upsert("counter", [{"id": "n", "text": "a counter", "value": 0}])
    callers, rounds = 4, 5

    def increment() -> None:
        with server.client() as own:
            for _ in range(rounds):
                while True:
                    item = own.get_items("counter", ["n"])["n"]
                    value = item.attributes["value"]
                    assert isinstance(value, int)
                    row = {"id": "n", "text": "a counter", "value": value + 1}
                    try:
                        own.upsert("counter", [row], if_versions={"n": item.version})
                        break
                    except CallError as error:
                        assert error.code == "ABORTED"  # noqa: PT017 - others are failures

    threads = [threading.Thread(target=increment) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get_items("counter", ["n"])["n"].attributes["value"] == callers * rounds


# Expiry


def test_an_expired_item_is_returned_by_nothing(client: Client) -> None:
    client.create_collection("expiring")
    soon = time.time() + 0.75
    client.upsert(
        "expiring",
        [
            Item("stays", "a ship at sea"),
            Item("later", "a ship at sea", expire_time=soon + 3600),
            Item("past", "a ship at sea", expire_time=soon - 3600),
            Item("goes", "a ship at sea", expire_time=soon),
        ],
    )
    there = {"stays", "later", "goes"}
    found = client.get_items("expiring", ["stays", "later", "past", "goes"])
    if time.time() < soon:
        assert set(found) == there
        assert found["later"].expire_time == pytest.approx(soon + 3600)
        assert found["stays"].expire_time is None
    assert "past" not in found
    while time.time() <= soon:
        client.server_info()
    assert {hit.id for hit in client.search("expiring", "a ship")} == {"stays", "later"}
    assert set(client.get_items("expiring", ["stays", "later", "goes"])) == {"stays", "later"}
    assert {item.id for item in client.list_items("expiring")} == {"stays", "later"}
    hits = client.recommend("expiring", history=["stays"], exclude_seen=False)
    assert {hit.id for hit in hits} == {"stays", "later"}
    wait_for_count(client, "expiring", 2)
    with pytest.raises(CallError, match="NOT_FOUND"):
        client.similar("expiring", "goes")


def wait_for_count(client: Client, collection: str, count: int) -> None:
    """Return when what has expired is purged."""
    deadline = time.monotonic() + 60
    while client.get_collection(collection).item_count != count:
        assert time.monotonic() < deadline


def test_what_expired_while_no_server_ran_is_gone(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        client.create_collection("c")
        vectors = [unit(n) for n in range(600)]
        moment = time.time() + 1.0
        rows = [Item(f"{n}", vector=row, expire_time=moment) for n, row in enumerate(vectors)]
        client.upsert("c", [*rows, Item("stays", vector=unit(0))])
        server.kill()
    while time.time() <= moment:
        pass
    address = free_address()
    options = ("--metrics-listen", address)
    with ServerProcess(model, data, *options, fake=True) as server, server.client() as client:
        assert [hit.id for hit in client.search("c", unit(0), top_k=99)] == ["stays"]
        assert [item.id for item in client.list_items("c")] == ["stays"]
        wait_for_count(client, "c", 1)
        # An id that expired is free for something new.
        new = [Item("0", vector=unit(0), expire_time=1.0)]
        assert client.upsert("c", new, if_versions={"0": 0}).inserted == 1
        wait_for_count(client, "c", 1)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as page:
            assert 'bertine_purged_rows_total{reason="expired"} ' in page.read().decode()


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


# What is left after a crash


def test_a_killed_server_keeps_aliases_and_goes_on_erasing(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    items = [Item(f"item-{n}", vector=unit(n)) for n in range(3_000)]
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        client.create_collection("kept")
        client.upsert("kept", items[:5])
        client.set_alias("alias", "kept")
        client.create_collection("doomed")
        client.upsert("doomed", items)
        client.record_events("doomed", [{"user": "u", "item_id": "secret-of-the-doomed"}])
        assert client.delete_collection("doomed") == 3_000
        assert [made.name for made in client.list_collections()] == ["kept"]
        with pytest.raises(CallError, match="NOT_FOUND"):
            client.list_items("doomed").__next__()
        # Of the same name, whatever is still left of the old one.
        client.create_collection("doomed")
        client.upsert("doomed", items[:1])
        server.kill()
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        assert client.list_aliases() == {"alias": "kept"}
        assert len(client.search("alias", unit(1), top_k=99)) == 5
        assert client.get_collection("doomed").item_count == 1
        deadline = time.monotonic() + 60
        while count(data, "collections WHERE deleted"):
            assert time.monotonic() < deadline
    assert count(data, "items") == count(data, "vectors") == 6
    assert not any(b"secret-of-the-doomed" in path.read_bytes() for path in data.glob("catalog*"))


def count(data: Path, table: str) -> int:
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as connection:
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
    return int(rows)


async def test_the_asynchronous_client(server: ServerProcess) -> None:
    async with AsyncClient(server.target) as client:
        await client.create_collection("aio-1")
        assert await client.set_alias("aio", "aio-1") == ""
        assert await client.list_aliases("aio-1") == {"aio": "aio-1"}
        row = {"id": "a", "text": "x", "expire_time": time.time() + 3600}
        assert (await client.upsert("aio", [row], if_versions={"a": 0})).inserted == 1
        with pytest.raises(CallError, match="ABORTED") as refused:
            await client.delete_items("aio", ["a"], if_versions={"a": 1})
        assert await client.delete_items("aio", ["a"], if_versions=refused.value.versions) == 1
        assert await client.delete_alias("aio") == "aio-1"
        for priority in PRIORITIES:
            assert (await client.embed(["a"], priority=priority)).shape == (1, 384)


def test_priorities(client: Client) -> None:
    [expected] = client.embed(["a priority"])
    for priority in PRIORITIES:
        assert np.array_equal(client.embed(["a priority"], priority=priority)[0], expected)
