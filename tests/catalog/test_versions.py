from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.catalog.changes import DeleteItems, Draft, Upsert, UpsertResult
from bertine.catalog.store import Store
from bertine.catalog.versions import Expected, check_versions, mismatches
from bertine.errors import Mismatch, VersionMismatch
from bertine.types import Collection, Item, Vector

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]
versions = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3))


@given(versions, versions.map(lambda present: {id_: v for id_, v in present.items() if v}))
def test_what_mismatches(expected: dict[str, int], present: dict[str, int]) -> None:
    found = mismatches(expected, present)
    assert {one.id for one in found} == {
        id_ for id_, version in expected.items() if version != present.get(id_, 0)
    }
    for one in found:
        assert (one.expected, one.version) == (expected[one.id], present.get(one.id, 0))
    if found:
        with pytest.raises(VersionMismatch) as refused:
            check_versions(expected, present)
        assert refused.value.mismatches == found
    else:
        check_versions(expected, present)


def test_the_message_names_the_first_with_their_versions() -> None:
    many = [("a", 5, 7), ("b", 0, 7), ("x" * 200, 5, 0), ("d", 1, 2)]
    message = str(VersionMismatch([Mismatch(*one) for one in many]))
    assert message.startswith(
        "item 'a' is at version 7, not at 5, item 'b' is at version 7, and must not exist, "
        f"item '{'x' * 40}…' does not exist, not at 5 and 1 more; read them again"
    )


def test_an_upsert_is_refused_whole(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run,
    vector_of: Callable[[str], Vector],
) -> None:  # fmt: skip
    first = put(make_item("a"), make_item("b")).sequence
    second = put(make_item("b", "other")).sequence
    drafts = [Draft.of(make_item(i, "new")).with_vector(vector_of("new")) for i in "abc"]
    wrong = Expected({"a": first, "b": first, "c": 0}, now=0.0)
    with pytest.raises(VersionMismatch) as refused:
        run(Upsert(books.key, drafts, "model-a", wrong))
    assert refused.value.mismatches == (Mismatch("b", first, second),)
    assert store.collection("books").sequence == second
    right = Expected({"a": first, "b": second, "c": 0}, now=0.0)
    assert run(Upsert(books.key, drafts, "model-a", right)).updated == 2
    with pytest.raises(VersionMismatch):
        run(Upsert(books.key, [], "model-a", right))


def test_a_deletion_is_refused_whole(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    sequence = put(make_item("a"), make_item("b")).sequence
    with pytest.raises(VersionMismatch, match="item 'b' is at version"):
        run(DeleteItems(books.key, ("a", "b"), Expected({"b": sequence + 1}, 0.0)))
    assert store.collection("books").item_count == 2
    assert run(DeleteItems(books.key, ("a",), Expected({"a": sequence, "x": 0}, 0.0))).missing == 0


def test_what_has_expired_does_not_exist(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(replace(make_item("a"), expire_time=50.0))
    ids = ("a",)
    with pytest.raises(VersionMismatch):
        run(DeleteItems(books.key, ids, Expected({"a": 0}, now=49.9)))
    assert store.existing(books.key, ids)["a"].version == 0
    assert run(DeleteItems(books.key, ids, Expected({"a": 0}, now=50.0))).deleted == ids
