"""Items of several vectors in the catalog: stored side by side, changed part by part."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertine.catalog.changes import (
    CreateCollection,
    Draft,
    FinishReembedding,
    ReplaceVectors,
    StaleVectors,
    Upsert,
)
from bertine.catalog.digest import content_digest, text_digest
from bertine.catalog.given import given
from bertine.catalog.rows import vector_to_bytes
from bertine.catalog.store import FILE, Store
from bertine.catalog.verify_items import check_items, vector_problem
from bertine.errors import AlreadyExists, InvalidInput
from bertine.index.parts import Parts
from bertine.types import Collection, Item, NamedVector, Vector

Run = Callable[..., Any]

IMAGE, SOUND = NamedVector("image", 2, 0.3), NamedVector("sound", 3, 0.2)
NAMED = (IMAGE, SOUND)
TEXT = np.array([0.6, 0.8, 0.0, 0.0], np.float32)
RED = np.array([1.0, 0.0], np.float32)
LOUD = np.array([0.0, 0.0, 1.0], np.float32)


@pytest.fixture
def films(run: Run) -> Collection:
    made: Collection = run(CreateCollection("films", "", 4, "model-a", 1.0, vectors=NAMED))
    return made


def put(run: Run, films: Collection, item: Item, text: Vector | None) -> Any:
    draft = Draft.of(item)
    return run(Upsert(films.key, [draft.with_vector(text)], "model-a"))


def stored(store: Store, films: Collection, id_: str) -> Item:
    return store.get_items(films.key, [id_], with_vectors=True)[id_]


def test_settings_are_kept_and_compared(store: Store, run: Run, films: Collection) -> None:
    assert store.collection("films").vectors == NAMED
    again = CreateCollection("films", "", 4, "model-a", 9.0, exist_ok=True, vectors=NAMED)
    assert run(again) == films
    with pytest.raises(AlreadyExists, match="vectors"):
        run(CreateCollection("films", "", 4, "model-a", 9.0, exist_ok=True, vectors=(IMAGE,)))
    heavy = (IMAGE, NamedVector("sound", 3, 0.7))
    with pytest.raises(InvalidInput, match="together"):
        run(CreateCollection("more", "", 4, "model-a", 9.0, vectors=heavy))


def test_parts_are_stored_bit_by_bit(store: Store, run: Run, films: Collection) -> None:
    result = put(run, films, Item("a", "one", vectors={"sound": LOUD}), TEXT)
    (changed,) = result.changed
    for item in (changed, stored(store, films, "a"), *next(store.scan(films.key))):
        assert item.vector is not None
        np.testing.assert_array_equal(item.vector, TEXT)
        assert item.vectors.keys() == {"sound"}
        np.testing.assert_array_equal(item.vectors["sound"], LOUD)


def test_a_text_is_kept_while_other_parts_change(store: Store, run: Run, films: Collection) -> None:
    put(run, films, Item("a", "one", vectors={"sound": LOUD}), TEXT)
    assert put(run, films, Item("a", "one", vectors={"sound": LOUD}), None).unchanged == 1
    result = put(run, films, Item("a", "one", vectors={"image": RED}), None)
    for item in (*result.changed, stored(store, films, "a")):
        assert item.vector is not None
        np.testing.assert_array_equal(item.vector, TEXT)
        assert item.vectors.keys() == {"image"}
    with pytest.raises(StaleVectors):
        put(run, films, Item("a", "two", vectors={"image": RED}), None)


def test_an_item_may_have_no_text(store: Store, run: Run, films: Collection) -> None:
    put(run, films, Item("a", vectors={"image": RED}), None)
    there = stored(store, films, "a")
    assert (there.vector, there.text, there.vectors["image"].tolist()) == (None, "", [1.0, 0.0])
    with pytest.raises(StaleVectors):
        put(run, films, Item("b"), None)


@pytest.mark.parametrize(
    ("vectors", "field"),
    [
        ({"smell": RED}, "items[0].vectors[smell]"),
        ({"image": LOUD}, "items[0].vectors[image].dimensions"),
        ({"image": 2 * RED}, "items[0].vectors[image]"),
    ],
)
def test_bad_parts_are_refused(
    run: Run, films: Collection, vectors: dict[str, Vector], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        put(run, films, Item("a", "one", vectors=vectors), TEXT)
    assert caught.value.field == field


def test_digests_know_named_vectors_and_old_ones_stay() -> None:
    plain, seen = Item("a", "one", {"year": 1}), Item("a", "one", {"year": 1}, vectors={"b": RED})
    assert text_digest(plain) == text_digest(seen)
    digests = [
        content_digest(item)
        for item in (
            plain,
            seen,
            Item("a", "one", {"year": 1}, vectors={"c": RED}),
            Item("a", "one", {"year": 1}, vectors={"b": -RED}),
            Item("a", "one", {"year": 1}, vectors={"b": RED, "c": RED}),
            Item("a", "one", {"year": 1}, expire_time=5.0, vectors={"b": RED}),
        )
    ]
    assert len(set(digests)) == len(digests)
    assert content_digest(Item("a", "one", {"year": 1}, vectors={})) == digests[0]
    either, other = {"b": RED, "c": LOUD}, {"c": LOUD, "b": RED}
    assert content_digest(Item("a", vectors=either)) == content_digest(Item("a", vectors=other))


def test_another_model_replaces_the_text_alone(store: Store, run: Run, films: Collection) -> None:
    put(run, films, Item("a", "one", vectors={"image": RED, "sound": LOUD}), TEXT)
    put(run, films, Item("b", vectors={"image": RED}), None)
    new = np.array([0.0, 1.0], np.float32)
    versions = store.versions(films.key)
    rows = [("a", versions["a"], new), ("b", versions["b"], np.zeros(2, np.float32))]
    assert run(ReplaceVectors(films.key, rows, "model-b")).replaced == 2
    assert stored(store, films, "a").vectors.keys() == {"image", "sound"}  # also halfway
    moved = run(FinishReembedding(films.key, "model-b", 2))
    assert (moved.dimensions, moved.vectors) == (2, NAMED)
    a, b = stored(store, films, "a"), stored(store, films, "b")
    assert a.vector is not None
    assert a.vector.tolist() == new.tolist()
    np.testing.assert_array_equal(a.vectors["sound"], LOUD)
    assert (b.vector, b.vectors["image"].tolist()) == (None, RED.tolist())


def test_what_is_stored_is_verified(run: Run, films: Collection, folder: Path) -> None:
    put(run, films, Item("a", "one", vectors={"sound": LOUD}), TEXT)
    put(run, films, Item("b", vectors={"image": RED}), None)
    supplied = Draft.of(Item("c", "", vector=TEXT, vectors={"image": RED}))
    run(Upsert(films.key, [supplied], "model-a"))

    def states() -> set[tuple[str, str]]:
        with closing(sqlite3.connect(folder / FILE)) as connection:
            return {(c.name, c.status) for c in check_items(connection, lambda *_: None)}

    assert {status for _, status in states()} == {"ok"}
    parts = Parts(4, NAMED)
    for damaged, check in (
        (parts.join(TEXT, {"sound": np.array([0.0, 1.0, 0.0], np.float32)}), "digests"),
        (parts.join(TEXT, {"sound": 2 * LOUD}), "vectors"),
        (parts.join(None, {"sound": LOUD}), "vectors"),
        (TEXT, "vectors"),
    ):
        with closing(sqlite3.connect(folder / FILE)) as connection, connection:
            connection.execute(
                "UPDATE vectors SET data = ? WHERE item = 1", (vector_to_bytes(damaged),)
            )
        assert (check, "problem") in states()


def test_a_vector_of_nothing_is_a_problem() -> None:
    assert vector_problem(bytes(36), 4, NAMED) == "its vector is all zeros"
    assert vector_problem(bytes(20), None, NAMED)  # no room for a text
    whole = Parts(4, NAMED).join(TEXT, {"image": RED})
    assert vector_problem(vector_to_bytes(whole), 4, NAMED) == ""
    assert vector_problem(vector_to_bytes(whole), None, NAMED) == ""
    assert "'image'" in vector_problem(
        vector_to_bytes(Parts(4, NAMED).join(TEXT, {"image": 3 * RED})), 4, NAMED
    )


def test_templates_texts_and_vectors_as_they_are_given() -> None:
    parts = Parts(4, NAMED)
    item = Item("a", attributes={"title": "Emma"}, vectors={"image": RED})
    assert given(item, parts, "{title}!", "items[0]").text == "Emma!"
    assert given(item, parts, "{author}", "items[0]").text == ""
    with pytest.raises(InvalidInput, match="found none"):
        given(Item("a"), parts, "{author}", "items[0]")
    with pytest.raises(InvalidInput, match=r"items\[3\].text: is empty, and it has no template"):
        given(Item("a"), parts, "", "items[3]")
