"""A catalog that an older Bertine wrote: what is in it stays, and what is new works on it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    Draft,
    EraseRows,
    FinishErasing,
    PurgeExpired,
    RecordEvents,
    SetAlias,
    Upsert,
)
from bertine.catalog.schema import APPLICATION_ID, MIGRATIONS, prepare
from bertine.catalog.store import FILE, Store
from bertine.catalog.writer import Writer
from bertine.types import Alias, Event, Item

VERSION_1 = Path(__file__).with_name("schema_1.sql")
ANN = b"u" * 32
ITEMS = [
    Item("a", "a whale", {"year": 1851, "subjects": ("sea", "whales"), "new": True, "price": 3.0}),
    Item("b", "a ship", {}, None, 1.5, 4e9),
    Item("ż", "", {}, np.array([0.6, 0.8], np.float32)),
]
VECTORS = {"a": [1.0, 0.0], "b": [0.0, 1.0], "ż": np.array([0.6, 0.8], np.float32).tolist()}


@pytest.fixture
def old(folder: Path) -> Path:
    """A data folder with a catalog of schema version 1."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
        header = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in HEADER]
    assert header == [1, APPLICATION_ID]
    return folder


HEADER = ("user_version", "application_id")


def test_everything_is_still_there(old: Path) -> None:
    with Store.open(old) as store:
        books, empty = store.collections()
        assert (books.name, books.text_template, books.dimensions) == ("books", "{title}", 2)
        assert (books.fingerprint, books.created, books.item_count) == ("model-a", 2.5, 3)
        assert (empty.name, empty.item_count) == ("empty", 0)
        found = store.get_items(books.key, VECTORS, with_vectors=True)
        for item in ITEMS:
            there = found[item.id]
            assert replace(there, vector=None, version=0) == replace(item, vector=None)
            assert there.vector is not None
            assert there.vector.tolist() == VECTORS[item.id]
        assert [e.item_id for e in store.user_events(books.key, ANN, 9)] == ["a", "b"]
        assert store.aliases() == []
        assert store.next_to_erase() is None
        assert not store.has_expired(time.time())


def test_what_is_new_works_on_it(old: Path) -> None:
    with Store.open(old) as store, Writer(store) as writer:
        books, _ = store.collections()
        drafts = [Draft.of(item) for item in ITEMS]
        same = writer.submit(Upsert(books.key, drafts, "model-a")).result()
        assert (same.unchanged, same.sequence) == (3, books.sequence)
        expiring = Draft.of(replace(ITEMS[0], expire_time=5.0))
        assert writer.submit(Upsert(books.key, [expiring], "model-a")).result().updated == 1
        assert writer.submit(PurgeExpired(5.0, 9)).result().deleted == {books.key: ("a",)}
        writer.submit(SetAlias("media", "empty")).result()
        assert store.aliases() == [Alias("media", "empty")]
        told = Event(ANN, "a", "view", 6.0, "new", None, b"s" * 32, "pt-SP", "phone", -180, "shown")
        assert writer.submit(RecordEvents(books.key, [told])).result().recorded == 1
        assert store.user_events(books.key, ANN, 1) == [told]
        event = Event(ANN, "a", "view", 5.0, "e1")
        assert writer.submit(RecordEvents(books.key, [event])).result().duplicates == 1
        assert writer.submit(DeleteCollection("books")).result() == 2
        while writer.submit(EraseRows(books.key, 2)).result():
            pass
        writer.submit(FinishErasing(books.key)).result()
        assert [made.name for made in store.collections()] == ["empty"]
        assert ANN not in b"".join(path.read_bytes() for path in old.iterdir())


def tables(path: Path, like: Callable[[str], bool]) -> dict[str, object]:
    """Columns of tables, and the other names of the schema."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")]
        return {
            name: connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
            for name in names
            if like(name)
        }


def test_the_schema_is_that_of_a_new_file(old: Path, tmp_path: Path) -> None:
    fresh = tmp_path / FILE
    prepare(fresh)
    prepare(old / FILE)

    with Store.open(tmp_path) as store, Writer(store) as writer:
        for name in ("one", "two"):  # so that there are tables of events, of the same names
            writer.submit(CreateCollection(name, "", 2, "model-a", 1.0)).result()

    def of_all(name: str) -> bool:
        return not name.startswith("events_") or name.startswith("events_2")

    assert tables(old / FILE, of_all) == tables(fresh, of_all)
    with closing(sqlite3.connect(old / FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_events_of_version_3_lose_their_index_by_time_and_nothing_else(folder: Path) -> None:
    event = Event(ANN, "a", "view", 5.0, "e1", None, b"", "pt-SP")
    with Store.open(folder) as store, Writer(store) as writer:
        keys = [
            writer.submit(CreateCollection(name, "", 2, "model-a", 1.0)).result().key
            for name in ("one", "two")
        ]
        writer.submit(RecordEvents(keys[0], [event])).result()
    with closing(sqlite3.connect(folder / FILE)) as connection:
        before = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
        for key in keys:
            connection.execute(f"CREATE INDEX events_{key}_by_time ON events_{key} (time)")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    with Store.open(folder) as store, Writer(store) as writer:
        assert store.user_events(keys[0], ANN, 9) == [event]
        assert writer.submit(RecordEvents(keys[1], [event])).result().recorded == 1
    with closing(sqlite3.connect(folder / FILE)) as connection:
        after = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
        assert after == before
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
