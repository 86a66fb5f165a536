from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    DeleteUser,
    RecordEvents,
    UpsertResult,
)
from bertine.catalog.event_tables import FIND_USER
from bertine.catalog.privacy import UserKey
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.types import Collection, Event, Item

Run = Callable[..., Any]

ANN, BOB = b"a" * 32, b"b" * 32


def event(user: bytes, event_id: str, time: float = 0.0, weight: float | None = None) -> Event:
    return Event(user, f"item of {event_id}", "view", time, event_id, weight)


def test_events_come_back_as_they_were_given(store: Store, books: Collection, run: Run) -> None:
    events = [event(ANN, "1", 0.25), event(ANN, "2", 1e9 + 1 / 3, -0.5)]
    assert run(RecordEvents(books.key, events)) == (2, 0)
    assert store.user_events(books.key, ANN, 10) == events
    assert store.user_events(books.key, BOB, 10) == []


def test_repeats_are_harmless(store: Store, books: Collection, run: Run) -> None:
    first = event(ANN, "1")
    assert run(RecordEvents(books.key, [first, first, event(BOB, "2")])) == (2, 1)
    assert run(RecordEvents(books.key, [event(BOB, "1", 5.0), event(BOB, "3")])) == (1, 1)
    assert store.user_events(books.key, ANN, 10) == [first]
    assert run(RecordEvents(books.key, [])) == (0, 0)


def test_event_ids_are_of_one_collection(store: Store, books: Collection, run: Run) -> None:
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    for collection in (books, films):
        assert run(RecordEvents(collection.key, [event(ANN, "1")])) == (1, 0)
        assert len(store.user_events(collection.key, ANN, 10)) == 1


def test_the_latest_are_given_oldest_first(store: Store, books: Collection, run: Run) -> None:
    order = list(range(20))
    random.Random(1).shuffle(order)  # noqa: S311 (no secret)
    for number in order:
        run(RecordEvents(books.key, [event(ANN, str(number), float(number))]))
    latest = store.user_events(books.key, ANN, 5)
    assert [found.event_id for found in latest] == ["15", "16", "17", "18", "19"]


def test_events_of_one_time_are_in_the_order_of_arrival(
    store: Store, books: Collection, run: Run
) -> None:
    for names in ("cab", "zy"):
        run(RecordEvents(books.key, [event(ANN, name, 1.0) for name in names]))
    assert [found.event_id for found in store.user_events(books.key, ANN, 9)] == list("cabzy")


def test_events_leave_the_collections_sequence(store: Store, books: Collection, run: Run) -> None:
    run(RecordEvents(books.key, [event(ANN, "1")]))
    assert store.collection("books").sequence == books.sequence


def test_a_user_is_deleted_in_every_collection(store: Store, books: Collection, run: Run) -> None:
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    for key in (books.key, films.key):
        run(RecordEvents(key, [event(ANN, "1"), event(ANN, "2"), event(BOB, "3")]))
    assert run(DeleteUser(ANN)) == 4
    assert run(DeleteUser(ANN)) == 0
    assert store.user_events(books.key, ANN, 9) == store.user_events(films.key, ANN, 9) == []
    assert len(store.user_events(films.key, BOB, 9)) == 1
    assert run(RecordEvents(books.key, [event(ANN, "1")])) == (1, 0)


def still_erasing(writer: Writer) -> bool:
    return writer.erasing


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("seed", range(3))
def test_a_deleted_user_leaves_no_bytes(
    store: Store, books: Collection, run: Run, erase: Callable[[], None], seed: int
) -> None:
    """Among others' events and after others were erased, so that pages had reason to change."""
    films = run(CreateCollection("films", "", 4, "model-a", 1.0))
    key = UserKey.load_or_create(store.folder)
    users = {f"user{number:02d}": key.digest(f"user{number:02d}") for number in range(60)}
    chosen = random.Random(seed)  # noqa: S311 (no secret)
    events = [
        event(digest, f"of-{name}-{chosen.getrandbits(60):015x}", chosen.random())
        for name, digest in users.items()
        for _ in range(60)
    ]
    chosen.shuffle(events)
    for start in range(0, len(events), 100):
        run(RecordEvents((books, films)[start // 100 % 2].key, events[start : start + 100]))
    before = bytes_of(store.folder)
    assert all(f"of-{name}".encode() in before and bytes(users[name]) in before for name in users)

    erased = chosen.sample(sorted(users), 40)
    for name in erased:
        assert run(DeleteUser(users[name])) == 60
    left = bytes_of(store.folder)
    for name, digest in users.items():
        assert (f"of-{name}".encode() in left) == (bytes(digest) in left) == (name not in erased)

    run(DeleteCollection("films"))
    erase()
    left = bytes_of(store.folder)
    kept = {e.event_id for u in users.values() for e in store.user_events(books.key, u, 99)}
    assert len(kept) > 100
    assert {e.event_id for e in events if e.event_id.encode() in left} == kept


def test_erased_events_leave_the_indexes(store: Store, books: Collection, run: Run) -> None:
    """Rows stay, emptied, and must not slow down what finds the others."""
    run(RecordEvents(books.key, [event(BOB, "kept")]))
    for _ in range(30):
        run(RecordEvents(books.key, [event(ANN, "1"), event(ANN, "2")]))
        assert run(DeleteUser(ANN)) == 2
    connection = store.open_writing()
    (users,) = connection.execute("SELECT count(*) FROM users WHERE digest IS NOT NULL").fetchone()
    plan = connection.execute(f"EXPLAIN QUERY PLAN {FIND_USER}", (BOB,)).fetchall()
    connection.close()
    assert users == 1
    assert "users_by_prefix" in str(plan)
    assert [found.event_id for found in store.user_events(books.key, BOB, 9)] == ["kept"]


def test_a_long_read_only_delays_the_erasing(
    store: Store,
    books: Collection,
    run: Run,
    put: Callable[..., UpsertResult],
    make_item: Callable[..., Item],
    writer: Writer,
) -> None:
    put(make_item("a"), make_item("b"))
    run(RecordEvents(books.key, [event(ANN, "event-of-ann")]))
    scan = store.scan(books.key, batch=1)
    next(scan)
    assert run(DeleteUser(ANN)) == 1
    assert store.user_events(books.key, ANN, 9) == []
    assert still_erasing(writer)
    assert b"event-of-ann" in bytes_of(store.folder)
    del scan
    put(make_item("c"))  # the writer tries again after every group
    writer.close()
    assert not still_erasing(writer)
    assert b"event-of-ann" not in bytes_of(store.folder)
    assert ANN not in bytes_of(store.folder)


def test_what_a_crash_kept_in_the_log_is_erased_at_the_next_start(
    store: Store, books: Collection, run: Run, put: Callable[..., UpsertResult], tmp_path: Path
) -> None:
    put(Item("a", "a"), Item("b", "b"))
    run(RecordEvents(books.key, [event(ANN, "event-of-ann")]))
    scan = store.scan(books.key, batch=1)
    next(scan)
    assert run(DeleteUser(ANN)) == 1
    crashed = tmp_path / "crashed"
    shutil.copytree(store.folder, crashed)
    del scan
    assert b"event-of-ann" in bytes_of(crashed)
    Store.open(crashed).close()
    assert b"event-of-ann" not in bytes_of(crashed)
