from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bertine.catalog.changes import (
    DeleteCollection,
    DeleteItems,
    Draft,
    StaleVectors,
    Upsert,
    UpsertResult,
)
from bertine.catalog.store import Store
from bertine.errors import Conflict, InvalidInput, NotFound
from bertine.types import Collection, Item, Vector

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]
VectorOf = Callable[[str], Vector]

SUPPLIED = np.array([0.5, 0.5, 0.5, 0.5], np.float32)


def counts(result: UpsertResult) -> tuple[int, int, int]:
    return result.inserted, result.updated, result.unchanged


def vector_in(store: Store, collection: Collection, id_: str) -> list[float]:
    vector = store.get_items(collection.key, [id_], with_vectors=True)[id_].vector
    assert vector is not None
    return [float(component) for component in vector]


def test_inserted_updated_unchanged(
    store: Store, books: Collection, put: Put, make_item: MakeItem
) -> None:
    assert counts(put(make_item("a"), make_item("b"))) == (2, 0, 0)
    result = put(make_item("a"), make_item("b", "other"), make_item("c"))
    assert counts(result) == (1, 1, 1)
    assert [item.id for item in result.changed] == ["b", "c"]
    assert {item.version for item in result.changed} == {result.sequence}
    after = store.collection("books")
    assert (after.item_count, after.sequence) == (3, result.sequence)
    assert store.versions(books.key)["a"] < result.sequence


def test_what_is_unchanged_costs_no_sequence_number(
    store: Store, put: Put, make_item: MakeItem
) -> None:
    first = put(make_item("a", year=1), make_item("b"))
    again = put(make_item("a", year=1), make_item("b"))
    assert counts(again) == (0, 0, 2)
    assert again.sequence == first.sequence == store.collection("books").sequence
    assert again.changed == ()


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": {"year": 2}},
        {"attributes": {"year": 1.0}},
        {"attributes": {}},
        {"available_from": 1.0},
        {"available_until": 1.0},
        {"expire_time": 1.0},
        {"text": "other"},
        {"vector": SUPPLIED},
    ],
)
def test_every_part_of_an_item_counts(
    put: Put, make_item: MakeItem, change: dict[str, Any]
) -> None:
    item = make_item("a", year=1)
    put(item)
    assert counts(put(replace(item, **change))) == (0, 1, 0)
    assert counts(put(replace(item, **change))) == (0, 0, 1)


def test_a_vector_is_kept_while_its_text_stays(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(make_item("a", year=1))
    vector = vector_in(store, books, "a")
    result = run(Upsert(books.key, [Draft.of(make_item("a", year=2))], "model-a"))
    assert counts(result) == (0, 1, 0)
    assert result.changed[0].vector.tolist() == vector == vector_in(store, books, "a")
    assert result.changed[0].attributes == {"year": 2}


def test_unchanged_items_need_no_vector(
    books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(make_item("a"))
    assert counts(run(Upsert(books.key, [Draft.of(make_item("a"))], "model-a"))) == (0, 0, 1)


def test_a_vector_of_another_text_is_not_kept(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run, vector_of: VectorOf
) -> None:
    put(make_item("a"), make_item("b"))
    good = Draft.of(make_item("new")).with_vector(vector_of("new"))
    changed, missing = Draft.of(make_item("a", "other")), Draft.of(make_item("x"))
    with pytest.raises(StaleVectors, match=r"2 items were changed .*: 'a', 'x'") as refusal:
        run(Upsert(books.key, [good, changed, missing], "model-a"))
    assert refusal.value.ids == ("a", "x")
    assert isinstance(refusal.value, Conflict)
    assert store.get_items(books.key, ["new"], with_vectors=False) == {}
    assert store.collection("books").item_count == 2


def test_an_item_that_was_deleted_meanwhile_is_stale(
    books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(make_item("a"))
    run(DeleteItems(books.key, ("a",)))
    with pytest.raises(StaleVectors):
        run(Upsert(books.key, [Draft.of(make_item("a"))], "model-a"))


def test_a_supplied_vector_is_not_kept_for_a_text(
    books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    """An item that comes back without its vector wants its text encoded."""
    put(replace(make_item("a"), vector=SUPPLIED))
    with pytest.raises(StaleVectors):
        run(Upsert(books.key, [Draft.of(make_item("a"))], "model-a"))


def test_a_supplied_vector_can_be_kept(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(replace(make_item("a"), vector=SUPPLIED))
    draft = Draft.of(replace(make_item("a", year=2), vector=SUPPLIED)).with_vector(None)
    assert counts(run(Upsert(books.key, [draft], "model-a"))) == (0, 1, 0)
    assert vector_in(store, books, "a") == SUPPLIED.tolist()


def test_vectors_of_another_model_are_refused(
    store: Store, books: Collection, make_item: MakeItem, run: Run
) -> None:
    draft = Draft.of(make_item("a")).with_vector(SUPPLIED)
    with pytest.raises(Conflict, match="are of model model-a, these of model-b; re-embed"):
        run(Upsert(books.key, [draft], "model-b"))
    assert store.collection("books").item_count == 0


def test_malformed_upserts_are_refused_whole(
    store: Store, books: Collection, make_item: MakeItem, run: Run
) -> None:
    a = Draft.of(make_item("a")).with_vector(SUPPLIED)
    with pytest.raises(InvalidInput, match="items: id 'a' is given 2 times"):
        run(Upsert(books.key, [a, a], "model-a"))
    long = Draft.of(make_item("b")).with_vector(np.ones(5, np.float32))
    with pytest.raises(InvalidInput, match=r"items\[1\]\.vector: has shape \(5,\); .* \(4,\)"):
        run(Upsert(books.key, [a, long], "model-a"))
    infinite = Draft.of(make_item("b", x=float("inf"))).with_vector(SUPPLIED)
    with pytest.raises(InvalidInput, match="not finite"):
        run(Upsert(books.key, [a, infinite], "model-a"))
    assert store.collection("books").item_count == 0


def test_an_empty_upsert_is_nothing(books: Collection, run: Run) -> None:
    result = run(Upsert(books.key, [], "model-a"))
    assert result == UpsertResult(0, 0, 0, books.sequence, ())


def test_a_deleted_collection_takes_no_items(
    books: Collection, make_item: MakeItem, run: Run
) -> None:
    run(DeleteCollection("books"))
    with pytest.raises(NotFound, match="was deleted meanwhile"):
        run(Upsert(books.key, [Draft.of(make_item("a"))], "model-a"))


def test_items_keep_their_place_in_scans(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    """The key stays with an update; an item that was deleted comes back at the end."""
    put(*map(make_item, "cab"))
    put(make_item("c", "other"))
    assert [item.id for item in next(store.scan(books.key))] == ["c", "a", "b"]
    run(DeleteItems(books.key, ("b", "c")))
    put(make_item("c"))
    put(make_item("b"))
    assert [item.id for item in next(store.scan(books.key))] == ["a", "c", "b"]
