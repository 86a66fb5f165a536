from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertine.catalog.changes import CreateCollection, DeleteAlias, DeleteCollection, SetAlias
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from bertine.types import Alias, Collection

Run = Callable[..., Any]


@pytest.fixture
def films(run: Run) -> Collection:
    made: Collection = run(CreateCollection("films", "", 4, "model-a", 1.0))
    return made


def test_an_alias_is_set_moved_and_deleted(
    store: Store, books: Collection, films: Collection, run: Run
) -> None:
    result = run(SetAlias("media", "books"))
    assert (result.collection, result.previous) == (books, "")
    assert run(SetAlias("media", "books")).previous == "books"
    result = run(SetAlias("media", "films"))
    assert (result.collection, result.previous) == (films, "books")
    assert store.aliases() == [Alias("media", "films")]
    assert run(DeleteAlias("media")) == "films"
    assert store.aliases() == []
    with pytest.raises(NotFound, match="alias 'media' does not exist"):
        run(DeleteAlias("media"))


def test_names_are_of_one_kind(store: Store, books: Collection, run: Run) -> None:
    run(SetAlias("media", "books"))
    with pytest.raises(AlreadyExists, match="'books' is the name of a collection"):
        run(SetAlias("books", "books"))
    with pytest.raises(InvalidInput, match="itself an alias; give 'books' instead"):
        run(SetAlias("x", "media"))
    with pytest.raises(NotFound, match="collection 'nowhere'"):
        run(SetAlias("x", "nowhere"))
    create = CreateCollection("media", "", 4, "model-a", 1.0)
    with pytest.raises(AlreadyExists, match="'media' exists as an alias of 'books'; exist_ok"):
        run(create)
    assert run(CreateCollection("media", "", 4, "model-a", 1.0, exist_ok=True)) == books
    with pytest.raises(AlreadyExists, match="an alias of 'books' with other settings"):
        run(CreateCollection("media", "", 5, "model-a", 1.0, exist_ok=True))
    assert [made.name for made in store.collections()] == ["books"]


def test_a_collection_with_an_alias_is_not_deleted(
    store: Store, books: Collection, run: Run
) -> None:
    for alias in ("b", "a"):
        run(SetAlias(alias, "books"))
    with pytest.raises(Conflict, match="collection 'books' is what 'a', 'b' stands for"):
        run(DeleteCollection("books"))
    with pytest.raises(Conflict, match="'a' is an alias of collection 'books'"):
        run(DeleteCollection("a"))
    assert store.collection("books") == books
    for alias in ("a", "b"):
        run(DeleteAlias(alias))
    assert run(DeleteCollection("books")) == 0
    assert run(SetAlias("books", run(CreateCollection("c", "", 4, "m", 1.0)).name)).previous == ""


def test_aliases_are_there_after_a_restart(folder: Path) -> None:
    with Store.open(folder) as store, Writer(store) as writer:
        writer.submit(CreateCollection("books", "", 4, "m", 1.0))
        writer.submit(SetAlias("media", "books")).result()
    with Store.open(folder) as store:
        assert store.aliases() == [Alias("media", "books")]
