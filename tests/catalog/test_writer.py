from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from bertine.catalog import writer as module
from bertine.catalog.changes import CreateCollection, DeleteItems
from bertine.catalog.store import Store
from bertine.catalog.writer import Group, Writer
from bertine.errors import NotFound, Overloaded, StorageError, Unavailable
from bertine.types import Collection


@dataclass
class Step:
    """A change of the tests: calls back on the writer's thread."""

    action: Callable[[sqlite3.Connection], Any]
    rows: int = 1
    erases: bool = False

    def execute(self, connection: sqlite3.Connection) -> Any:
        return self.action(connection)


@dataclass
class Gate:
    """Holds the writer's thread inside a change until it is opened."""

    opened: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _connection: sqlite3.Connection) -> None:
        self.reached.set()
        assert self.opened.wait(30)


@pytest.fixture
def groups() -> list[Group]:
    return []


@pytest.fixture
def writer(store: Store, groups: list[Group]) -> Iterator[Writer]:
    with Writer(store, max_waiting=8, on_group=groups.append) as opened:
        yield opened


@pytest.fixture
def gate(writer: Writer) -> Iterator[Gate]:
    gate = Gate()
    writer.submit(Step(gate))
    assert gate.reached.wait(30)
    yield gate
    gate.opened.set()


def create(name: str) -> CreateCollection:
    return CreateCollection(name, "", 4, "model", 1.0)


def names(store: Store) -> list[str]:
    return [collection.name for collection in store.collections()]


def fail(_connection: sqlite3.Connection) -> None:
    raise ZeroDivisionError("defect")


def test_what_waits_is_committed_together(
    store: Store, writer: Writer, gate: Gate, groups: list[Group]
) -> None:
    futures = [writer.submit(create(name)) for name in "abcde"]
    assert writer.waiting == 5
    gate.opened.set()
    assert [future.result().name for future in futures] == list("abcde")
    writer.close()
    assert [group.changes for group in groups] == [1, 5]
    assert groups[1].rows == 5
    assert groups[1].waited >= 0 < groups[1].seconds
    assert names(store) == list("abcde")


def test_nothing_is_acknowledged_before_it_is_durable(store: Store, writer: Writer) -> None:
    """The second change of a group runs when the first is not yet to be seen by readers."""
    seen: list[list[str]] = []
    gate = Gate()
    writer.submit(Step(gate))
    assert gate.reached.wait(30)
    first = writer.submit(create("a"))
    done: list[bool] = []

    def look(_connection: sqlite3.Connection) -> None:
        seen.append(names(store))
        done.append(first.done())

    second = writer.submit(Step(look))
    gate.opened.set()
    second.result()
    assert seen == [[]]
    assert done == [False]
    assert names(store) == ["a"]


def test_results_are_applied_in_order_before_they_are_acknowledged(
    store: Store, writer: Writer, gate: Gate
) -> None:
    applied: list[str] = []
    futures: list[Future[Collection]] = []

    def apply(collection: Collection) -> None:
        assert threading.current_thread().name == "catalog-writer"
        assert collection.name in names(store)
        assert not futures[len(applied)].done()
        applied.append(collection.name)

    futures.extend(writer.submit(create(name), apply) for name in "abcd")
    gate.opened.set()
    for future in futures:
        future.result()
    assert applied == list("abcd")
    assert writer.healthy


def test_a_failing_change_is_undone_alone(
    store: Store, writer: Writer, gate: Gate, groups: list[Group]
) -> None:
    applied: list[object] = []

    def half(connection: sqlite3.Connection) -> None:
        create("half").execute(connection)
        fail(connection)

    before = writer.submit(create("before"))
    failing = writer.submit(Step(half), applied.append)
    missing = writer.submit(DeleteItems(99, ("a",)), applied.append)
    after = writer.submit(create("after"))
    gate.opened.set()
    with pytest.raises(ZeroDivisionError):
        failing.result()
    with pytest.raises(NotFound):
        missing.result()
    assert (before.result().name, after.result().name) == ("before", "after")
    assert names(store) == ["after", "before"]
    assert applied == []
    writer.close()
    assert [(group.changes, group.failed) for group in groups] == [(1, 0), (4, 2)]


