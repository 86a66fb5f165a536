from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bertine.catalog.changes import CreateCollection, DeleteCollection, DeleteItems, UpsertResult
from bertine.catalog.digest import content_digest, text_digest
from bertine.catalog.store import Existing, Store
from bertine.errors import NotFound, Unavailable
from bertine.types import Collection, Item, Vector

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]


def ids(items: list[Item]) -> list[str]:
    return [item.id for item in items]


def test_a_new_catalog_is_empty(store: Store) -> None:
    assert store.collections() == []
    with pytest.raises(NotFound, match=r"'books' does not exist; .* create it with Create"):
        store.collection("books")


def test_a_missing_collection_is_answered_with_the_others(store: Store, run: Run) -> None:
    for name in [f"c{number:02d}" for number in range(12)]:
        run(CreateCollection(name, "", 4, "model", 1.0))
    with pytest.raises(NotFound, match=r"there are: c00, c01, .*, c09, …$"):
        store.collection("books")


def test_an_item_comes_back_as_it_was_given(
    store: Store, books: Collection, put: Put, vector_of: Callable[[str], Vector]
) -> None:
    item = Item(
        "żółw\0/x",
        "line\nline \U0001f600",
        {"year": 1815, "price": 3.0, "new": True, "subjects": ("love", "money"), "by": "Austen"},
        available_from=0.1,
        available_until=1e12 + 1 / 3,
    )
    result = put(item)
    (listed,) = store.list_items(books.key, "", 10, with_vectors=False)
    assert listed == replace(item, version=result.sequence)
    found = store.get_items(books.key, [item.id], with_vectors=True)[item.id]
    assert found.vector is not None
    assert found.vector.tobytes() == vector_of(item.text).tobytes()


