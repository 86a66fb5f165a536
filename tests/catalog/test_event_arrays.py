from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bertine.catalog.changes import DeleteCollection, DeleteUser, ExpireEvents, RecordEvents
from bertine.catalog.event_arrays import Mark
from bertine.catalog.privacy import UserKey
from bertine.catalog.store import Store
from bertine.types import Collection, Event

Run = Callable[..., Any]

ANN, BOB = b"a" * 32, b"b" * 32
FIRST = Event(ANN, "x", "view", 3.0, "1", None, b"s" * 32, "pt-SP", "phone", -180, "shown")
EVENTS = [
    FIRST,
    Event(BOB, "y", "impression", 2.0, "2", -0.5),
    Event(ANN, "y", "view", 1.0, "3", None, b"", "", "tablet", 60),
]


def test_context_comes_back(store: Store, books: Collection, run: Run) -> None:
    run(RecordEvents(books.key, EVENTS))
    assert store.user_events(books.key, ANN, 9) == [EVENTS[2], FIRST]


def test_events_as_arrays(store: Store, books: Collection, run: Run) -> None:
    run(RecordEvents(books.key, EVENTS))
    found = store.event_arrays(books.key)
    assert found is not None
    assert found.mark == store.events_mark(books.key) == Mark(3, 0, 0)
    assert found.users.tolist() == [0, 1, 0]
    assert [found.item_ids[one] for one in found.items] == ["x", "y", "y"]
    assert [found.type_names[one] for one in found.types] == ["view", "impression", "view"]
    assert found.times.tolist() == [3.0, 2.0, 1.0]
    assert np.isnan(found.weights).tolist() == [True, False, True]
    assert found.weights[1] == -0.5
    assert (found.places.tolist(), found.place_names) == ([0, -1, -1], ["pt-SP"])
    assert (found.devices.tolist(), found.device_names) == ([0, -1, 1], ["phone", "tablet"])
    assert found.offsets.tolist() == [-180, 0, 60]


def test_the_mark_counts_what_was_erased(store: Store, books: Collection, run: Run) -> None:
    run(RecordEvents(books.key, EVENTS))
    assert run(DeleteUser(BOB)) == 1
    assert run(DeleteUser(BOB)) == 0
    assert store.events_mark(books.key) == Mark(3, 1, 0)
    found = store.event_arrays(books.key)
    assert found is not None
    assert (found.users.tolist(), found.item_ids) == ([0, 0], ["x", "y"])
    run(DeleteCollection("books"))
    assert store.events_mark(books.key) is None
    assert store.event_arrays(books.key) is None


def test_old_events_are_erased_to_the_last_byte(store: Store, books: Collection, run: Run) -> None:
    old = replace(FIRST, event_id="old-event", time=1.0, user=BOB)
    run(RecordEvents(books.key, [old, FIRST]))
    assert store.oldest_events(books.key, 0, 10) == [(0, 1.0, 2)]
    assert run(ExpireEvents(books.key, 0, 1.0)) == 1
    assert run(ExpireEvents(books.key, 0, 1.0)) == 0
    assert store.oldest_events(books.key, 0, 10) == [(0, FIRST.time, 2)]
    assert store.events_mark(books.key) == Mark(2, 0, 1)
    assert store.user_events(books.key, ANN, 9) == [FIRST]
    files = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert b"old-event" not in files
    assert BOB not in files


def test_a_user_is_found_by_a_former_key_and_moves(
    store: Store, books: Collection, run: Run
) -> None:
    first, second = UserKey(b"1" * 32), UserKey(b"2" * 32, [b"1" * 32])
    run(RecordEvents(books.key, [replace(FIRST, user=first.digest("ann"))]))
    moved = second.digest("ann")
    assert len(store.user_events(books.key, moved, 9)) == 1
    run(RecordEvents(books.key, [replace(EVENTS[2], user=moved)]))
    assert store.user_events(books.key, first.digest("ann"), 9) == []
    assert len(store.user_events(books.key, UserKey(b"2" * 32).digest("ann"), 9)) == 2
    files = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert run(DeleteUser(second.digest("ann"))) == 2
    assert bytes(moved) in files


def test_a_user_who_never_moved_can_be_deleted(books: Collection, run: Run) -> None:
    first, second = UserKey(b"1" * 32), UserKey(b"2" * 32, [b"1" * 32])
    run(RecordEvents(books.key, [replace(FIRST, user=first.digest("ann"))]))
    assert run(DeleteUser(second.digest("ann"))) == 1


def test_a_type_is_left_out_before_the_limit_counts(
    store: Store, books: Collection, run: Run
) -> None:
    shown = [Event(ANN, f"i{n}", "impression", 10.0 + n, f"s{n}") for n in range(5)]
    run(RecordEvents(books.key, [*EVENTS, *shown]))
    assert [e.item_id for e in store.user_events(books.key, ANN, 2)] == ["i3", "i4"]
    assert store.user_events(books.key, ANN, 2, "impression") == [EVENTS[2], FIRST]
