"""Group commit: the one thread that writes.

An fsync costs milliseconds, whatever it makes durable. So changes that arrive while one is under
way wait, and are committed together by the next: the more writers, the larger the groups.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from bertine.catalog.changes import Change
from bertine.catalog.connection import BUSY_TIMEOUT, translated
from bertine.catalog.store import Store
from bertine.errors import Overloaded, StorageError, Unavailable

Result = TypeVar("Result")

GROUP_CHANGES = 256
GROUP_ROWS = 8192
"""A group ends with the change that reaches one of these, so that a commit stays short."""

ERASE_PATIENCE = 0.1
"""Seconds for which reads may hold up the erasing of what was deleted, and with it the writer."""

ERASE_AGAIN_AFTER = 0.25
"""Seconds after which it is tried again, without waiting, if they took longer."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Group:
    """What one commit took.

    Attributes:
        changes: how many were in it.
        failed: how many of them failed.
        rows: they wrote, about.
        waited: seconds from the first one's submission to the beginning.
        seconds: from the beginning until all was durable and applied.
    """

    changes: int
    failed: int
    rows: int
    waited: float
    seconds: float


@dataclass(slots=True)
class _Task:
    change: Change[Any]
    apply: Callable[[Any], None] | None
    future: Future[Any] = field(default_factory=Future)
    submitted: float = field(default_factory=time.monotonic)
    result: Any = None
    error: Exception | None = None


class Writer:
    """Executes changes in the order of their submission, on a thread of its own.

    Args:
        store: open; stays the caller's to close, after the writer.
        max_waiting: more changes than these are refused.
        on_group: told of every group, on the writer's thread.

    Attributes:
        healthy: False once something that follows the catalog has failed to follow it; what it
            answers is not to be trusted until the server starts again.

    Raises:
        StorageError: the catalog cannot be written.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_waiting: int = 1024,
        on_group: Callable[[Group], None] | None = None,
    ) -> None:
        self.healthy = True
        self._path = store.path
        self._max_waiting = max_waiting
        self._on_group = on_group
        self._waiting: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._erasing = False
        self._connection = store.open_writing()
        self._thread = threading.Thread(target=self._run, name="catalog-writer", daemon=True)
        self._thread.start()

    def submit(
        self, change: Change[Result], apply: Callable[[Result], None] | None = None
    ) -> Future[Result]:
        """Hand in a change.

        Args:
            change: one of `changes`.
            apply: called with the result on the writer's thread, once it is durable and in the
                order of commits; for what must follow the catalog.

        Returns:
            The change's result, once it is durable and applied; its error, if it failed; otherwise
            `StorageError` if it could not be made durable, in which case nothing of it is kept.
            Cancelled before its turn, a change is not executed.

        Raises:
            Overloaded: `max_waiting` changes wait already.
            Unavailable: the writer is closed.
        """
        task = _Task(change, apply)
        with self._changed:
            if self._closed:
                raise Unavailable("the catalog takes no more changes: the server is stopping")
            if len(self._waiting) >= self._max_waiting:
                raise Overloaded(f"{self._max_waiting} changes wait for the disk already")
            self._waiting.append(task)
            self._changed.notify()
        return task.future

    @property
    def waiting(self) -> int:
        """How many changes wait."""
        return len(self._waiting)

    @property
    def erasing(self) -> bool:
        """Whether a long read still keeps deleted bytes in the write-ahead log.

        They are out of every later read, and are erased as soon as that read ends.
        """
        return self._erasing

    def close(self) -> None:
        """Finish what waits, empty the write-ahead log, stop the thread. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _run(self) -> None:
        while (group := self._take()) is not None:
            if group:
                self._process(group)
            self._erase_what_is_left()
        self._erasing = True
        self._erase_what_is_left(ERASE_PATIENCE)
        self._connection.close()

    def _take(self) -> list[_Task] | None:
        """What waits, as far as it fits a group; empty to erase again; None to stop."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                if not self._changed.wait(ERASE_AGAIN_AFTER if self._erasing else None):
                    return []
            group: list[_Task] = []
            rows = 0
            while self._waiting and len(group) < GROUP_CHANGES and rows < GROUP_ROWS:
                group.append(self._waiting.popleft())
                rows += group[-1].change.rows
        return [task for task in group if task.future.set_running_or_notify_cancel()]

    def _process(self, group: list[_Task]) -> None:
        started = time.monotonic()
        self._commit(group)
        if any(task.change.erases for task in group if task.error is None):
            self._erasing = True
            self._erase_what_is_left(ERASE_PATIENCE)
        for task in group:
            self._finish(task)
        self._report(group, started)

    def _commit(self, group: list[_Task]) -> None:
        try:
            self._statement("BEGIN IMMEDIATE")
            for task in group:
                self._execute(task)
            self._statement("COMMIT")
        except Exception as error:  # noqa: BLE001 (the thread goes on, or all who wait would hang)
            self._lose(group, error)

    def _execute(self, task: _Task) -> None:
        self._statement("SAVEPOINT change")
        try:
            with translated(self._path):
                task.result = task.change.execute(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:  # undone as a whole, since the disk failed
                raise
            task.error = error
            self._statement("ROLLBACK TO change")
        self._statement("RELEASE change")

    def _statement(self, sql: str) -> None:
        with translated(self._path):
            self._connection.execute(sql)

    def _lose(self, group: list[_Task], error: Exception) -> None:
        """Nothing of the group is kept."""
        _log.error("a group of %d changes was not committed: %s", len(group), error)
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()
        for task in group:
            if task.error is None:  # each its own, since each is raised in a thread of its own
                task.error = StorageError(str(error))
                task.error.__cause__ = error

    def _finish(self, task: _Task) -> None:
        if task.error is None and task.apply is not None:
            self._apply(task, task.apply)
        if task.error is None:
            task.future.set_result(task.result)
        else:
            task.future.set_exception(task.error)

    def _apply(self, task: _Task, apply: Callable[[Any], None]) -> None:
        try:
            apply(task.result)
        except Exception as error:  # noqa: BLE001 (the same)
            self.healthy = False
            _log.exception("the change is durable, but what follows the catalog failed")
            task.error = Unavailable("the change is stored, but is not searchable before a restart")
            task.error.__cause__ = error

    def _erase_what_is_left(self, patience: float = 0.0) -> None:
        """Empty the write-ahead log, where deleted bytes are still, unless a read is using it.

        Args:
            patience: seconds to wait for such reads to end.
        """
        if not self._erasing:
            return
        try:
            self._set_patience(patience)
            with translated(self._path):
                cursor = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._erasing = bool(cursor.fetchone()[0])
            self._set_patience(BUSY_TIMEOUT)
        except StorageError as error:
            _log.warning("the write-ahead log could not be emptied: %s", error)

    def _set_patience(self, seconds: float) -> None:
        self._statement(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def _report(self, group: list[_Task], started: float) -> None:
        if self._on_group is None:
            return
        failed = sum(task.error is not None for task in group)
        rows = sum(task.change.rows for task in group)
        waited = started - group[0].submitted
        seconds = time.monotonic() - started
        try:
            self._on_group(Group(len(group), failed, rows, waited, seconds))
        except Exception:  # noqa: BLE001 (the same)
            _log.exception("the listener to groups failed")
