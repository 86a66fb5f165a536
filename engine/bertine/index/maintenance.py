"""The one thread that rebuilds indexes in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from bertine.index.live import LiveIndex

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.5


class Maintainer:
    """Looks at every index now and then, rebuilds the one that asks for it, and saves it.

    Args:
        indexes: gives the indexes there are now, by collection name.
        on_rebuild: called with name, reason and seconds after each rebuild.
    """

    def __init__(
        self,
        indexes: Callable[[], Iterable[tuple[str, LiveIndex]]],
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
