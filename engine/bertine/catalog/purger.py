"""The one thread that erases what has expired and what was deleted, in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

from bertine.catalog.event_ages import EventAges
from bertine.catalog.event_tables import BLOCK
from bertine.catalog.events import ExpireEvents
from bertine.catalog.expiry import PurgeClock, PurgeExpired, PurgeResult
from bertine.catalog.removal import EraseRows, FinishErasing
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.defects import described
from bertine.errors import StorageError

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
SECONDS_AFTER_ERROR = 10.0

BATCH = 256
"""Rows in one change: other changes wait for it, so it must be short."""

EVENTS_READ = 16_384
"""Events whose times are read at once."""

Reason: TypeAlias = Literal["expired", "events", "deleted"]


class Purger:
    """Looks now and then for items that have expired and collections that were deleted.

    What it finds it erases a few rows at a time, each part a change like others, waiting for one
    before it hands in the next. What is left when the process ends, the next one finds.

    Args:
        store: read from.
        writer: executes the changes.
        on_expired: called with what was deleted on the writer's thread, for what must follow the
            catalog.
        on_erased: called with the key of a deleted collection when its rows are gone, for what was
            made from them.
        on_purge: called with the reason and the number of rows after each part.
        event_ttl: seconds after which an event is erased; None is never.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        on_expired: Callable[[PurgeResult], None] = lambda _: None,
        on_erased: Callable[[int], None] = lambda _: None,
        on_purge: Callable[[Reason, int], None] = lambda *_: None,
        event_ttl: float | None = None,
    ) -> None:
        self._store = store
        self._writer = writer
        self._on_expired = on_expired
        self._on_erased = on_erased
        self._on_purge = on_purge
        self._event_ttl = event_ttl
        self._ages: dict[int, EventAges] = {}
        self._clock = PurgeClock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bertine-purger", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the change that is under way, if any; before the writer is closed."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause = POLL_SECONDS
        while not self._stop.wait(pause):
            try:
                while not self._stop.is_set() and self._purge_some():
                    pass
                pause = POLL_SECONDS
            except Exception as error:  # noqa: BLE001 - the thread goes on, or nothing were purged
                _failed(error)
                pause = SECONDS_AFTER_ERROR

    def _purge_some(self) -> bool:
        return self._purge_expired() or self._expire_events() or self._erase_rows()

    def _expire_events(self) -> bool:
        if self._event_ttl is None:
            return False
        until = self._clock.limit(time.time(), time.monotonic()) - self._event_ttl
        known = {collection.key: EventAges() for collection in self._store.collections()}
        self._ages = {key: self._ages.get(key, new) for key, new in known.items()}
        # Each collection gets its turn.
        more = [self._expire_some(key, ages, until) for key, ages in self._ages.items()]
        return any(more)

    def _expire_some(self, key: int, ages: EventAges, until: float) -> bool:
        """Read some of what came since, and erase one block; whether there may be more to do."""
        before = ages.last
        ages.follow(self._store.oldest_events(key, before, EVENTS_READ))
        block = ages.due(until)
        if block is None:
            return ages.last > before
        count = self._writer.submit(ExpireEvents(key, block, until)).result()
        ages.correct(block, self._store.oldest_events(key, block * BLOCK, BLOCK))
        self._on_purge("events", count)
        return True

    def _purge_expired(self) -> bool:
        until = self._clock.limit(time.time(), time.monotonic())
        if not self._store.has_expired(until):
            return False
        change = PurgeExpired(until, BATCH)
        count = self._writer.submit(change, self._on_expired).result().count
        self._on_purge("expired", count)
        return count > 0

    def _erase_rows(self) -> bool:
        key = self._store.next_to_erase()
        if key is None:
            return False
        count = self._writer.submit(EraseRows(key, BATCH)).result()
        self._on_purge("deleted", count)
        if not count:
            self._on_erased(key)
            self._writer.submit(FinishErasing(key)).result()
        return True


def _failed(error: Exception) -> None:
    if isinstance(error, StorageError):  # it tells of the disk
        _log.warning("nothing is purged; it is tried again", extra={"reason": error.message})
    else:  # not its message, which could hold an id
        _log.error("purging failed; it is tried again", extra=described(error))
