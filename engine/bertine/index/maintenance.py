"""The threads that look after indexes in the background: one rebuilds, one measures recall."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from bertine.index.live import LiveIndex
from bertine.index.recall import Budget
from bertine.priority import BACKGROUND, give_way

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.5

Indexes: TypeAlias = Callable[[], Iterable[tuple[str, LiveIndex]]]
"""Gives the indexes there are now, by collection name."""


class Maintainer:
    """Looks at every index now and then, rebuilds the one that asks for it, and saves it.

    Args:
        indexes: see `Indexes`.
        on_rebuild: called with name, reason and seconds after each rebuild.
    """

    def __init__(
        self,
        indexes: Indexes,
        on_rebuild: Callable[[str, str, float], None] = lambda *_: None,
    ) -> None:
        self._indexes = indexes
        self._on_rebuild = on_rebuild
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bertine-index", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the rebuild that is under way, if any."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for name, index in list(self._indexes()):
                reason = index.rebuild_reason()
                if reason and not self._stop.is_set():
                    self._rebuild(name, index, reason)
                if index.unsaved:
                    index.save()

    def _rebuild(self, name: str, index: LiveIndex, reason: str) -> None:
        started = time.monotonic()
        try:
            index.rebuild()
        except Exception:  # noqa: BLE001 - the index in use is untouched; it is tried again
            _log.exception("index rebuild failed", extra={"collection": name, "reason": reason})
            return
        self._on_rebuild(name, reason, time.monotonic() - started)


class RecallMeter:
    """Repeats some of the live searches exactly, at the lowest priority and in little time.

    Args:
        indexes: see `Indexes`.
    """

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes
        self._budget = Budget()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bertine-recall", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the search that is under way, if any."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        give_way(BACKGROUND)
        while not self._stop.wait(POLL_SECONDS):
            for name, index in list(self._indexes()):
                self._repeat(name, index)

    def _repeat(self, name: str, index: LiveIndex) -> None:
        """Repeat what waits, as far as the budget goes."""
        started = time.monotonic()
        try:
            while self._budget.allows(started) and index.quality.repeat():
                ended = time.monotonic()
                self._budget.spend(ended, ended - started)
        except Exception:  # noqa: BLE001 - an estimate less; searches go on
            _log.exception("recall was not measured", extra={"collection": name})
