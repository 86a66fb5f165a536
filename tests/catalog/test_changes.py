from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    DeleteItems,
    RecordEvents,
    UpsertResult,
)
from bertine.catalog.store import Store
from bertine.errors import AlreadyExists, InvalidInput, NotFound
from bertine.types import Collection, Event, Item

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]
Erase = Callable[[], None]

SETTINGS: dict[str, Any] = {
    "name": "films",
    "text_template": "{title}",
    "dimensions": 8,
    "fingerprint": "model-a",
    "created": 12.5,
}


def test_a_collection_comes_back_as_it_was_made(store: Store, run: Run) -> None:
    films = run(CreateCollection(**SETTINGS))
    assert films == Collection(films.key, "films", "{title}", 8, "model-a", 12.5, 1, 0)
    assert store.collection("films") == films


def test_an_equal_collection_is_accepted_if_asked(run: Run) -> None:
    films = run(CreateCollection(**SETTINGS))
    assert run(CreateCollection(**SETTINGS | {"created": 99.0}, exist_ok=True)) == films
    with pytest.raises(AlreadyExists, match="'films' exists; exist_ok accepts an equal one"):
        run(CreateCollection(**SETTINGS))


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"text_template": "{name}"}, r"its text_template is '\{title\}', not '\{name\}'"),
        ({"dimensions": 9}, "its dimensions is 8, not 9"),
        ({"fingerprint": "model-b"}, "its fingerprint is 'model-a', not 'model-b'"),
    ],
)
def test_another_collection_of_that_name_is_refused(
    run: Run, different: dict[str, object], message: str
) -> None:
    run(CreateCollection(**SETTINGS))
    with pytest.raises(AlreadyExists, match=message):
        run(CreateCollection(**SETTINGS | different, exist_ok=True))


def test_a_malformed_template_makes_no_collection(store: Store, run: Run) -> None:
    with pytest.raises(InvalidInput, match="text_template"):
        run(CreateCollection(**SETTINGS | {"text_template": "{title"}))
    assert store.collections() == []


def test_delete_items_counts_those_that_are_not_there(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    before = put(*map(make_item, "abc")).sequence
    result = run(DeleteItems(books.key, ("c", "x", "a", "c")))
    assert (result.deleted, result.missing) == (("c", "a"), 1)
    assert result.sequence > before
    after = store.collection("books")
    assert (after.item_count, after.sequence) == (1, result.sequence)


def test_to_delete_nothing_changes_nothing(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    sequence = put(make_item("a")).sequence
    result = run(DeleteItems(books.key, ("x",)))
    assert (result.deleted, result.missing, result.sequence) == ((), 1, sequence)
    assert store.collection("books").sequence == sequence


def test_delete_collection_takes_everything_along(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run, erase: Erase
) -> None:
    films = run(CreateCollection(**SETTINGS))
    put(*map(make_item, "abc"))
    ann, bob = b"a" * 32, b"b" * 32
    run(RecordEvents(books.key, [Event(u, "a", "view", 1.0, u.hex()) for u in (ann, bob)]))
    run(RecordEvents(films.key, [Event(ann, "a", "view", 1.0, "1")]))
    assert run(DeleteCollection("books")) == 3
    assert store.collections() == [films]
    assert store.user_events(books.key, ann, 9) == []
    assert len(store.user_events(films.key, ann, 9)) == 1
    erase()
    connection = store.open_writing()
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (fixed)
        for table in ("items", "vectors", f"events_{films.key}", "users WHERE digest IS NOT NULL")
    ]
    tables = str(connection.execute("SELECT name FROM sqlite_schema").fetchall())
    connection.close()
    assert counts == [0, 0, 1, 1]
    assert f"events_{books.key}" not in tables


def test_what_was_deleted_cannot_be_changed(books: Collection, run: Run) -> None:
    run(DeleteCollection("books"))
    with pytest.raises(NotFound):
        run(DeleteCollection("books"))
    for change in (DeleteItems(books.key, ("a",)), RecordEvents(books.key, [])):
        with pytest.raises(NotFound, match="was deleted meanwhile"):
            run(change)


def test_sequence_numbers_grow_over_all_collections(
    books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    numbers = [
        books.sequence,
        put(make_item("a")).sequence,
        run(CreateCollection(**SETTINGS)).sequence,
        put(make_item("b")).sequence,
        run(DeleteItems(books.key, ("a",))).sequence,
    ]
    assert numbers == sorted(set(numbers))