def test_a_full_queue_refuses_at_once(writer: Writer, gate: Gate) -> None:
    futures = [writer.submit(create(str(number))) for number in range(8)]
    with pytest.raises(Overloaded, match="8 changes wait for the disk already") as refusal:
        writer.submit(create("x"))
    assert refusal.value.retry_after > 0
    gate.opened.set()
    for future in futures:
        future.result()
    writer.submit(create("x")).result()


def test_a_change_that_is_cancelled_in_time_is_not_executed(
    store: Store, writer: Writer, gate: Gate
) -> None:
    kept, given_up = writer.submit(create("kept")), writer.submit(create("given up"))
    assert given_up.cancel()
    gate.opened.set()
    kept.result()
    assert names(store) == ["kept"]


def test_groups_are_bounded(
    writer: Writer, gate: Gate, groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP_CHANGES", 3)
    monkeypatch.setattr(module, "GROUP_ROWS", 10)
    for rows in (1, 1, 1, 1, 9, 1, 12, 1):
        writer.submit(Step(names_of_thread, rows))
    gate.opened.set()
    writer.close()
    assert [(group.changes, group.rows) for group in groups[1:]] == [
        (3, 3),
        (2, 10),
        (2, 13),
        (1, 1),
    ]


def names_of_thread(_connection: sqlite3.Connection) -> str:
    return threading.current_thread().name


def test_close_finishes_what_waits_and_takes_no_more(
    store: Store, writer: Writer, gate: Gate
) -> None:
    futures = [writer.submit(create(name)) for name in "abc"]
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.opened.set()
    closing.join()
    assert all(future.done() for future in futures)
    assert names(store) == list("abc")
    with pytest.raises(Unavailable, match="takes no more changes"):
        writer.submit(create("d"))
    writer.close()
    log = store.path.with_name(f"{store.path.name}-wal")
    assert not log.exists() or log.stat().st_size == 0


def test_an_apply_that_fails_is_reported_and_remembered(store: Store, writer: Writer) -> None:
    def broken(_collection: Collection) -> None:
        raise ZeroDivisionError

    future = writer.submit(create("a"), broken)
    with pytest.raises(Unavailable, match="is stored, but is not searchable") as raised:
        future.result()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert not writer.healthy
    assert names(store) == ["a"]
    assert writer.submit(create("b")).result().name == "b"


def test_a_listener_that_fails_stops_nothing(store: Store) -> None:
    def broken(_group: Group) -> None:
        raise ZeroDivisionError

    with Writer(store, on_group=broken) as writer:
        writer.submit(create("a")).result()
        writer.submit(create("b")).result()
        assert writer.healthy
    assert names(store) == ["a", "b"]


def test_a_commit_that_fails_fails_the_whole_group(
    store: Store, writer: Writer, gate: Gate
) -> None:
    """A reference that leads nowhere, allowed until the commit, makes COMMIT itself fail."""
    applied: list[object] = []

    def dangle(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO vectors VALUES (99, x'00')")

    futures = [
        writer.submit(create("a"), applied.append),
        writer.submit(Step(dangle), applied.append),
        writer.submit(Step(fail), applied.append),
    ]
    gate.opened.set()
    for future in futures[:2]:
        with pytest.raises(StorageError, match="FOREIGN KEY"):
            future.result()
    with pytest.raises(ZeroDivisionError):
        futures[2].result()
    assert applied == []
    assert names(store) == []
    assert writer.submit(create("b")).result().name == "b"
    assert writer.healthy


def test_a_transaction_that_sqlite_undid_is_lost_as_a_whole(
    store: Store, writer: Writer, gate: Gate
) -> None:
    def undo(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    futures = [writer.submit(create("a")), writer.submit(Step(undo)), writer.submit(create("b"))]
    gate.opened.set()
    for future in futures:
        with pytest.raises(StorageError, match="disk I/O error"):
            future.result()
    assert names(store) == []
    assert writer.submit(create("c")).result().name == "c"


def test_many_threads_submit(store: Store, groups: list[Group]) -> None:
    with Writer(store, on_group=groups.append) as writer:

        def work(number: int) -> None:
            for step in range(10):
                writer.submit(create(f"{number}-{step}")).result()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(names(store)) == 80
    assert sum(group.changes for group in groups) == 80