def test_existing_says_what_a_new_version_would_need(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    item = make_item("a", year=1815)
    version = put(item).sequence
    expected = Existing(text_digest(item), content_digest(item), "model-a", version)
    assert store.existing(books.key, ["b", "a"]) == {"a": expected}


def test_many_ids_are_found_at_once(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    names = [str(number) for number in range(1300)]
    put(*map(make_item, names))
    assert set(store.get_items(books.key, [*names, "x"], with_vectors=False)) == set(names)
    assert set(store.existing(books.key, names)) == set(names)


def test_collections_are_kept_apart(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    put(make_item("a"))
    assert store.get_items(films.key, ["a"], with_vectors=False) == {}
    assert store.list_items(films.key, "", 10, with_vectors=False) == []
    assert [batch for batch in store.scan(films.key)] == []  # noqa: C416
    assert store.versions(films.key) == {}
    assert store.collections() == [store.collection("books"), films]
    assert store.collection("books").key == books.key


def test_pages_are_by_ascending_id(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    names = ["b", "a", "ä", "aa", "Z", "\U0001f600", "\uffff"]
    put(*map(make_item, names))
    listed: list[str] = []
    while page := store.list_items(books.key, listed[-1] if listed else "", 2, with_vectors=True):
        assert len(page) <= 2
        listed += ids(page)
    assert listed == sorted(names)


def test_pages_are_stable_under_inserts_and_deletes(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    """Around every page one item appears and one goes, before it and behind it."""
    stays = [f"{number:03d}" for number in range(0, 200, 2)]
    goes = [f"{number:03d}" for number in range(1, 200, 4)]
    comes = [f"{number:03d}" for number in range(3, 200, 4)]
    put(*map(make_item, [*stays, *goes]))
    listed: list[str] = []
    while page := store.list_items(books.key, listed[-1] if listed else "", 7, with_vectors=False):
        listed += ids(page)
        for position in (0, -1):
            run(DeleteItems(books.key, (goes.pop(position),)))
            put(make_item(comes.pop(position)))
    assert [name for name in listed if name in set(stays)] == stays
    assert len(set(listed)) == len(listed)
    assert listed == sorted(listed)


def test_a_scan_is_of_one_state(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    names = [f"{number % 7}-{number}" for number in range(100)]
    put(*map(make_item, names))
    scan = store.scan(books.key, batch=30)
    scanned = next(scan)
    run(DeleteItems(books.key, tuple(names[50:])))
    put(make_item("later"), make_item(names[45], "changed"))
    assert "later" in store.get_items(books.key, ["later"], with_vectors=False)
    for batch in scan:
        assert len(batch) <= 30
        scanned += batch
    assert ids(scanned) == names
    assert scanned[45].text == f"text of {names[45]}"
    assert all(item.vector is not None for item in scanned)


def test_a_snapshot_knows_its_sequence(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(make_item("a"), make_item("b"))
    sequence = run(DeleteItems(books.key, ("b",))).sequence
    with store.snapshot(books.key) as snapshot:
        put(make_item("c"))
        assert snapshot.collection.sequence == sequence
        assert snapshot.collection.item_count == 1
        assert [ids(batch) for batch in snapshot.batches()] == [["a"]]
    assert store.collection("books").sequence > sequence


def test_versions_tell_what_a_saved_index_has_missed(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    saved = put(make_item("a"), make_item("b"), make_item("c")).sequence
    run(DeleteItems(books.key, ("a",)))
    changed = put(make_item("b", "other")).sequence
    assert store.versions(books.key) == {"b": changed, "c": saved}


def test_versions_come_in_pages_with_ids_as_they_are(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    odd = ['"', "\\", "a\nb", "\x00", "\x7f", "ä", "\U0001f600", "\u2028", ","]
    names = [*odd, *(f"item {number}" for number in range(9_000))]
    first = put(*map(make_item, names)).sequence
    second = put(*map(make_item, names[:5_000], names[1:])).sequence
    run(DeleteItems(books.key, (names[9], names[-1])))
    pages = list(store.version_pages(books.key))
    assert len(pages) == 9
    found = [pair for page in pages for pair in zip(*page, strict=True)]
    versions = [second] * 5_000 + [first] * (len(names) - 5_000)
    expected = list(zip(names, versions, strict=True))
    assert found == [*expected[:9], *expected[10:-1]]


def test_texts_of_the_items_that_have_one(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    put(make_item("a", "first"), replace(make_item("b"), text=""))
    assert store.texts(books.key) == {"a": "first"}
    assert store.texts(books.key + 1) == {}


def test_a_scan_that_is_given_up_closes_its_connection(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    put(*map(make_item, "abc"))
    scan = store.scan(books.key, batch=1)
    next(scan)
    del scan


def test_a_deleted_collection_finds_nothing(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(make_item("a"))
    assert run(DeleteCollection("books")) == 1
    assert store.get_items(books.key, ["a"], with_vectors=True) == {}
    with pytest.raises(NotFound, match="was deleted meanwhile"):
        next(store.scan(books.key))
    again = run(CreateCollection("books", "", 4, "model-a", 1.0))
    assert again.key != books.key


def test_many_threads_read_while_one_writes(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    """Every read sees whole upserts: two items that change together are never seen apart."""
    put(make_item("a", "0"), make_item("b", "0"))
    done = threading.Event()
    torn: list[dict[str, Item]] = []

    def read() -> None:
        while not done.is_set():
            both = store.get_items(books.key, ["a", "b"], with_vectors=True)
            if both["a"].text != both["b"].text or not np.array_equal(
                np.asarray(both["a"].vector), np.asarray(both["b"].vector)
            ):
                torn.append(both)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        put(make_item("a", str(number)), make_item("b", str(number)))
    done.set()
    for thread in threads:
        thread.join()
    assert torn == []


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(Unavailable, match="is closed"):
        store.collections()


def test_a_store_reads_without_a_writer(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    put(make_item("a"))
    folder = store.folder
    store.close()  # the writer's fixture closes it later, which is no harm to what is stored
    with Store.open(folder) as again:
        assert again.collection("books").item_count == 1
        assert ids(next(again.scan(books.key))) == ["a"]
