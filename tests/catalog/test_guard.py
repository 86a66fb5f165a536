"""Two tenants who write to one collection, each held to its own items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertine.catalog.changes import DeleteItems, Draft, Upsert, UpsertResult
from bertine.catalog.guard import Guard
from bertine.catalog.store import Store
from bertine.catalog.versions import Expected
from bertine.catalog.writer import Writer
from bertine.errors import Mismatch, PermissionDenied, VersionMismatch
from bertine.index.filters import OneOf, compile_filter
from bertine.types import Collection, Item, Vector

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]
GUARDS = {tenant: Guard(compile_filter(OneOf("tenant", (tenant,)))) for tenant in "ab"}


@pytest.fixture
def upsert_of(
    books: Collection, make_item: MakeItem, vector_of: Callable[[str], Vector]
) -> Callable[..., Upsert]:
    """An upsert by a tenant of items of its own."""

    def make(
        tenant: str, ids: Sequence[str], text: str = "", expected: Expected | None = None
    ) -> Upsert:
        items = [make_item(id_, text, tenant=tenant) for id_ in ids]
        drafts = [Draft.of(item).with_vector(vector_of(item.text)) for item in items]
        return Upsert(books.key, drafts, "model-a", expected, GUARDS[tenant])

    return make


def stored(store: Store, books: Collection) -> dict[str, object]:
    items = store.list_items(books.key, "", 1_000, with_vectors=False)
    return {item.id: item.attributes["tenant"] for item in items}


ids = st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=4, unique=True)
steps = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["put", "delete"]), ids))


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_tried_an_item_stays_whose_it_is(
    store: Store,
    books: Collection,
    run: Run,
    upsert_of: Callable[..., Upsert],
    data: st.DataObject,
) -> None:
    owners = stored(store, books)  # of the example before
    for number, (tenant, step, some) in enumerate(data.draw(steps)):
        others = [id_ for id_ in some if owners.get(id_, tenant) != tenant]
        if step == "delete":
            done = run(DeleteItems(books.key, tuple(some), guard=GUARDS[tenant]))
            gone = [id_ for id_ in some if owners.get(id_) == tenant]
            assert (list(done.deleted), done.missing) == (gone, len(some) - len(gone))
            owners = {id_: owner for id_, owner in owners.items() if id_ not in gone}
        elif others:
            with pytest.raises(PermissionDenied) as refused:
                run(upsert_of(tenant, some, f"text {number}"))
            assert refused.value.field == f"items[{some.index(others[0])}].id"
        else:
            run(upsert_of(tenant, some, f"text {number}"))
            owners |= dict.fromkeys(some, tenant)
        assert stored(store, books) == owners


def test_of_two_who_want_an_id_at_once_one_gets_it(
    store: Store, books: Collection, writer: Writer, upsert_of: Callable[..., Upsert]
) -> None:
    every = [f"item {number}" for number in range(200)]
    won: dict[str, list[str]] = {"a": [], "b": []}
    begin = threading.Barrier(2)

    def work(tenant: str) -> None:
        begin.wait()
        waiting = [(id_, writer.submit(upsert_of(tenant, [id_]))) for id_ in every]
        for id_, future in waiting:
            if future.exception(timeout=30) is None:
                won[tenant].append(id_)
            else:
                assert isinstance(future.exception(), PermissionDenied)

    threads = [threading.Thread(target=work, args=(tenant,)) for tenant in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won["a"] + won["b"]) == sorted(every)
    assert stored(store, books) == {id_: tenant for tenant, own in won.items() for id_ in own}


def test_versions_of_others_are_those_of_nothing(
    books: Collection, run: Run, upsert_of: Callable[..., Upsert]
) -> None:
    run(upsert_of("a", ["x"]))
    version = run(upsert_of("b", ["y"])).sequence
    with pytest.raises(VersionMismatch) as refused:
        run(upsert_of("b", ["y"], "new", Expected({"x": 1, "y": version}, now=0.0)))
    assert refused.value.mismatches == (Mismatch("x", 1, 0),)
    with pytest.raises(VersionMismatch) as refused:
        run(DeleteItems(books.key, ("x",), Expected({"x": 1}, now=0.0), GUARDS["b"]))
    assert refused.value.mismatches == (Mismatch("x", 1, 0),)
    # What is not there may be expected not to be there, and yet not be taken.
    assert not run(DeleteItems(books.key, ("x",), Expected({"x": 0}, now=0.0), GUARDS["b"])).deleted
    with pytest.raises(PermissionDenied):
        run(upsert_of("b", ["x"], "new", Expected({"x": 0}, now=0.0)))


def test_an_expired_item_keeps_its_id_from_others(
    store: Store,
    books: Collection,
    put: Put,
    run: Run,
    upsert_of: Callable[..., Upsert],
) -> None:
    put(Item("x", "text", {"tenant": "a"}, expire_time=1.0))
    assert stored(store, books) == {}
    with pytest.raises(PermissionDenied):
        run(upsert_of("b", ["x"]))
    assert run(upsert_of("a", ["x"])).updated == 1


def test_a_new_item_must_be_its_writers(make_item: MakeItem) -> None:
    items = [make_item("x", tenant="a"), make_item("y", tenant="b"), make_item("z")]
    with pytest.raises(PermissionDenied) as refused:
        GUARDS["a"].check_new(items)
    assert refused.value.field == "items[1].attributes"
    GUARDS["a"].check_new(items[:1])
