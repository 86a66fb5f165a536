from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    DeleteItems,
    Draft,
    FinishReembedding,
    ReplaceVectors,
    Upsert,
    UpsertResult,
)
from bertine.catalog.store import Store
from bertine.errors import AlreadyExists, Conflict, NotFound
from bertine.types import Collection, Item

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]

NEW = np.array([1.0, 2.0], np.float32)
SUPPLIED = np.array([0.5, 0.5, 0.5, 0.5], np.float32)


def test_a_collection_moves_to_another_model(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(*map(make_item, "abcde"))
    steps = 0
    while left := store.items_with_other_fingerprint(books.key, "model-b", 2):
        vectors = [(outdated.item.id, outdated.item.version, NEW) for outdated in left]
        result = run(ReplaceVectors(books.key, vectors, "model-b"))
        assert (result.replaced, result.skipped) == (len(left), ())
        steps += 1
    assert steps == 3
    moved = run(FinishReembedding(books.key, "model-b", 2))
    assert (moved.fingerprint, moved.dimensions, moved.item_count) == ("model-b", 2, 5)
    assert store.collection("books") == moved
    assert moved.sequence > result.sequence
    items = next(store.scan(books.key))
    assert [np.asarray(item.vector).tolist() for item in items] == [[1.0, 2.0]] * 5
    assert {found.fingerprint for found in store.existing(books.key, "abcde").values()} == {
        "model-b"
    }


def test_half_a_collection_has_no_models_fingerprint(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    version = put(*map(make_item, "ab")).sequence
    run(ReplaceVectors(books.key, [("a", version, SUPPLIED)], "model-b"))
    assert store.collection("books").fingerprint == ""
    for model in ("model-a", "model-b"):
        with pytest.raises(Conflict, match=r"are of model \(several\)"):
            run(Upsert(books.key, [Draft.of(make_item("b"))], model))
        with pytest.raises(AlreadyExists):
            run(CreateCollection("books", "", 4, model, 1.0, exist_ok=True))
        with pytest.raises(Conflict, match="1 vectors are not yet of model"):
            run(FinishReembedding(books.key, model, 4))
        assert len(store.items_with_other_fingerprint(books.key, model, 9)) == 1


def test_the_way_back_is_open(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    version = put(*map(make_item, "ab")).sequence
    run(ReplaceVectors(books.key, [("a", version, NEW)], "model-b"))
    (left,) = store.items_with_other_fingerprint(books.key, "model-a", 9)
    run(ReplaceVectors(books.key, [("a", left.item.version, SUPPLIED)], "model-a"))
    assert run(FinishReembedding(books.key, "model-a", 4)).fingerprint == "model-a"


def test_what_changed_since_it_was_read_is_skipped(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    version = put(*map(make_item, "abc")).sequence
    put(make_item("b", "other"))
    run(DeleteItems(books.key, ("c",)))
    vectors = [(id_, version, NEW) for id_ in "abcx"]
    result = run(ReplaceVectors(books.key, vectors, "model-b"))
    assert (result.replaced, result.skipped) == (1, ("b", "c", "x"))
    assert store.versions(books.key)["a"] == result.sequence
    again = run(ReplaceVectors(books.key, vectors, "model-b"))
    assert (again.replaced, again.sequence) == (0, result.sequence)


def test_supplied_vectors_are_marked(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    supplied = replace(make_item("b"), vector=SUPPLIED)
    version = put(make_item("a"), supplied).sequence
    left = store.items_with_other_fingerprint(books.key, "model-b", 9)
    assert {outdated.item.id: outdated.supplied for outdated in left} == {"a": False, "b": True}
    assert store.items_with_other_fingerprint(books.key, "model-a", 9) == []
    other = np.array([1.0, 0.0, 0.0, 0.0], np.float32)
    run(ReplaceVectors(books.key, [(id_, version, other) for id_ in "ab"], "model-b"))
    run(FinishReembedding(books.key, "model-b", 4))
    drafts = [Draft.of(make_item("a")), Draft.of(supplied)]
    result = run(Upsert(books.key, drafts, "model-b"))
    assert [item.id for item in result.changed] == ["b"]


def test_dimensions_must_fit(books: Collection, put: Put, make_item: MakeItem, run: Run) -> None:
    version = put(make_item("a")).sequence
    run(ReplaceVectors(books.key, [("a", version, NEW)], "model-b"))
    with pytest.raises(Conflict, match="model-b with 3 dimensions"):
        run(FinishReembedding(books.key, "model-b", 3))


def test_an_empty_collection_moves_at_once(books: Collection, run: Run) -> None:
    assert run(FinishReembedding(books.key, "model-b", 3)).dimensions == 3


def test_a_deleted_collection_is_not_found(books: Collection, run: Run) -> None:
    run(DeleteCollection("books"))
    for change in (
        ReplaceVectors(books.key, [("a", 1, NEW)], "model-b"),
        FinishReembedding(books.key, "model-b", 2),
    ):
        with pytest.raises(NotFound):
            run(change)
