"""The purger erases old events, goes on after an error, and its log says no id."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import pytest

from bertine.catalog import purger as module
from bertine.catalog.changes import CreateCollection, RecordEvents
from bertine.catalog.purger import Purger
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.errors import StorageError
from bertine.types import Event, Item

PLANTED = "item-of-ann"
SECONDS = 20


class Sent(logging.Handler):
    """What was logged, for another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.records: SimpleQueue[logging.LogRecord] = SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.put(record)


@pytest.mark.parametrize(
    "case",
    [
        (KeyError(PLANTED), logging.ERROR, {"error": "KeyError"}),
        (StorageError("the disk is full"), logging.WARNING, {"reason": "the disk is full"}),
    ],
)
def test_after_an_error_it_goes_on(
    case: tuple[Exception, int, dict[str, str]],
    store: Store,
    writer: Writer,
    put: Callable[..., Any],
    make_item: Callable[..., Item],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error, level, said = case
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(module, "SECONDS_AFTER_ERROR", 0.001)
    sent, purged, errors = Sent(), SimpleQueue[tuple[str, int]](), [error]
    monkeypatch.setattr(module._log, "handlers", [sent])

    def on_purge(reason: str, count: int) -> None:
        if errors:
            raise errors.pop()
        purged.put((reason, count))

    put(replace(make_item(PLANTED), expire_time=1.0))
    purger = Purger(store, writer, on_purge=on_purge)
    try:
        record = sent.records.get(timeout=SECONDS)
        put(replace(make_item("b"), expire_time=1.0))
        assert purged.get(timeout=SECONDS) == ("expired", 1)
    finally:
        purger.close()
    assert record.levelno == level
    assert said.items() <= record.__dict__.items()
    assert PLANTED not in str(record.__dict__)
    assert record.exc_info is None
    assert [found.item_count for found in store.collections()] == [0]


def test_events_of_any_order_are_erased_when_they_are_too_old(
    store: Store, run: Callable[..., Any], writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were there before the purger, those that come, and not those of the present."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(module, "EVENTS_READ", 100)
    now = time.time()
    keys = [run(CreateCollection(name, "", 4, "m", 1.0)).key for name in ("one", "two")]
    erased = SimpleQueue[tuple[str, int]]()

    def record(start: int) -> int:
        """A third of the events is old; gives how many."""
        for key in keys:
            events = [
                Event(b"u" * 32, "i", "view", now - 9_000 * (n % 3 == 0), f"{start + n}")
                for n in range(600)
            ]
            run(RecordEvents(key, events))
        return 400

    def wait_for(count: int) -> None:
        while count > 0:
            reason, some = erased.get(timeout=SECONDS)
            assert reason == "events"
            count -= some
        assert count == 0

    before = record(0)
    purger = Purger(store, writer, on_purge=lambda *one: erased.put(one), event_ttl=3_600)
    try:
        wait_for(before)
        wait_for(record(1_000))
    finally:
        purger.close()
    for key in keys:
        found = store.event_arrays(key)
        assert found is not None
        assert found.times.tolist() == [now] * 800
