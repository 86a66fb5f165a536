"""Two tenants in one collection: neither changes anything of the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest

from bertine.client import CallError
from bertine.v1 import catalog_pb2, catalog_pb2_grpc
from tests.e2e.callers.who import SHARED, Served, refused


def test_items_of_others_cannot_be_replaced_or_deleted(filled: Served) -> None:
    before = filled["root"].get_items(SHARED, ["b001"])["b001"]
    a = filled["a"]
    taken = {"id": "b001", "text": "mine", "tenant": "a"}
    error = refused("PERMISSION_DENIED", lambda: a.upsert(SHARED, [taken]))
    assert error.field == "items[0].id"
    same = {"id": "b001", "text": before.text, "tenant": "b", "year": before.attributes["year"]}
    error = refused("PERMISSION_DENIED", lambda: a.upsert(SHARED, [same]))
    assert error.field == "items[0].attributes"
    for conditions in ({"b001": before.version}, {"b001": 0}, {}):
        refused("PERMISSION_DENIED", lambda: a.upsert(SHARED, [taken], if_versions=conditions))  # noqa: B023 - called at once
    assert a.delete_items(SHARED, ["b001", "b002"]) == 0
    versions = {"b001": before.version}
    error = refused("ABORTED", lambda: a.delete_items(SHARED, ["b001"], if_versions=versions))
    assert error.versions == {"b001": 0}
    mixed = [{"id": "a-new", "text": "x", "tenant": "a"}, taken]
    refused("PERMISSION_DENIED", lambda: a.upsert(SHARED, mixed))
    there = filled["root"].get_items(SHARED, ["a-new", "b001"])
    assert list(there) == ["b001"]
    assert there["b001"].version == before.version


def test_of_two_who_want_an_id_at_once_one_gets_it(filled: Served) -> None:
    ids = [f"wanted {number}" for number in range(50)]
    won: dict[str, set[str]] = {"a": set(), "b": set()}
    codes: set[str] = set()
    begin = threading.Barrier(2)

    def work(tenant: str) -> None:
        begin.wait()
        for id_ in ids:
            try:
                filled[tenant].upsert(SHARED, [{"id": id_, "text": id_, "tenant": tenant}])
                won[tenant].add(id_)
            except CallError as error:
                codes.add(error.code)

    threads = [threading.Thread(target=work, args=(tenant,)) for tenant in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes <= {"PERMISSION_DENIED"}
    assert won["a"] | won["b"] == set(ids)
    assert not won["a"] & won["b"]
    there = filled["root"].get_items(SHARED, ids)
    assert {id_: item.attributes["tenant"] for id_, item in there.items()} == {
        id_: tenant for tenant, own in won.items() for id_ in own
    }
    filled["root"].delete_items(SHARED, ids)


def test_an_import_goes_only_where_its_caller_may(filled: Served) -> None:
    filled["root"].create_collection("imports")
    item = catalog_pb2.Item(id="x", text="text")
    item.attributes["tenant"].string_value = "a"
    request = catalog_pb2.ImportItemsRequest(collection="imports", items=[item])
    with grpc.insecure_channel(filled.process.target) as channel:
        stub = catalog_pb2_grpc.CatalogServiceStub(channel)
        unknown = catalog_pb2.ImportItemsRequest(collection="no-such", items=[item])
        for one in (request, unknown):
            with pytest.raises(grpc.RpcError, match=r"PERMISSION_DENIED"):
                stub.ImportItems(iter([one]), metadata=[("authorization", "Bearer a")])
        done = stub.ImportItems(iter([request]), metadata=[("authorization", "Bearer writer")])
    assert done.inserted == filled["root"].delete_collection("imports") == 1


def test_an_import_is_held_to_the_filter_too(filled: Served) -> None:
    def requests() -> Iterator[catalog_pb2.ImportItemsRequest]:
        for tenant in "ab":
            item = catalog_pb2.Item(id=f"imported {tenant}", text="text")
            item.attributes["tenant"].string_value = tenant
            yield catalog_pb2.ImportItemsRequest(collection=SHARED, items=[item])

    with grpc.insecure_channel(filled.process.target) as channel:
        stub = catalog_pb2_grpc.CatalogServiceStub(channel)
        with pytest.raises(grpc.RpcError, match=r"PERMISSION_DENIED"):
            stub.ImportItems(requests(), metadata=[("authorization", "Bearer a")])
        with pytest.raises(grpc.RpcError, match=r"UNAUTHENTICATED"):
            stub.ImportItems(requests())
    there = filled["root"].get_items(SHARED, ["imported a", "imported b"])
    assert list(there) == ["imported a"]
    filled["a"].delete_items(SHARED, ["imported a"])


def test_an_item_of_several_is_seen_by_each_and_written_by_none(filled: Served) -> None:
    """Else who put others into his list would have his items in their results."""
    row = {"id": "of both", "text": "sea whale", "tenant": ["a", "b"]}
    error = refused("PERMISSION_DENIED", lambda: filled["a"].upsert(SHARED, [row]))
    assert error.field == "items[0].attributes"
    filled["root"].upsert(SHARED, [row])
    for tenant in "ab":
        client, own = filled[tenant], {**row, "tenant": tenant}
        assert list(client.get_items(SHARED, ["of both"])) == ["of both"]
        error = refused("PERMISSION_DENIED", lambda: client.upsert(SHARED, [own]))  # noqa: B023 - called at once
        assert error.field == "items[0].id"
        assert client.delete_items(SHARED, ["of both"]) == 0
    assert filled["root"].delete_items(SHARED, ["of both"]) == 1


def test_events_of_items_of_others_are_passed_over(filled: Served) -> None:
    events = [{"user": "eve", "item_id": id_, "event_id": id_} for id_ in ("a001", "b001", "none")]
    assert filled["a"].record_events(SHARED, events) == 1
    assert filled["a"].record_events(SHARED, events) == 0
    # Who knows the id of another's event cannot keep it from being recorded.
    theirs = [{"user": "eve", "item_id": "b001", "event_id": "a001"}]
    assert filled["b"].record_events(SHARED, theirs) == 1
    assert filled["b"].recommend(SHARED, user="eve").history_size == 1
    assert filled["root"].delete_user("eve") == 2
