from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    DeleteUser,
    Draft,
    EraseRows,
    FinishErasing,
    RecordEvents,
    SetAlias,
    Upsert,
    UpsertResult,
)
from bertine.catalog.purger import BATCH, Purger
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.errors import NotFound
from bertine.types import Collection, Event, Item

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
Run = Callable[..., Any]
ANN, BOB = b"a" * 32, b"b" * 32


def event(user: bytes, number: int) -> Event:
    return Event(user, f"item-of-{user[:1]!r}", "view", float(number), f"{user.hex()}-{number}")


def rows(store: Store, table: str) -> int:
    connection = store.open_writing()
    try:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    finally:
        connection.close()
    return int(count)


def test_the_name_is_free_at_once(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    put(*map(make_item, "abc"))
    run(RecordEvents(books.key, [event(ANN, 1)]))
    assert run(DeleteCollection("books")) == 3
    assert store.collections() == []
    with pytest.raises(NotFound, match="there is none yet"):
        store.collection("books")
    assert store.get_items(books.key, "abc", with_vectors=True) == {}
    assert store.list_items(books.key, "", 9, with_vectors=False) == []
    assert not store.existing(books.key, "abc")
    assert not store.versions(books.key)
    assert store.user_events(books.key, ANN, 9) == []
    with pytest.raises(NotFound):
        run(SetAlias("alias", "books"))
    again = run(CreateCollection("books", "", 4, "model-a", 1.0))
    assert (again.key > books.key, again.item_count) == (True, 0)
    assert store.next_to_erase() == books.key
    assert rows(store, "items") == 3


def test_rows_are_erased_bit_by_bit_and_others_stay(
    store: Store, books: Collection, put: Put, make_item: MakeItem, run: Run
) -> None:
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    put(*(make_item(str(number)) for number in range(10)))
    run(RecordEvents(films.key, [event(ANN, 0)]))
    run(RecordEvents(books.key, [event(user, n) for n in range(5) for user in (ANN, BOB)]))
    run(DeleteCollection("books"))
    steps = []
    while count := run(EraseRows(books.key, 4)):
        steps.append(count)
    assert steps == [4, 4, 2, 4, 4, 2, 4, 4, 2]  # events, items, what the events left
    assert rows(store, "users WHERE digest IS NOT NULL") == 1
    run(FinishErasing(books.key))
    assert store.next_to_erase() is None
    assert rows(store, "items") == rows(store, "vectors") == 0
    assert rows(store, "collections") == 1
    assert rows(store, f"sqlite_schema WHERE name LIKE 'events_{books.key}%'") == 0
    assert len(store.user_events(films.key, ANN, 9)) == 1


def test_a_user_is_deleted_from_what_is_not_yet_erased(
    store: Store, books: Collection, run: Run, erase: Callable[[], None]
) -> None:
    run(RecordEvents(books.key, [event(ANN, n) for n in range(3)]))
    run(DeleteCollection("books"))
    run(EraseRows(books.key, 1))
    assert run(DeleteUser(ANN)) == 2
    assert b"item-of-b'a'" not in b"".join(path.read_bytes() for path in store.folder.iterdir())
    erase()
    assert store.next_to_erase() is None


def test_events_and_users_leave_no_bytes(
    store: Store, books: Collection, run: Run, erase: Callable[[], None]
) -> None:
    """Nor is one kept of a user whom another collection knows, but of what he did here."""
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    run(RecordEvents(films.key, [event(BOB, -1)]))
    for start in range(0, 600, 100):
        both = [event(user, n) for n in range(start, start + 100) for user in (ANN, BOB)]
        run(RecordEvents(books.key, both))
    run(DeleteCollection("books"))
    erase()
    left = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert ANN not in left
    assert b"item-of-b'a'" not in left
    assert left.count(BOB) >= 1
    assert b"-599" not in left


def test_the_purger_takes_up_what_another_left(
    folder: Path, make_item: MakeItem, vector_of: Callable[[str], Any]
) -> None:
    with Store.open(folder) as store, Writer(store) as writer:
        key = writer.submit(CreateCollection("books", "", 4, "m", 1.0)).result().key
        names = [f"{number}" for number in range(3 * BATCH)]
        drafts = [Draft.of(make_item(n)).with_vector(vector_of(n)) for n in names]
        writer.submit(Upsert(key, drafts, "m")).result()
        writer.submit(DeleteCollection("books")).result()
        assert writer.submit(EraseRows(key, BATCH)).result() == BATCH
    erased: list[tuple[str, int]] = []
    with Store.open(folder) as store, Writer(store) as writer:
        purger = Purger(store, writer, on_purge=lambda *purged: erased.append(purged))
        try:
            while store.next_to_erase() is not None:
                assert writer.healthy
        finally:
            purger.close()
        assert rows(store, "items") == 0
    assert [count for _, count in erased] == [BATCH, BATCH, 0]


@dataclass(frozen=True)
class EraseAtOnce:
    """What deleting a collection would be without parts."""

    collection_key: int

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = True

    def execute(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM collections WHERE key = ?", (self.collection_key,))


def test_others_go_on_while_a_collection_is_erased(store: Store, writer: Writer, run: Run) -> None:
    """Figures to look at, not to hold anyone to: how long others wait for the writer."""
    vector = np.ones(384, np.float32)
    other = run(CreateCollection("other", "", 384, "m", 1.0))
    for way in ("in parts", "at once"):
        doomed = run(CreateCollection(way, "", 384, "m", 1.0))
        for start in range(0, 8_192, 512):
            items = [Item(f"item-{n}", f"text {n} " * 20) for n in range(start, start + 512)]
            run(Upsert(doomed.key, [Draft.of(i).with_vector(vector) for i in items], "m"))
        started = time.perf_counter()
        if way == "at once":
            erasing = writer.submit(EraseAtOnce(doomed.key))
        else:
            run(DeleteCollection(way))
            erasing = Future()
            thread = threading.Thread(target=erase_in_parts, args=(run, doomed.key, erasing))
            thread.start()
        waits = []
        while not erasing.done():
            before = time.perf_counter()
            draft = Draft.of(Item("x", f"text {before}")).with_vector(vector)
            run(Upsert(other.key, [draft], "m"))
            waits.append(time.perf_counter() - before)
        erasing.result()
        waits.sort()
        sys.stdout.write(
            f"8,192 items erased {way} in {time.perf_counter() - started:.2f} s; beside it "
            f"{len(waits)} upserts waited {waits[len(waits) // 2] * 1e3:.0f} ms in the median, "
            f"{waits[-1] * 1e3:.0f} ms at most\n"
        )
    assert [made.name for made in store.collections()] == ["other"]


def erase_in_parts(run: Run, key: int, done: Future[None]) -> None:
    try:
        while run(EraseRows(key, BATCH)):
            pass
        run(FinishErasing(key))
        done.set_result(None)
    except BaseException as error:
        done.set_exception(error)
        raise
