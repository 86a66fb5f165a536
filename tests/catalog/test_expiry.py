from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.catalog.changes import CreateCollection, DeleteCollection, PurgeExpired, UpsertResult
from bertine.catalog.digest import content_digest
from bertine.catalog.expiry import HOLD, LEAP, PurgeClock
from bertine.catalog.store import Store
from bertine.types import Collection, Item

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]

steps = st.lists(st.tuples(st.floats(0, 900), st.floats(-1e9, 1e9) | st.floats(-5, 5)), max_size=20)


@given(steps)
def test_a_leap_is_not_believed_before_it_has_lasted(steps: list[tuple[float, float]]) -> None:
    """Each step: seconds that pass, and seconds by which the clock is set meanwhile."""
    clock, wall, steady = PurgeClock(), 1e9, 100.0
    believed = clock.limit(wall, steady) - steady
    leapt = None
    for passed, leap in steps:
        steady, wall = steady + passed, wall + passed + leap
        limit = clock.limit(wall, steady)
        assert limit <= wall
        if wall - steady <= believed + LEAP:
            leapt, believed = None, wall - steady
            assert limit == wall
            continue
        leapt = steady if leapt is None else leapt
        if steady - leapt >= HOLD:
            leapt, believed = None, wall - steady
            assert limit == wall
        else:
            assert limit == pytest.approx(steady + believed)


def test_an_item_without_an_expiry_has_the_digest_of_before_there_were_any() -> None:
    item = Item("a", "a text", {"year": 1851, "subjects": ("sea", "whales")}, None, 1.5, 2.5)
    assert content_digest(item).hex() == "ede8c38773ff0edcd6f1c709e8aad3bc"
    assert content_digest(replace(item, expire_time=0.0)) != content_digest(item)


def test_readers_look_at_the_clock(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    now = time.time()
    put(*(replace(make_item(i), expire_time=now + s) for i, s in (("a", -1), ("b", 3600))))
    put(make_item("c"))
    assert set(store.get_items(books.key, "abc", with_vectors=True)) == {"b", "c"}
    assert [i.id for i in store.list_items(books.key, "", 2, with_vectors=False)] == ["b", "c"]
    assert store.get_items(books.key, "b", with_vectors=False)["b"].expire_time == now + 3600
    assert {id_: one.version > 0 for id_, one in store.existing(books.key, "abc").items()} == {
        "a": False,
        "b": True,
        "c": True,
    }
    assert store.collection("books").item_count == len(store.versions(books.key)) == 3


def test_the_oldest_go_first_and_no_more_than_asked(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    times = {"a": 5.0, "b": 1.0, "c": 3.0, "d": 9.0, "e": None}
    before = put(*(replace(make_item(i), expire_time=t) for i, t in times.items())).sequence
    assert store.has_expired(8.9)
    assert not store.has_expired(0.9)
    first = run(PurgeExpired(8.9, 2))
    assert (set(first.deleted[books.key]), first.count) == ({"b", "c"}, 2)
    assert first.sequence > before
    after = store.collection("books")
    assert (after.item_count, after.sequence) == (3, first.sequence)
    assert run(PurgeExpired(8.9, 2)).deleted == {books.key: ("a",)}
    assert run(PurgeExpired(8.9, 2)).count == 0
    assert set(store.versions(books.key)) == {"d", "e"}
    with store.open_writing() as connection:
        (vectors,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
    connection.close()
    assert vectors == 2


def test_an_item_that_is_given_more_time_stays(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(replace(make_item("a"), expire_time=5.0), replace(make_item("b"), expire_time=5.0))
    assert put(replace(make_item("a"), expire_time=7.0), make_item("b")).updated == 2
    assert run(PurgeExpired(6.0, 9)).count == 0
    assert set(store.versions(books.key)) == {"a", "b"}


def test_collections_are_purged_together_and_deleted_ones_do_no_harm(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    put(replace(make_item("a"), expire_time=5.0))
    run(DeleteCollection("books"))
    assert run(PurgeExpired(6.0, 9)).deleted == {books.key: ("a",)}
    assert store.collections() == [films]
